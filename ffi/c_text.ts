/** Strings that C functions return. */

import { bufferOf, lengthOf, offsetOf, toBigInt } from "./captured.ts";
import { libcText } from "./libc/functions.ts";

/** The longest that is read. */
const MOST = 4096;

// An explicit buffer, and its end looked for by index: a program that replaces
// a method must not come by what lies behind the text.
const bytes = new Uint8Array(new ArrayBuffer(MOST));
const decoder = new TextDecoder();
const decode = decoder.decode.bind(decoder) as (bytes: Uint8Array) => string;
const { Uint8Array: NativeUint8Array } = globalThis;

/** The bytes before the first NUL as UTF-8; of those without one, all. */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  const length = lengthOf(bytes);
  let end = 0;
  while (end < length && bytes[end] !== 0) end++;
  return decode(new NativeUint8Array(bufferOf(bytes), offsetOf(bytes), end));
}

/**
 * The string at an address, at most 4095 bytes of it; undefined at address 0.
 *
 * @param address Of a NUL-terminated string that stays for this call.
 */
export function textAt(address: bigint): string | undefined {
  if (address === 0n) return undefined;
  bytes[MOST - 1] = 0;
  libcText().memccpy(bytes, address, 0, toBigInt(MOST - 1));
  return decodeText(bytes);
}
