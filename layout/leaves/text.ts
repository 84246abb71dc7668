/** UTF-8 in a fixed number of bytes, NUL-terminated or full. */

import { NativeUint8Array, typedArraySet, uncurry } from "../intrinsics.ts";
import { closed, type Region } from "../region/region.ts";
import { show } from "../../base/show.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const decode = uncurry(TextDecoder.prototype.decode);
const encoder = new TextEncoder();
const encode = uncurry(TextEncoder.prototype.encode);
const isWellFormed = uncurry(String.prototype.isWellFormed);
const { fromCharCode } = String;

/** Reads a text; bytes that are not UTF-8 become U+FFFD. */
export function readText(
  region: Region,
  offset: number,
  size: number,
): string {
  const { u8 } = region;
  if (u8[offset] === undefined) closed(region);
  // One copy first: what another writes meanwhile must not move the end.
  const bytes = new NativeUint8Array(size);
  let length = 0;
  let ascii = true;
  for (; length < size; length++) {
    const byte = u8[offset + length]!;
    if (byte === 0) break;
    bytes[length] = byte;
    ascii &&= byte < 0x80;
  }
  if (!ascii || length > 64) {
    return decode(decoder, new NativeUint8Array(bytes.buffer, 0, length));
  }
  let text = "";
  for (let index = 0; index < length; index++) {
    text += fromCharCode(bytes[index]!);
  }
  return text;
}

/**
 * The bytes of a text, the rest of them zero.
 *
 * @throws {TypeError} If it is not a string.
 * @throws {RangeError} If it cannot be stored in so many bytes.
 */
export function textBytes(
  value: unknown,
  size: number,
  path: string,
): Uint8Array {
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot store ${show(value)} as ${path}: must be a string`,
    );
  }
  if (!isWellFormed(value)) {
    throw new RangeError(
      `Cannot store ${show(value)} as ${path}: must not hold a lone surrogate`,
    );
  }
  const encoded = encode(encoder, value);
  if (encoded.length > size) {
    throw new RangeError(
      `Cannot store ${
        show(value.length > 80 ? `${value.slice(0, 80)}…` : value)
      } as ${path}: must take at most ${size} bytes in UTF-8 and takes ${encoded.length}`,
    );
  }
  const bytes = new NativeUint8Array(size);
  for (let index = 0; index < encoded.length; index++) {
    const byte = encoded[index]!;
    if (byte === 0) {
      throw new RangeError(
        `Cannot store ${show(value)} as ${path}: must not hold a NUL`,
      );
    }
    bytes[index] = byte;
  }
  return bytes;
}

/** Writes bytes that are known to fit. */
export function writeBytes(
  region: Region,
  offset: number,
  bytes: Uint8Array,
): void {
  if (region.u8[offset] === undefined) closed(region);
  typedArraySet(region.u8, bytes, offset);
}
