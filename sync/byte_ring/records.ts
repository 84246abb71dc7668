/**
 * The records of a ring of bytes: a header of 8 bytes, whose first four are the
 * message's length, then the message, up to a multiple of 8. None goes beyond the
 * end of the ring: where one would, a header with the length {@linkcode REST} says
 * that it begins anew.
 *
 * The other side may write what it likes. So a length is read once,
 * and is used only after it was compared with what there is.
 */

import { CorruptError } from "../../errors.ts";
import { closed } from "../../layout/region/region.ts";
import { CONTENTS } from "../ring/fields.ts";
import { GRAIN, type Placed } from "../shared/structure.ts";

/** In place of a length: the rest of the ring, up to its end, is no message. */
export const REST = 0xffff_ffff;

/** The size of the record of a message, in bytes. */
export function recordSize(length: number): number {
  return (GRAIN + length + GRAIN - 1) & -GRAIN;
}

/** The records of one ring. */
export class Records {
  readonly #ring: Placed;
  readonly #mask: number;
  /** The offset of the ring's bytes in the region. */
  readonly #start: number;
  /** The longest message, in bytes: it finds room wherever the last one ended. */
  readonly longest: number;

  /** The records of a ring. */
  constructor(ring: Placed) {
    this.#ring = ring;
    this.#mask = ring.capacity - 1;
    this.#start = ring.at + CONTENTS;
    this.longest = ring.capacity / 2 - GRAIN;
  }

  /** The number of bytes from an index to the end of the ring. */
  restAt(index: number): number {
    return this.#ring.capacity - (index & this.#mask);
  }

  /** Writes the header of a record. */
  put(index: number, length: number): void {
    const { u32 } = this.#ring.region;
    if (u32.length === 0) closed(this.#ring.region);
    u32[(this.#start + (index & this.#mask)) / 4] = length;
  }

  /**
   * The length of the message at an index, or {@linkcode REST}.
   *
   * @param available The number of bytes from there, more than none.
   * @throws {CorruptError} if the record cannot be that long.
   */
  lengthAt(index: number, available: number): number {
    const { region } = this.#ring;
    const { u32 } = region;
    if (u32.length === 0) closed(region);
    const length = u32[(this.#start + (index & this.#mask)) / 4]!;
    const rest = this.restAt(index);
    if (length === REST) {
      // At the beginning of the ring it would be all of it.
      if (rest <= available && rest < this.#ring.capacity) return length;
    } else if (length <= this.longest) {
      if (recordSize(length) <= Math.min(available, rest)) return length;
    }
    throw new CorruptError(
      `${this.#ring.name}: A message's length is ${length}: it must be at most ${this.longest}, and its record in the ${
        Math.min(available, rest)
      } bytes that are there`,
    );
  }

  /** Finds the distance from a record to the next, in bytes. */
  step(index: number, length: number): number {
    return length === REST ? this.restAt(index) : recordSize(length);
  }

  /** Copies a message into the record at an index. */
  fill(index: number, message: Uint8Array): void {
    const at = this.#start + (index & this.#mask) + GRAIN;
    this.#ring.region.u8.set(message, at);
  }

  /** The bytes of the message whose record is at an index, in place. */
  message(index: number, length: number): Uint8Array {
    const { region } = this.#ring;
    const at = this.#start + (index & this.#mask) + GRAIN;
    return new Uint8Array(region.buffer, region.start + at, length);
  }
}
