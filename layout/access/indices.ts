/** Indices, as JavaScript's arrays take them. */

import { show } from "../../base/show.ts";
import { type Part, part } from "../../base/specialise.ts";

/** True if an index is within bounds. */
export type Within = (index: number, length: number) => boolean;
/** Multiplies an index by the size of an element. */
export type Multiply = (index: number, stride: number) => number;
/**
 * Code that makes an offset invalid in every region if a condition does not
 * hold.
 */
export type Unless = (holds: boolean) => number;
/**
 * Code that makes an offset invalid in every region if an index is out of
 * bounds.
 */
export type Outside = (index: number, length: number) => number;
/** Turns an offset by what one of those has given. */
export type Turn = (offset: number, by: number) => number;

/** The arithmetic of indices. */
export interface IndexArithmetic {
  /** True if an index is within bounds. */
  readonly within: Part<Within>;
  /**
   * The offset of an element from the array's begin, in bytes; exact within
   * bounds.
   */
  readonly multiply: Part<Multiply>;
  /** See {@linkcode Outside}. */
  readonly outside: Part<Outside>;
  /** See {@linkcode Unless}. */
  readonly unless: Part<Unless>;
  /** See {@linkcode Turn}. */
  readonly turn: Part<Turn>;
}

/** For offsets below 2^31: the optimiser knows 32-bit integers best. */
const narrow: IndexArithmetic = {
  within: part((): Within => (i, n) => (i | 0) === i && i >= 0 && i < n),
  multiply: part((): Multiply => Math.imul),
  outside: part((): Outside => (i, n) =>
    (i | 0) === i && i >= 0 && i < n ? 0 : -1
  ),
  unless: part((): Unless => (holds) => holds ? 0 : -1),
  turn: part((): Turn => (offset, by) => offset | by),
};

/** For offsets beyond: of no region is what is not a number. */
const wide: IndexArithmetic = {
  within: part((): Within => {
    const { isSafeInteger } = Number;
    return (i, n) => isSafeInteger(i) && i >= 0 && i < n;
  }),
  multiply: part((): Multiply => (i, stride) => i * stride),
  outside: part((): Outside => {
    const { isSafeInteger } = Number;
    return (i, n) => isSafeInteger(i) && i >= 0 && i < n ? 0 : NaN;
  }),
  unless: part((): Unless => (holds) => holds ? 0 : NaN),
  turn: part((): Turn => (offset, by) => offset + by),
};

/** Selects the arithmetic of array indices for wide classes or others. */
export function indexArithmetic(isWide: boolean): IndexArithmetic {
  return isWide ? wide : narrow;
}

/** Converts an index as `TypedArray.prototype.at` does; -1 outside. */
export function relativeIndex(index: unknown, length: number): number {
  const whole = Math.trunc(Number(index)) || 0;
  const absolute = whole < 0 ? whole + length : whole;
  return absolute >= 0 && absolute < length ? absolute : -1;
}

/** Converts arguments as `Array.prototype.slice` does. */
export function sliceRange(
  start: unknown,
  end: unknown,
  length: number,
): [number, number] {
  const clamp = (value: unknown, otherwise: number) => {
    if (value === undefined) return otherwise;
    const whole = Math.trunc(Number(value)) || 0;
    return whole < 0 ? Math.max(0, whole + length) : Math.min(whole, length);
  };
  return [clamp(start, 0), clamp(end, length)];
}

/** The number of elements that both have. */
export function shorter(target: unknown, length: number): number {
  if (typeof target !== "object" || target === null) {
    throw new TypeError(
      `Cannot copy to ${show(target)}: must be an array or a typed array`,
    );
  }
  const room = (target as { length?: unknown }).length;
  if (typeof room !== "number") {
    throw new TypeError("Cannot copy to an object without a length");
  }
  return Math.max(0, Math.min(Math.trunc(room) || 0, length));
}

/** The number of elements that fit so many bytes. */
export function countIn(bytes: number, stride: number): number {
  return stride === 0 ? 0 : Math.max(0, Math.floor(bytes / stride));
}

/** An array of ours. */
interface Indexed {
  at(index: number): unknown;
}

/** Iterates over the `at` of an array. */
export type Iterate = (array: Indexed, length: number) => Iterator<unknown>;

/** The prototype that the engine's iterators inherit from. */
const iteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf([][Symbol.iterator]()),
) as object;

/**
 * Makes a function that iterates over the `at` of arrays of one class. What it
 * makes is an object, because a generator takes twice as long.
 */
function iterationOf(
  prototype: object,
): Iterate {
  return (array, n) => {
    let i = 0;
    return {
      __proto__: prototype,
      next() {
        return i < n
          ? { value: array.at(i++), done: false }
          : { value: undefined, done: true };
      },
    } as unknown as Iterator<unknown>;
  };
}

/** The iteration of one class of arrays. */
export function iteration(): Part<Iterate> {
  return part(iterationOf, iteratorPrototype);
}
