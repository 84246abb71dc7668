/**
 * The order in which a ring buffer is read, and why that is right.
 *
 * The producer (`kernel/bpf/ringbuf.c`) writes a busy header, then the position
 * with release semantics, then the record, then the header once more, without
 * the busy bit, by an exchange that is a full barrier. So whoever reads the new
 * position must find the header, and whoever finds the header committed must
 * find the record: each is read before the other, never after.
 *
 * - The position is read by `Atomics.load`, which acquires: what is read after
 *   it is not older. It is read once for a batch.
 * - Headers are read plainly: for an atomic load costs 10 ns, three times what
 *   all else costs, because the engine does not inline it. It keeps plain reads
 *   in program order. On x86-64 so does the processor (Intel SDM volume 3A,
 *   9.2.2: "Reads are not reordered with other reads"), and nothing is left to
 *   do.
 * - On aarch64 the processor may read the record before the header. So first
 *   the headers of a batch are read, up to one that is busy, then comes a
 *   fence, then the records. The fence is a sequentially consistent store and
 *   load, which the engine compiles to STLR and LDAR: what precedes the first is
 *   done before it, what follows the second after it, and they keep their order
 *   (Arm ARM, "Barrier-ordered-before").
 * - The position of what was consumed is stored by `Atomics.store`, after all
 *   reads of the records. Being sequentially consistent, it also comes before
 *   the reads of the producer's position and of the next header that decide
 *   whether to sleep; the producer, which commits and then reads that position
 *   to decide whether to wake, does the same. One of the two sees the other.
 *
 * `tests/bpf/ring/order_test.ts` tries all interleavings that either processor
 * allows, for these reads as they are made here.
 */

import { BUSY, HEADER_SIZE, RECORD_ALIGN } from "./geometry.ts";

/** Headers, as a typed array has them. */
export type Words = { readonly [index: number]: number | undefined };

/**
 * Finds the number of bytes of records that may be read from a position on.
 *
 * @param data The data, as 32-bit words.
 * @param mask The size of the data less one.
 * @param position The position at which the records begin.
 * @param available The bytes that the producer has reserved from there on.
 * @param budget The bytes that are wanted; a record may exceed that.
 */
export type Committed = (
  data: Words,
  mask: number,
  position: number,
  available: number,
  budget: number,
) => number;

/** Reads a position: before all that is read after it. */
export function loadPosition(lane: BigUint64Array): bigint {
  return Atomics.load(lane, 0);
}

/** Writes a position: after all that was read before it. */
export function storePosition(lane: BigUint64Array, position: bigint): void {
  Atomics.store(lane, 0, position);
}

const fenceWord = new Int32Array(1);

function fence(): void {
  Atomics.store(fenceWord, 0, 0);
  Atomics.load(fenceWord, 0);
}

/** All that was asked for: for processors whose reads keep their order. */
const inOrder: Committed = (_data, _mask, _position, _available, budget) =>
  budget;

/**
 * The records that are committed, once none of their bytes can have been read
 * before their headers: for processors whose reads do not keep their order.
 */
function behind(barrier: () => void): Committed {
  return (data, mask, position, available, budget) => {
    let bytes = 0;
    while (bytes < budget) {
      const header = data[((position + bytes) & mask) >>> 2];
      if (header === undefined || (header & BUSY) !== 0) break;
      const length = header & 0x3fff_ffff;
      const step = (length + HEADER_SIZE + RECORD_ALIGN - 1) &
        -RECORD_ALIGN;
      // Not a record: whoever reads it is to find out.
      bytes += step > available - bytes ? budget : step;
    }
    barrier();
    return bytes;
  };
}

/**
 * The way to read records in order on a processor.
 *
 * @param arch The processor, as `Deno.build.arch` has it.
 * @param barrier The fence.
 */
export function committedOn(
  arch: string,
  barrier: () => void = fence,
): Committed {
  return arch === "x86_64" ? inOrder : behind(barrier);
}
