/**
 * Reading a call's error number.
 *
 * `errno` is a variable of the thread, and the engine's own system calls write
 * it too: whatever allocates between the failing call and the reading may
 * collect garbage, and then the number read is the collector's. So the address
 * of `errno` is asked for beforehand, and the very next call after a failing one
 * copies the number into a cell that exists already.
 *
 * That leaves what the engine does of its own accord when a function returns:
 * once in tens of millions of failures, on a busy machine and with memory being
 * compacted all the time, the number was not the call's. Its threads wait for
 * each other with `futex`, so a call that failed with a number which `futex`
 * leaves is made again.
 */

import { EAGAIN, EINTR, ETIMEDOUT } from "../constants.ts";

/** The two functions of libc that reading `errno` takes. */
export interface ErrnoFunctions {
  /** `int *__errno_location(void)` */
  readonly errnoLocation: () => bigint;
  /** `void *memcpy(void *dest, const void *src, size_t n)` */
  readonly copyFrom: (
    dest: BufferSource | null,
    src: bigint,
    n: bigint,
  ) => void;
}

// An explicit buffer: the bytes of a small typed array lie in the engine's own
// heap, where they move.
const cell = new Int32Array(new ArrayBuffer(4));
const CELL_SIZE = 4n;

let location = 0n;
let copyFrom: ErrnoFunctions["copyFrom"];

/** Learns where this thread's `errno` is, before the first call that may fail. */
export function prepareErrno(functions: ErrnoFunctions): void {
  location = functions.errnoLocation();
  copyFrom = functions.copyFrom;
  // Once now, so that the first real reading has nothing left to compile.
  resultOfOne(() => -1);
}

/** The times that a call is made again whose error number may not be its own. */
const REPEATS = 3;

/**
 * The result of a call, or its negative error number. A call that a signal
 * interrupted is made again.
 *
 * @param call Makes the call, which returns -1 if and only if it failed and had
 * no effect.
 */
export function resultOf(call: () => number): number {
  for (let i = 0;; i++) {
    const result = call();
    if (result !== -1) return result;
    copyFrom(cell, location, CELL_SIZE);
    const errno = cell[0]!;
    if (errno === EINTR) continue;
    if ((errno === EAGAIN || errno === ETIMEDOUT) && i < REPEATS) continue;
    return -errno;
  }
}

/** The same for a call that must not be made again. */
export function resultOfOne(call: () => number): number {
  const result = call();
  if (result !== -1) return result;
  copyFrom(cell, location, CELL_SIZE);
  return -cell[0]!;
}
