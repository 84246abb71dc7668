/**
 * The loop that reads records. It is bounded by what the producer has reserved,
 * whatever the headers say, and reads headers within the data alone.
 */

import { canGenerate } from "../layout/_class.ts";
import { uncurry } from "../layout/_intrinsics.ts";
import type { Move } from "../layout/_pointer_class.ts";
import type { Region } from "../layout/_region.ts";
import type { Words } from "./_ring_order.ts";

/** What the loop reads, and what it shows of it. */
export interface Drained {
  /** The data, as 32-bit words. */
  readonly data: Words;
  /** The size of the data less one. */
  readonly mask: number;
  /** The region that records are shown in, which begins where the data does. */
  readonly region: Region;
  /** The object that shows a record. */
  readonly record: object;
  /** Points it to a record. */
  readonly move: Move;
  /** How many bytes a record must have. */
  readonly least: number;
  /**
   * First how many bytes after `from` are consumed, which is right whenever the
   * callback runs: it may throw, or close the ring. Then the length of a record
   * that was too short.
   */
  readonly consumed: Int32Array;
}

/** A result of {@linkcode Drain}: the next header is of no record. */
export const CORRUPT = -1;
/** A result: the last record was shorter than the least; it is consumed. */
export const SHORT = -2;

/**
 * Reads records, and calls back with each that was not discarded.
 *
 * @param drained What to read.
 * @param from The position that `consumed` counts from, or its low 32 bits.
 * @param available How many bytes the producer has reserved after it.
 * @param budget After how many of them to stop; a record may exceed that.
 * @param limit After how many records to stop.
 * @returns How many records were read, `CORRUPT` or `SHORT`.
 */
export type Drain = (
  drained: Drained,
  from: number,
  available: number,
  budget: number,
  limit: number,
  callback: (record: never, length: number) => void,
) => number;

/**
 * {@linkcode Drain}, for all rings. It refers to nothing outside of itself, see
 * {@linkcode ownDrain}; 8 is the size of a header, and records are multiples of
 * it.
 */
export function drain(
  drained: Drained,
  from: number,
  available: number,
  budget: number,
  limit: number,
  callback: (record: never, length: number) => void,
): number {
  const { data, mask, region, record, move, least, consumed } = drained;
  let bytes = consumed[0]!;
  let count = 0;
  while (bytes < budget && count < limit) {
    const offset = (from + bytes) & mask;
    const header = data[offset >>> 2];
    // Busy; or nothing, because the callback closed the ring.
    if (header === undefined || header < 0) break;
    const length = header & 0x3fff_ffff;
    const step = (length + 15) & -8;
    if (step > available - bytes) return -1;
    bytes += step;
    consumed[0] = bytes;
    if (header !== length) continue;
    if (length < least) {
      consumed[1] = length;
      return -2;
    }
    count++;
    move(record, region, offset + 8, length);
    callback(record as never, length);
  }
  return count;
}

const Compile = Function;
const text = uncurry(Function.prototype.toString)(drain);
let copies = 0;

/**
 * A copy of {@linkcode drain} for one ring. The engine keeps what it learns of a
 * function with the function: in a shared one it finds that each ring has a
 * callback of its own, and calls it; in a copy it inlines the only one it has
 * seen, which is three times as fast.
 */
export function ownDrain(): Drain {
  if (!canGenerate) return drain;
  // Two copies of one text would be one function again.
  return new Compile(`return ${text}\n// ${++copies}`)() as Drain;
}
