/**
 * Turns among the threads of a process for what only one of them may do at a
 * time. Isolates share no memory by themselves, but they share addresses: whoever
 * reserves a certain page, which the kernel gives to one alone, has the turn.
 */

import { EEXIST, mmapReserveAt, munmap, pageSize } from "../../ffi/mod.ts";

/** The address of the page, far below what the kernel gives unasked. */
const ADDRESS = 2n ** 40n - 2n ** 16n;

/**
 * The milliseconds that a thread waits at most. Whoever has the turn needs some;
 * but a Worker may have been terminated meanwhile, and will never give it back.
 */
const WAIT_MAX = 2000;

/** A word to wait for that nobody changes. */
const never = new Int32Array(new SharedArrayBuffer(4));

/** Stops this thread for some milliseconds. */
export function pause(milliseconds: number): void {
  Atomics.wait(never, 0, 0, milliseconds);
}

/** Calls a function when it is this thread's turn. */
export function inTurn<T>(act: () => T): T {
  const length = BigInt(pageSize());
  for (let i = 0; i < WAIT_MAX; i++) {
    if (mmapReserveAt(ADDRESS, length) !== -EEXIST) break;
    pause(1);
  }
  try {
    return act();
  } finally {
    // Also where it was another's that is gone.
    munmap(ADDRESS, length);
  }
}
