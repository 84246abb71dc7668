/** The loop that shows slots to a callback. */

import { part, specialise } from "../../base/specialise.ts";
import type { Move } from "../../layout/access/private_fields.ts";

/**
 * First the number of elements that were shown, which is right whenever the callback
 * runs: it may throw, or close the side. Then the number to show: the loop ends where
 * that becomes 0.
 */
export type Progress = Int32Array;

/** The parts that the loop is made of. */
export interface DrainInput {
  /** The object that shows a slot. */
  readonly record: object;
  /** Points it to a slot. */
  readonly move: Move;
  /** The offset of the slots in the region, in bytes. */
  readonly start: number;
  /** The number of slots less one. */
  readonly mask: number;
  /** The size of a slot in bytes. */
  readonly size: number;
  /** The numbers that the loop and those who end it tell each other. */
  readonly progress: Progress;
}

/**
 * Shows slots.
 *
 * @param from The index of the first.
 * @param count The number of slots.
 */
export type Drain = (
  from: number,
  count: number,
  callback: (record: never) => void,
) => void;

/** Makes the loop. It refers to nothing outside of itself. */
function drainOf(input: DrainInput): Drain {
  const { record, move, start, mask, size, progress } = input;
  return (from, count, callback) => {
    let i = 0;
    progress[1] = count;
    while (i < progress[1]!) {
      move(record, start + ((from + i) & mask) * size, size);
      progress[0] = ++i;
      callback(record as never);
    }
  };
}

/** The loop of one ring, run as a copy of the function above for it alone. */
export function ownDrainOf(input: DrainInput): Drain {
  return specialise(part(drainOf, input));
}
