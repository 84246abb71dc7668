/**
 * Copies of bytes in which no aligned value is torn, whatever the values are.
 *
 * In memory that threads share, the engine's own copy goes byte by byte unless
 * both sides lie at a multiple of 8 bytes. So what does not is copied here in the
 * largest pieces that both sides are aligned to, and the size is a multiple of:
 * no value in a type with that alignment is larger.
 */

import type { Region } from "./region.ts";

/** Arrays over a part of any buffer. */
type ArrayOver = new (
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
) => { [index: number]: number };

/** The arrays of pieces of a size in bytes with which the engine needs help. */
const PIECES: Readonly<Record<2 | 4, ArrayOver>> = {
  2: Uint16Array,
  4: Uint32Array,
};

/** Copies one array of bytes to another of the same length. */
function copyWhole(source: Uint8Array, target: Uint8Array): void {
  const { length } = source;
  const lowest = source.byteOffset % 8 | target.byteOffset % 8 | length % 8;
  const piece = lowest & -lowest;
  const isShared = source.buffer instanceof SharedArrayBuffer ||
    target.buffer instanceof SharedArrayBuffer;
  if (!isShared || piece !== 2 && piece !== 4) {
    target.set(source);
    return;
  }
  const Piece = PIECES[piece];
  const count = length / piece;
  const from = new Piece(source.buffer, source.byteOffset, count);
  const to = new Piece(target.buffer, target.byteOffset, count);
  for (let index = 0; index < count; index++) to[index] = from[index]!;
}

/** The bytes at an offset of a region, as a copy. */
export function copyFrom(
  { buffer, start }: Region,
  offset: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  copyWhole(new Uint8Array(buffer, start + offset, size), bytes);
  return bytes;
}

/** Writes bytes at an offset of a region. */
export function copyTo(
  { buffer, start }: Region,
  offset: number,
  bytes: Uint8Array,
): void {
  copyWhole(bytes, new Uint8Array(buffer, start + offset, bytes.length));
}
