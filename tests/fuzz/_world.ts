/**
 * The world of a run: memory, what it must hold, and all that was taken out of
 * it; and the comparison of what happens with what must.
 */

import type { Memory, Type } from "../../mod.ts";
import { Refusal, same } from "./_codec.ts";
import type { FastRandom } from "./_random.ts";
import type { Leaf, Shape } from "./_shape.ts";

/** Bytes that several memories may share, and what they must be. */
export interface Store {
  readonly name: string;
  /** The bytes as they must be. */
  readonly model: Uint8Array<ArrayBuffer>;
  /** Reads what they are, past the module under test. */
  read(): Uint8Array;
  /** Writes as another process would; undefined where none could. */
  readonly write: ((bytes: Uint8Array, offset: number) => void) | undefined;
  /** Lets go of it. */
  release(): void;
}

/** A memory, or a buffer of JavaScript's. */
export interface Area {
  readonly name: string;
  readonly store: Store;
  /** The offset of its begin in its store, in bytes. */
  readonly start: number;
  readonly size: number;
  readonly writable: boolean;
  /** True if it is memory that is not detached when it closes. */
  readonly shared: boolean;
  readonly memory: Memory | undefined;
  /** The memories that close together with it, itself included. */
  readonly group: Area[];
  /** Makes a pointer. */
  pointer(type: Type, offset: number, options?: never): unknown;
  /** Makes a view. */
  view(type: Type, offset: number, options?: never): unknown;
  /** True if it was not closed. */
  open: boolean;
  /** The number of times that its buffer was detached. */
  epoch: number;
}

/** The kind of a thing, by the operations that it has. */
export type ThingKind =
  | "record"
  | "box"
  | "atomic"
  | "elements"
  | "records"
  | "native"
  | "column";

/** Something that was taken out of memory. */
export interface Thing {
  readonly kind: ThingKind;
  readonly name: string;
  readonly object: object;
  /** Its shape; of a column, that of its values. */
  readonly shape: Shape;
  readonly area: Area;
  /** Its place in its store, in bits. */
  readonly place: number;
  /** The number of bytes that it may have, for a flexible array. */
  readonly extent: number;
  /** The number of its elements; 0 for what has none. */
  readonly length: number;
  /** The distance between its elements, in bits. */
  readonly stride: number;
  readonly writable: boolean;
  /** True if its type is aligned there. */
  readonly natural: boolean;
  /** The area's epoch when it was made. */
  readonly epoch: number;
}

/** The model and the module do not agree. */
export class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/** Stands for a result that nothing is known of. */
export const anything: unique symbol = Symbol("anything");

/** The name that a {@linkcode Refusal} has for success. */
export const NOTHING = "nothing";

/** The objects at hand in one batch of operations. */
export class World {
  readonly types: readonly Shape[];
  readonly stores: Store[] = [];
  readonly areas: Area[] = [];
  readonly things: Thing[] = [];
  /** The number of comparisons, and of those the number that gave an error. */
  expected = 0;
  refused = 0;
  /** The random numbers of the current operation. */
  random!: FastRandom;
  /** Takes what was done, in words; undefined where nobody will read it. */
  readonly trace: ((line: string) => void) | undefined;

  constructor(types: readonly Shape[], trace?: (line: string) => void) {
    this.types = types;
    this.trace = trace;
  }

  /**
   * Does something and compares what becomes of it: with an error of a
   * {@linkcode Refusal}, or with a value. Gives the value.
   *
   * @param what In words; a function where they take long to find.
   */
  expect(
    what: string | (() => string),
    wanted: unknown,
    act: () => unknown,
  ): unknown {
    this.trace?.(wordsOf(what));
    this.expected++;
    let value: unknown;
    try {
      value = act();
    } catch (error) {
      this.#refused(what, wanted, error);
      return undefined;
    }
    const allowed = wanted instanceof Refusal
      ? wanted.names.includes(NOTHING)
      : wanted === anything || same(value, wanted);
    if (!allowed) {
      throw new Disagreement(
        `${wordsOf(what)}: is ${show(value)}, must be ${show(wanted)}`,
      );
    }
    return value;
  }

  #refused(
    what: string | (() => string),
    wanted: unknown,
    error: unknown,
  ): void {
    this.refused++;
    if (error instanceof Disagreement) throw error;
    const { name, message } = error as Error;
    // What the engine says of a mistake in our own code is no refusal.
    const slip = /Cannot read properties of|is not a function|is not iterable/;
    if (
      wanted instanceof Refusal && wanted.names.includes(name) &&
      error instanceof Error && !slip.test(message)
    ) return;
    throw new Disagreement(
      `${wordsOf(what)}: threw ${
        (error as Error)?.stack ?? String(error)
      }, must be ${show(wanted)}`,
      { cause: error },
    );
  }

  /** Compares all memory with its model. */
  verify(): void {
    for (const store of this.stores) {
      const { name, model } = store;
      const actual = store.read();
      const at = actual.findIndex((byte, i) => byte !== model[i]);
      if (at >= 0 || actual.length !== model.length) {
        throw new Disagreement(
          `${name}: byte ${at} of ${actual.length} is ${actual[at]}, must be ${
            model[at]
          } of ${model.length}`,
        );
      }
    }
  }

  /** Tests whether a thing's memory is gone. */
  stale({ area, epoch }: Thing): boolean {
    return !area.open || (epoch !== area.epoch && !area.shared);
  }

  /** Keeps a thing, and lets go of another where there are many. */
  keep(thing: Thing): void {
    if (this.things.length < 40) this.things.push(thing);
    else this.things[this.random.int(40)] = thing;
  }

  /** Lets go of all. */
  release(): void {
    for (const store of this.stores) store.release();
    for (const { memory } of this.areas) memory?.close();
  }
}

function wordsOf(what: string | (() => string)): string {
  return typeof what === "string" ? what : what();
}

/** A value in a report. */
export function show(value: unknown): string {
  if (typeof value === "number" && !Object.is(value, -0)) return `${value}`;
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Refusal) return value.names.join(" or ");
  if (value === anything) return "anything";
  return Deno.inspect(value, { depth: 6, breakLength: Infinity });
}

/** Makes a thing of a value that is taken out of an area. */
export function thingAt(
  object: object,
  shape: Shape,
  at: Pick<
    Thing,
    "name" | "area" | "place" | "extent" | "writable" | "natural" | "epoch"
  >,
): Thing {
  const count = shape.kind === "array" ? shape.length : 0;
  const stride = shape.kind === "array" ? shape.element.size : 0;
  const length = count ??
    (stride === 0 ? 0 : Math.max(0, Math.floor(at.extent / stride)));
  return {
    ...at,
    object,
    shape,
    kind: kindOf(shape, at.writable && at.natural),
    length,
    stride: stride * 8,
  };
}

function kindOf(shape: Shape, native: boolean): ThingKind {
  if (shape.kind === "record") return "record";
  if (shape.kind === "leaf") return shape.atomic ? "atomic" : "box";
  const { element } = shape;
  if (element.kind !== "leaf" || element.atomic) return "records";
  return element.native && native ? "native" : "elements";
}

/** The leaf of a thing that has but one kind of them. */
export function leafOf({ shape }: Thing): Leaf {
  return (shape.kind === "array" ? shape.element : shape) as Leaf;
}
