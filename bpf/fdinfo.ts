/** Facts about a descriptor in `/proc`, beside the infos of `bpf(2)`. */

import { decodeText } from "../ffi/c_text.ts";
import { readStart } from "../ffi/mod.ts";

const SIZE_MAX = 4096;

/**
 * A number in `/proc/self/fdinfo`; undefined where nothing tells it.
 *
 * @param name The line that has it, such as `memlock`.
 */
export function fdinfoNumber(fd: number, name: string): number | undefined {
  const value = fdinfoText(fd, name);
  return value === undefined ? undefined : Number(value);
}

/** The text of a line in `/proc/self/fdinfo`; undefined where there is none. */
export function fdinfoText(fd: number, name: string): string | undefined {
  const text = new Uint8Array(SIZE_MAX + 1);
  const path = `/proc/thread-self/fdinfo/${fd}`;
  if (readStart(path, text, SIZE_MAX) < 0) return undefined;
  for (const line of decodeText(text).split("\n")) {
    const [key, value] = line.split(":");
    if (key === name) return value?.trim();
  }
  return undefined;
}
