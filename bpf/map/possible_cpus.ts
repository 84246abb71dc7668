/**
 * How many CPUs the kernel reckons with. A value of a per-CPU map has a part for
 * each, and the kernel writes that many whatever room there is.
 */

import { NotSupportedError } from "../../errors.ts";
import { readStart } from "../../ffi/mod.ts";

const PATH = "/sys/devices/system/cpu/possible";

/** What `/sys` gives of one file at most: a page. */
const SIZE_MAX = 4096;

const COMMA = 44;
const DASH = 45;
const ZERO = 48;

/**
 * How many numbers there are in a list such as `0-3,8-11`; undefined if it is
 * none. Read by index alone, since memory depends on the answer.
 */
export function countOfList(
  text: Uint8Array,
  length: number,
): number | undefined {
  let count = 0;
  let first = -1;
  let current = -1;
  for (let i = 0; i <= length; i++) {
    const byte = i < length ? text[i]! : COMMA;
    if (byte >= ZERO && byte < ZERO + 10) {
      current = (current < 0 ? 0 : current) * 10 + byte - ZERO;
    } else if (current < 0) {
      return undefined;
    } else if (byte === DASH && first < 0) {
      first = current;
      current = -1;
    } else if (byte === COMMA) {
      if (first > current) return undefined;
      count += first < 0 ? 1 : current - first + 1;
      first = -1;
      current = -1;
    } else return undefined;
  }
  return count;
}

let known: number | undefined;

/**
 * How many CPUs are possible; the same for as long as the system runs.
 *
 * @throws {NotSupportedError} if it cannot be found out.
 */
export function possibleCpus(): number {
  return known ??= read();
}

function read(): number {
  const text = new Uint8Array(new ArrayBuffer(SIZE_MAX));
  const length = readStart(PATH, text, SIZE_MAX);
  // The last byte is a line feed.
  const count = length > 1 ? countOfList(text, length - 1) : undefined;
  if (count === undefined) {
    throw new NotSupportedError(
      `Values of a per-CPU map need the number of CPUs: ${PATH} cannot be read`,
    );
  }
  return count;
}
