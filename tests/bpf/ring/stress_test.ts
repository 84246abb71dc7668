import { assert, assertEquals } from "@std/assert";
import { Watch } from "../../../bpf/ring/wait_for_events.ts";
import { RingBuffer } from "../../../bpf/mod.ts";
import {
  array,
  HostLayout,
  struct,
  type Type,
  u64,
  type View,
} from "../../../layout/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfTest } from "../../_needs.ts";
import { eventually } from "../../_support.ts";
import type { Program } from "../_program.ts";
import { NO_WAKEUP, TestRing } from "./_ring_programs.ts";

/** All of its words are the record's number: torn ones differ. */
const Numbered = struct("Numbered", {
  _: HostLayout,
  first: u64,
  middle: array(u64, 3),
  last: u64,
});

/** A program that runs in a Worker, over and over. */
class Producer implements AsyncDisposable {
  readonly #worker = new Worker(
    new URL("../_program_worker.ts", import.meta.url).href,
    { type: "module" },
  );
  /** Non-zero once it has run for the last time. */
  readonly #ended = new Int32Array(new SharedArrayBuffer(4));

  #message(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  }

  /** Starts one. */
  static async run(
    { fd }: Program,
    times: number,
    rounds = 1,
    /** The count of what the test consumed, and how far to be ahead. */
    flow: { consumed?: Int32Array; room?: number } = {},
  ): Promise<Producer> {
    const producer = new Producer();
    await producer.#message();
    producer.done = producer.#message();
    const ended = producer.#ended;
    producer.#worker.postMessage({
      program: fd,
      times,
      rounds,
      ended,
      ...flow,
    });
    return producer;
  }

  /** Resolves when it has ended. */
  done: Promise<unknown> = Promise.resolve();

  /** True if it has ended, without asking the event loop. */
  get ended(): boolean {
    return Atomics.load(this.#ended, 0) !== 0;
  }

  /** Waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.done;
    this.#worker.terminate();
  }
}

/** Checks a sequence of records, and counts what is missing of it. */
class Sequence {
  next = 0n;
  missing = 0n;
  torn = 0;
  disordered = 0;

  readonly take = (record: View<typeof Numbered>): void => {
    const { first, middle } = record;
    if (
      middle.at(0) !== first || middle.at(1) !== first ||
      middle.at(2) !== first || record.last !== first
    ) this.torn++;
    if (first < this.next) this.disordered++;
    else this.missing += first - this.next;
    this.next = first + 1n;
  };
}

/** Reads a ring with `for await` until a signal is aborted. */
async function readUntil<T extends Type>(
  signal: AbortSignal,
  ring: RingBuffer<T>,
  take: (record: View<T>) => void | Promise<void>,
): Promise<void> {
  try {
    for await (const record of ring.records({ signal })) {
      const taken = take(record as View<T>);
      if (taken !== undefined) await taken;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

bpfTest(
  "Records of a concurrent producer, one after the other: none torn, missing or twice",
  async () => {
    const times = 5000;
    // The ring wraps every 43 690 records.
    const total = sized(2_000_000, 10_000_000);
    // Room for 21 845, of which the producer uses 15 000 at the most.
    using test = new TestRing(2 ** 20);
    const program = test.numbering(Numbered.size);
    test.control.flags = NO_WAKEUP;
    using ring = new RingBuffer(test.map, Numbered, {
      lost: test.control.lost,
    });
    const sequence = new Sequence();
    const consumed = new Int32Array(new SharedArrayBuffer(4));
    const flow = { consumed, room: 10_000 };
    let met = 0;
    {
      await using producer = await Producer.run(
        program,
        times,
        total / times,
        flow,
      );
      for (let count = 0; count < total;) {
        const { ended } = producer;
        const read = ring.consume(sequence.take);
        if (ended && read === 0) break;
        // Not the end of a run: the program was writing while it was read.
        if (read % times !== 0) met++;
        count += read;
        Atomics.store(consumed, 0, count);
        Atomics.notify(consumed, 0);
      }
    }
    const { torn, disordered, missing, next } = sequence;
    assertEquals({ torn, disordered, missing, next, lost: ring.lost }, {
      torn: 0,
      disordered: 0,
      missing: 0n,
      next: BigInt(total),
      lost: 0n,
    });
    assertEquals([consumed[0], ring.available], [total, 0]);
    assert(met > 0, "The two never met, which shows nothing");
  },
);

bpfTest(
  "for await reads what a concurrent producer writes, to the last",
  async () => {
    using test = new TestRing(2 ** 16);
    const program = test.numbering(Numbered.size);
    using ring = new RingBuffer(test.map, Numbered, {
      lost: test.control.lost,
    });
    const sequence = new Sequence();
    const total = 1_000_000;
    let consumed = 0;
    const controller = new AbortController();
    const reading = readUntil(controller.signal, ring, (record) => {
      sequence.take(record);
      consumed++;
    });
    {
      await using _producer = await Producer.run(program, 500, total / 500);
    }
    // A wake-up that was lost would leave some of them where they are.
    await eventually(() => ring.available === 0);
    controller.abort();
    await reading;
    const { torn, disordered, missing, next } = sequence;
    assertEquals({ torn, disordered }, { torn: 0, disordered: 0 });
    assertEquals(missing + BigInt(total) - next, ring.lost);
    assertEquals(BigInt(consumed) + ring.lost!, BigInt(total));
  },
);

bpfTest(
  "What a slow consumer misses is what the program counts as lost",
  async () => {
    using test = new TestRing(4096);
    const program = test.numbering(Numbered.size);
    using ring = new RingBuffer(test.map, Numbered, {
      lost: test.control.lost,
    });
    const sequence = new Sequence();
    const total = 200_000;
    let consumed = 0;
    {
      await using producer = await Producer.run(program, 1000, total / 1000);
      const controller = new AbortController();
      producer.done.then(() => controller.abort());
      await readUntil(controller.signal, ring, async (record) => {
        sequence.take(record);
        consumed++;
        if (consumed % 10 === 0) {
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      });
    }
    consumed += ring.consume(sequence.take);
    const { torn, disordered, missing, next } = sequence;
    assertEquals({ torn, disordered }, { torn: 0, disordered: 0 });
    const behind = BigInt(total) - next;
    assertEquals(missing + behind, ring.lost);
    assertEquals(BigInt(consumed) + ring.lost!, BigInt(total));
    assert(ring.lost! > 0n, "Nothing was lost, which shows nothing");
  },
);

bpfTest("Two threads read two rings, and each its own", async () => {
  using one = new TestRing(2 ** 16);
  using other = new TestRing(2 ** 16);
  const programs = [one, other].map((test) => test.numbering(Numbered.size));
  const rings = [one, other].map((test) =>
    new RingBuffer(test.map, Numbered, { lost: test.control.lost })
  );
  const sequences = [new Sequence(), new Sequence()];
  const total = 100_000;
  const controller = new AbortController();
  const reading = Promise.all(
    rings.map((ring, i) =>
      readUntil(controller.signal, ring, sequences[i]!.take)
    ),
  );
  {
    await using _first = await Producer.run(programs[0]!, 100, total / 100);
    await using _second = await Producer.run(programs[1]!, 100, total / 100);
  }
  await eventually(() => rings.every((ring) => ring.available === 0));
  controller.abort();
  await reading;
  sequences.forEach(({ torn, disordered, missing, next }, i) => {
    assertEquals({ torn, disordered }, { torn: 0, disordered: 0 });
    assertEquals(missing + BigInt(total) - next, rings[i]!.lost);
    rings[i]!.close();
  });
});

/** Counts how often a wait for an event was begun, while `during` runs. */
async function countWaits(during: () => Promise<void>): Promise<number> {
  const { next } = Watch.prototype;
  let count = 0;
  Watch.prototype.next = function () {
    count++;
    return next.call(this);
  };
  try {
    await during();
  } finally {
    Watch.prototype.next = next;
  }
  return count;
}

/**
 * Reads a ring while a program holds a record of it, with one before and one
 * behind; false if the program did not hold it for long enough: the kernel lets
 * it loop for a quarter of a second.
 */
async function readHeld(
  test: TestRing,
  holding: Program,
  ordinary: Program,
): Promise<boolean> {
  using ring = new RingBuffer(test.map, array(u64, 1));
  const { held, release, next: number } = test.control;
  const first = number.load();
  const seen: bigint[] = [];
  const keep = (list: { at(index: number): bigint | undefined }) =>
    void seen.push(list.at(0)! - first);
  release.store(0);
  test.run(ordinary);
  await using producer = await Producer.run(holding, 1);
  try {
    while (held.load() === 0 && !producer.ended);
    test.run(ordinary);
    ring.consume(keep);
    const found = {
      seen: [...seen],
      available: ring.available,
      again: ring.consume(keep),
      iterated: [...ring].length,
    };
    const records = ring.records();
    let next: ReturnType<typeof records.next>;
    const waits = await countWaits(async () => {
      next = records.next();
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    if (held.load() === 0) return false;
    release.store(1);
    keep((await next!).value!);
    await records.return!();
    ring.consume(keep);
    assertEquals(found, {
      seen: [0n],
      available: Numbered.size + 8 + 24,
      again: 0,
      iterated: 0,
    });
    assertEquals(seen, [0n, 1n, 2n]);
    // One tells that there is something, which is busy. A wait that is told of
    // it for as long as it lasts would have ended a thousand times.
    assert(waits <= 2, `${waits} waits ended without a record`);
    return true;
  } finally {
    release.store(1);
  }
}

bpfTest(
  "A busy record is waited for, and those behind it, without a spin",
  async () => {
    using test = new TestRing(4096);
    const holding = test.holding(Numbered.size);
    const ordinary = test.numbering(16);
    let attempts = 0;
    while (!await readHeld(test, holding, ordinary)) {
      assert(++attempts < 20, "The record was never seen held");
      using ring = new RingBuffer(test.map);
      ring.consume(() => {});
    }
  },
);
