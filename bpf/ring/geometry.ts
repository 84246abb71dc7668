/**
 * The layout of a ring buffer in memory: `kernel/bpf/ringbuf.c` of Linux.
 *
 * ```
 * byte 0            the consumer's position, u64
 * byte page         the producer's position, u64
 * byte 2 * page     the data, size bytes
 * … + size          the same data again
 * ```
 *
 * A position counts bytes from the beginning of time; the low bits say where in
 * the data it is. As the data is there twice, what crosses its end lies in one
 * piece. Of a ring buffer from the kernel to the user the consumer's page can be
 * written, of one the other way the producer's page and the data.
 */

import { AlignmentError, NotSupportedError } from "../../errors.ts";
import type { Type } from "../../layout/mod.ts";

/** `linux/bpf.h`: set in a record's length until it is committed. */
export const BUSY = 1 << 31;
/** `linux/bpf.h`: set in the length of a record to be skipped. */
export const DISCARDED = 1 << 30;
/** `linux/bpf.h`: the bytes before a record, whose first four are its length. */
export const HEADER_SIZE = 8;
/** Records begin at multiples of this many bytes. */
export const RECORD_ALIGN = 8;

/** @throws {AlignmentError} if records are not aligned as a type requires. */
export function requireRecordAlign({ name, align }: Type): void {
  if (align > RECORD_ALIGN) {
    throw new AlignmentError(
      `${name}: Records are aligned to ${RECORD_ALIGN} bytes: the type must be aligned to ${align}`,
    );
  }
}

/** The offsets of the parts of a ring buffer, in bytes. */
export interface RingGeometry {
  /** The size of the data: a power of two, at most 2^31. */
  readonly size: number;
  /** The size of a page: where the producer's position lies. */
  readonly page: number;
  /** The offset of the data, in bytes, behind the producer's position. */
  readonly data: number;
  /** The length from the producer's position to the end of the second data. */
  readonly length: number;
}

/**
 * The geometry of a ring buffer of a size.
 *
 * @param size Its `max_entries`.
 * @param page The size of a page in bytes.
 * @throws {NotSupportedError} if no ring buffer has that size.
 */
export function ringGeometry(size: number, page: number): RingGeometry {
  // Both are powers of two: a multiple is one that is not smaller.
  if (size < page || size > 2 ** 31 || (size & (size - 1)) !== 0) {
    throw new NotSupportedError(
      `Cannot map a ring buffer of ${size} bytes: the size must be a power of two from ${page}, the size of a page, to ${
        2 ** 31
      }`,
    );
  }
  return { size, page, data: page, length: page + 2 * size };
}
