/** The loop that shows slots to a callback. */

import { canCompile } from "../../base/specialise.ts";
import type { Move } from "../../layout/access/private_fields.ts";

/** What the loop is made of. */
export interface DrainInput {
  /** The object that shows a slot. */
  readonly record: object;
  /** Points it to a slot. */
  readonly move: Move;
  /** Where the slots begin in the region, in bytes. */
  readonly start: number;
  /** The number of slots less one. */
  readonly mask: number;
  /** The size of a slot in bytes. */
  readonly size: number;
  /**
   * How many were shown, which is right whenever the callback runs: it may
   * throw.
   */
  readonly shown: Int32Array;
}

/**
 * Shows slots.
 *
 * @param from The index of the first.
 * @param count How many.
 */
export type Drain = (
  from: number,
  count: number,
  callback: (record: never) => void,
) => void;

/** Makes the loop. It refers to nothing outside of itself. */
function drainOf(input: DrainInput): Drain {
  const { record, move, start, mask, size, shown } = input;
  return (from, count, callback) => {
    for (let i = 0; i < count; i++) {
      shown[0] = i + 1;
      move(record, start + ((from + i) & mask) * size, size);
      callback(record as never);
    }
  };
}

let copies = 0;

/**
 * A copy of a function that refers to nothing outside of itself: the engine
 * inlines what is called there, which it does not where rings share the text and
 * have callbacks and types of their own.
 */
export function ownCopy<F extends (...args: never) => unknown>(make: F): F {
  if (!canCompile) return make;
  // Two copies of one text would be one function again.
  return new Function(`return ${make}\n// ${++copies}`)() as F;
}

/** The loop of one ring. */
export function ownDrainOf(input: DrainInput): Drain {
  return ownCopy(drainOf)(input);
}
