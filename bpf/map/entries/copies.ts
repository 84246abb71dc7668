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
    const align = alignmentFor(size);
    let start = Math.ceil(used / align) * align;
    // Whoever has a copy may have transferred the buffer: it is empty then.
    if (shared === undefined || start + size > shared.length) {
      shared = new Uint8Array(SHARED_SIZE);
      start = 0;
    }
    put(shared, start, region, offset, size);
    used = start + size;
    return shared.subarray(start, used);
  };
}

/**
 * The alignment that the begin of so many bytes needs, as in a buffer of their
 * own, for a pointer to whatever type has room in them: no type's alignment is
 * more than its size.
 */
function alignmentFor(size: number): number {
  return 1 << (31 - Math.clz32(size | 1));
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
