/** Copies of the bytes of keys and values. */

import type { Region } from "../../../layout/region/region.ts";

/** The way to copy so many bytes of a region. */
export type Copy = (
  region: Region,
  offset: number,
  size: number,
) => Uint8Array<ArrayBuffer>;

/** Fewer bytes are copied faster one by one. */
const MOST_BYTES_ALONE = 48;
/**
 * The size of a buffer that copies share, in bytes. The engine takes 400 ns or
 * more to make a buffer of any size, and 40 to make another view of one. Whoever
 * keeps a copy keeps its whole buffer, so it is small.
 */
const SHARED_SIZE = 8192;
/** With more bytes a copy has a buffer of its own, as few would share one. */
const MOST_BYTES_SHARED = 1024;
/** The alignment of copies in a buffer, in bytes: every type can be read in them. */
const ALIGN = 16;

/** A copy with a buffer of its own. */
export function ownCopy(
  region: Region,
  offset: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(size);
  put(copy, 0, region, offset, size);
  return copy;
}

/** A way to copy by which the copies of few bytes share buffers. */
export function sharedCopies(): Copy {
  let shared: Uint8Array<ArrayBuffer> | undefined;
  let used = 0;
  return (region, offset, size) => {
    if (size > MOST_BYTES_SHARED) return ownCopy(region, offset, size);
    // Whoever has a copy may have transferred the buffer: it is empty then.
    if (shared === undefined || used + size > shared.length) {
      shared = new Uint8Array(SHARED_SIZE);
      used = 0;
    }
    const start = used;
    put(shared, start, region, offset, size);
    used = Math.ceil((start + size) / ALIGN) * ALIGN;
    return shared.subarray(start, start + size);
  };
}

function put(
  target: Uint8Array,
  start: number,
  region: Region,
  offset: number,
  size: number,
): void {
  const { u8 } = region;
  if (size > MOST_BYTES_ALONE) {
    target.set(u8.subarray(offset, offset + size), start);
  } else {
    for (let i = 0; i < size; i++) target[start + i] = u8[offset + i]!;
  }
}
