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
  const value = fdinfoOf(fd)?.get(name);
  return value === undefined ? undefined : Number(value);
}

/** The lines of `/proc/self/fdinfo` by name; undefined without `/proc`. */
export function fdinfoOf(fd: number): ReadonlyMap<string, string> | undefined {
  const text = new Uint8Array(SIZE_MAX + 1);
  const path = `/proc/thread-self/fdinfo/${fd}`;
  if (readStart(path, text, SIZE_MAX) < 0) return undefined;
  const lines = new Map<string, string>();
  for (const line of decodeText(text).split("\n")) {
    const [key, value] = line.split(":");
    if (value !== undefined) lines.set(key!, value.trim());
  }
  return lines;
}
