/**
 * The loop that reads records. It is bounded by what the producer has reserved,
 * whatever the headers say, and reads headers within the data alone.
 */

import { part, specialise } from "../../base/specialise.ts";
import type { Move } from "../../layout/access/private_fields.ts";
import type { Words } from "./memory_order.ts";

/** The data that the loop reads, and the object that shows its records. */
export interface DrainInput {
  /** The data, as 32-bit words. */
  readonly data: Words;
  /** The size of the data less one. */
  readonly mask: number;
  /** The object that shows a record. */
  readonly record: object;
  /** Points it to a record. */
  readonly move: Move;
  /** The number of bytes that a record must have. */
  readonly minimum: number;
  /**
   * First how many bytes after `from` are consumed, which is right whenever the
   * callback runs: it may throw, or close the ring. Then the length of a record
   * that was too short.
   */
  readonly consumed: Int32Array;
}

/**
 * A result of {@linkcode Drain}: the last record was shorter than the minimum; it
 * is consumed.
 */
export const SHORT = -2;

/**
 * Reads records, and calls back with each that was not discarded.
 *
 * @param from The position that `consumed` counts from, or its low 32 bits.
 * @param available The bytes that the producer has reserved after it.
 * @param budget The bytes after which to stop; a record may exceed that.
 * @param limit The records after which to stop; above 0.
 * @returns The number of records that were read; `SHORT`; or -1, if the next
 * header is not of a record.
 */
export type Drain = (
  from: number,
  available: number,
  budget: number,
  limit: number,
  callback: (record: never, length: number) => void,
) => number;

/**
 * Makes the loop of a ring. It refers to nothing outside of itself, see
 * {@linkcode ownDrainOf}. In numbers: a header has 8 bytes, and what follows it
 * is rounded up to 8; its top bits are `BUSY` and `DISCARDED`.
 */
export function drainOf(input: DrainInput): Drain {
  const { data, mask, record, move, minimum, consumed } = input;
  return (from, available, budget, limit, callback) => {
    let bytes = consumed[0]!;
    let left = limit;
    while (bytes < budget) {
      const offset = (from + bytes) & mask;
      const header = data[offset >>> 2];
      // The callback closed the ring.
      if (header === undefined) break;
      // All that is not as usual behind one test: the loop is a fifth faster.
      if (header < minimum || header > 0x3fff_ffff) {
        if (header < 0) break; // busy
        const length = header & 0x3fff_ffff;
        const next = bytes + ((length + 15) & -8);
        if (next > available) return -1;
        bytes = consumed[0] = next;
        if (header !== length) continue; // discarded
        consumed[1] = length;
        return -2;
      }
      const next = bytes + ((header + 15) & -8);
      if (next > available) return -1;
      bytes = consumed[0] = next;
      move(record, offset + 8, header);
      callback(record as never, header);
      if (--left === 0) break;
    }
    return limit - left;
  };
}

/** The loop of one ring, run as a copy of {@linkcode drainOf} for it alone. */
export function ownDrainOf(input: DrainInput): Drain {
  return specialise(part(drainOf, input));
}
