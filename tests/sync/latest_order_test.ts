/**
 * The memory order of `Latest`: which buffer is whose is in one word, which both
 * sides exchange. Each course of events, that is each sequence of values of that
 * word which a side may come to see, is one of the code as it is; and of each pair
 * of courses every order is tried that x86-64 and aarch64 allow.
 *
 * An exchange is a load that acquires and a store that releases (LDAXR and STLXR,
 * or CASAL, on aarch64), with no other store to the word between the two. What
 * stands before and behind them may come between.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Memory, sizeOf, u32 } from "../../mod.ts";
import { Latest, LatestReader, LatestWriter } from "../../sync/mod.ts";
import { OFFSETS } from "../../sync/latest/type.ts";
import {
  type State,
  stateOf,
  submitted,
  taken,
} from "../../sync/latest/state.ts";
import type { SharedWord } from "../../sync/shared/order.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import {
  aarch64,
  type Access,
  explore,
  type Keeps,
  load,
  store,
  type Strength,
  x86,
} from "../bpf/ring/_memory_model.ts";

/** With so many every buffer has been in every hand. */
const SUBMITS = 3;
const READS = 2;

const Numbers = Latest(u32);

/** A course of events of one side. */
interface Course {
  /** Its accesses to the state and to buffers, in the order of the program. */
  readonly accesses: readonly Access[];
  /** The values that its loads of buffers have to see. */
  readonly wanted: readonly number[];
}

/** One that is written down. */
class Recorded implements Course {
  readonly accesses: Access[] = [];
  readonly wanted: number[] = [];
  /** The state that the side knows of. */
  state = 0;
}

/** Chooses among what may happen, each time that it is done anew otherwise. */
class Choices {
  readonly #made: { chosen: number; readonly of: number }[] = [];
  #position = 0;

  choose<T>(options: readonly T[]): T {
    const { length } = options;
    const choice = this.#made[this.#position] ??= { chosen: 0, of: length };
    this.#position++;
    return options[choice.chosen]!;
  }

  /** Begins anew; false once everything was chosen. */
  next(): boolean {
    this.#position = 0;
    while (this.#made.length > 0) {
      const last = this.#made.at(-1)!;
      if (++last.chosen < last.of) return true;
      this.#made.pop();
    }
    return false;
  }
}

/** Runs a side, which finds the states that it is told to; nothing is stored. */
function record(
  course: Recorded,
  atomicStore: Strength,
  find: () => number,
  run: () => void,
): void {
  const { load: loads, compareExchange } = Atomics;
  const native = Atomics as unknown as Record<string, unknown>;
  const found = () => {
    course.state = find();
    course.accesses.push({
      ...load("state", "ordered"),
      expects: course.state,
    });
    return course.state;
  };
  native["load"] = (array: Int32Array<ArrayBuffer>, index: number) => {
    if (index === OFFSETS.state / 4) return found();
    course.accesses.push(load("readerSleeps", "ordered"));
    return loads(array, index);
  };
  native["compareExchange"] = (
    _array: Int32Array<ArrayBuffer>,
    index: number,
    expected: number,
    replacement: number,
  ) => {
    assertEquals(index, OFFSETS.state / 4);
    const before = found();
    if (before === expected) {
      course.state = replacement;
      course.accesses.push({
        ...store("state", replacement, atomicStore),
        expects: before,
      });
    }
    return before;
  };
  try {
    run();
  } finally {
    native["load"] = loads;
    native["compareExchange"] = compareExchange;
  }
}

/**
 * All courses of a side.
 *
 * @param after The states that it may find, where it knew of one.
 * @param start Opens the side anew, and returns what it does.
 */
function coursesOf(
  atomicStore: Strength,
  after: (state: number) => readonly number[],
  start: () => (course: Recorded) => void,
): Course[] {
  const courses: Course[] = [];
  const choices = new Choices();
  do {
    const course = new Recorded();
    const run = start();
    const find = () => choices.choose(after(course.state));
    record(course, atomicStore, find, () => run(course));
    courses.push(course);
  } while (choices.next());
  return distinct(courses.map(withoutLooks));
}

/**
 * A course without what only adds to the order: the loads of the state that another
 * one follows, be it that of an exchange, and those of who sleeps. So there is less
 * to be tried, and what is left may happen in more orders than it does.
 */
function withoutLooks({ accesses, wanted }: Course): Course {
  const isState = ({ kind, place }: Access) =>
    kind === "load" && place === "state";
  const nextOfState = (from: number) =>
    accesses.slice(from).find(({ place }) => place === "state");
  return {
    wanted,
    accesses: accesses.filter((access, i) => {
      if (access.place === "readerSleeps") return false;
      const next = nextOfState(i + 1);
      return !isState(access) || next === undefined || !isState(next);
    }),
  };
}

function distinct(courses: readonly Course[]): Course[] {
  return [
    ...new Map(courses.map((one) => [JSON.stringify(one), one])).values(),
  ];
}

function stateAs(word: number): State {
  return stateOf({ load: () => word } as SharedWord, "A state");
}

