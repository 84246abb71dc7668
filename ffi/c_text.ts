/** Strings that C functions return. */

import { libcText } from "./libc/functions.ts";

/** The longest that is read. */
const LENGTH_MAX = 4096;

// An explicit buffer: a small typed array made without one moves.
const text = new Uint8Array(new ArrayBuffer(LENGTH_MAX));

/** The bytes before the first NUL as UTF-8; of those without one, all. */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/**
 * The string at an address, at most 4095 bytes of it; undefined at address 0.
 *
 * @param address Of a NUL-terminated string that stays for this call.
 */
export function textAt(address: bigint): string | undefined {
  if (address === 0n) return undefined;
  text[LENGTH_MAX - 1] = 0;
  libcText().memccpy(text, address, 0, BigInt(LENGTH_MAX - 1));
  return decodeText(text);
}