/** Reads the number of submits in a state. */
function countIn(word: number): number {
  return word >>> 8;
}

/** Lists what the writer may find: the reader may have taken the newest. */
function afterReader(word: number): number[] {
  const state = stateAs(word);
  return state.fresh ? [word, taken(state)] : [word];
}

/** Lists what the reader may find: the writer may have submitted any number. */
function afterWriter(word: number): number[] {
  const states = [word];
  for (let last = word; countIn(last) < SUBMITS;) {
    last = submitted(stateAs(last));
    states.push(last);
  }
  return states;
}

/** The name of the buffer that a pointer or a view is of. */
function bufferOf(pointer: object): string {
  return `buffer ${(whereIs(pointer)!.absolute - OFFSETS.slots) / u32.size}`;
}

/** The writer submits the numbers from 1. */
function writerOn(atomicStore: Strength, memory: Memory): Course[] {
  return coursesOf(atomicStore, afterReader, () => {
    const writer = LatestWriter.open(memory.pointer(Numbers), {
      takeOver: true,
    });
    return ({ accesses }) => {
      for (let number = 1; number <= SUBMITS; number++) {
        accesses.push(store(bufferOf(writer.draft), number));
        writer.submit();
      }
    };
  });
}

/** The reader looks at what it has read until it reads once more. */
function readerOn(atomicStore: Strength, memory: Memory): Course[] {
  return coursesOf(atomicStore, afterWriter, () => {
    const reader = LatestReader.open(memory.pointer(Numbers), {
      takeOver: true,
    });
    return (course) => {
      let number = 0;
      for (let i = 0; i < READS; i++) {
        const wasKnown = countIn(course.state);
        const view = reader.read();
        if (view === undefined) continue;
        if (countIn(course.state) > wasKnown) number = countIn(course.state);
        course.accesses.push(load(bufferOf(view)));
        course.wanted.push(number);
      }
    };
  });
}

/** A processor: what it keeps, and how strong the store of an exchange is. */
interface Processor {
  readonly name: string;
  readonly keeps: Keeps;
  readonly atomicStore: Strength;
}

const processors: readonly Processor[] = [
  { name: "x86-64", keeps: x86, atomicStore: "full" },
  { name: "aarch64", keeps: aarch64, atomicStore: "ordered" },
];

/** The courses of both sides of the code as it is. */
function sidesOn({ atomicStore }: Processor): {
  readonly writers: readonly Course[];
  readonly readers: readonly Course[];
} {
  using memory = Memory.create(sizeOf(Numbers));
  return {
    writers: writerOn(atomicStore, memory),
    readers: readerOn(atomicStore, memory),
  };
}

/** In how many orders a buffer has another number than what was submitted in it. */
function torn(
  writers: readonly Course[],
  readers: readonly Course[],
  keeps: Keeps,
): { readonly orders: number; readonly wrong: number } {
  let orders = 0;
  let wrong = 0;
  for (const writer of writers) {
    for (const { accesses, wanted } of readers) {
      const loads = accesses.filter(({ kind }) => kind === "load");
      orders += explore([writer.accesses, accesses], keeps, {}, (_, seen) => {
        const read = seen.filter((_, i) => loads[i]!.place !== "state");
        if (read.some((value, i) => value !== wanted[i])) wrong++;
      });
    }
  }
  return { orders, wrong };
}

for (const processor of processors) {
  Deno.test(`No buffer of Latest is read that the writer has, in any order that ${processor.name} allows`, () => {
    const { writers, readers } = sidesOn(processor);
    const { orders, wrong } = torn(writers, readers, processor.keeps);
    assert(orders > 1000, `${orders}`);
    assertEquals(wrong, 0);
  });
}

for (const { name, keeps, atomicStore } of processors) {
  Deno.test(`No wake-up is lost between the sides of Latest on ${name}`, () => {
    using memory = Memory.create(sizeOf(Numbers));
    using writer = LatestWriter.open(memory.pointer(Numbers));
    const course = new Recorded();
    record(course, atomicStore, () => 0, () => writer.submit());
    const { accesses } = course;
    assertEquals(accesses.at(-1), load("readerSleeps", "ordered"));
    // See `sync/shared/sleep.ts`.
    const reader = [
      store("readerSleeps", 1, atomicStore),
      load("state", "ordered"),
    ];
    let lost = 0;
    let sleeping = 0;
    explore([accesses, reader], keeps, {}, (writer, [state]) => {
      if (state !== 0) return;
      sleeping++;
      if (writer.at(-1) === 0) lost++;
    });
    assert(sleeping > 0);
    assertEquals(lost, 0);
  });
}

Deno.test("Were the exchange of Latest relaxed, buffers would be read in part on aarch64", () => {
  const relaxed = (courses: readonly Course[]): Course[] =>
    courses.map((course) => ({
      ...course,
      accesses: course.accesses.map((access) => ({
        ...access,
        strength: "plain",
      })),
    }));
  const { writers, readers } = sidesOn(processors[1]!);
  assert(torn(relaxed(writers), readers, aarch64).wrong > 0);
  assert(torn(writers, relaxed(readers), aarch64).wrong > 0);
});
