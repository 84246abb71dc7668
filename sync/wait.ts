/** Waiting for atomics of memory that processes share. */

import { requireOptions } from "../base/arguments.ts";
import { requireSignal } from "../base/abort_signal.ts";
import { show } from "../base/show.ts";
import { check } from "../ffi/mod.ts";
import { waitForWord, wakeWord } from "../ffi/calls/futex.ts";
import type { ReadonlyAtomic } from "../layout/mod.ts";
import { crowds } from "./waiting/crowd.ts";
import { Waiter, type WaitResult } from "./waiting/waiter.ts";
import { requireExpected, wordOf } from "./waiting/word.ts";

export type { WaitResult };

/** Options of {@linkcode wait}. */
export interface WaitOptions {
  /** The time to wait, in milliseconds; for ever by default. */
  readonly timeout?: number | undefined;
}

/** Options of {@linkcode waitAsync}. */
export interface WaitAsyncOptions extends WaitOptions {
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The time that this thread sleeps before it looks whether the memory was
 * closed.
 */
const SLICE_MS = 100;
/** The longest that a timer of the runtime can take, in milliseconds. */
const TIMER_MAX = 2 ** 31 - 1;

function requireTimeout(timeout: unknown): number {
  if (timeout === undefined) return Infinity;
  if (typeof timeout !== "number") {
    throw new TypeError(
      `Option timeout must be a number: received ${show(timeout)}`,
    );
  }
  if (!(timeout >= 0)) {
    throw new RangeError(
      `Option timeout must be at least 0 milliseconds: received ${timeout}`,
    );
  }
  return timeout;
}

function timeoutIn(options: WaitOptions = {}): number {
  requireOptions(options, { timeout: true });
  return requireTimeout(options.timeout);
}

function waitIn(options: WaitAsyncOptions = {}): {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
} {
  requireOptions(options, { timeout: true, signal: true });
  return {
    timeout: requireTimeout(options.timeout),
    signal: requireSignal(options.signal),
  };
}

/**
 * Sleeps while an atomic has a value, until another process or thread calls
 * {@linkcode notify}, or `futex(FUTEX_WAKE)` in C. The whole thread sleeps: the
 * main thread of a program mostly wants {@linkcode waitAsync}.
 *
 * Store another value before you notify: the value decides. A notification
 * without a new value may be missed.
 *
 * It is futex(2) without `FUTEX_PRIVATE_FLAG`. `Atomics.notify` does not wake
 * it; and `notify` does not wake `Atomics.wait`, nor the method `wait` of an
 * atomic.
 *
 * @param atomic A pointer to an `atomic(i32)` or `atomic(u32)` in a `Memory`, or a
 * view of one.
 * @param expected The value to sleep on: it sleeps while the atomic has this
 * value.
 * @param options The longest time to wait.
 * @returns `"ok"` once the thread was notified, or saw that the value had
 * changed; `"not-equal"` if the atomic had another value from the beginning;
 * `"timed-out"` after the timeout.
 * @throws {TypeError | RangeError} if an argument is not of its kind or range.
 * @throws {InvalidTypeError} if it is an atomic of another type.
 * @throws {NotSupportedError} if the atomic does not lie in a `Memory`.
 * @throws {ClosedError} if the memory is closed, also by another thread while this
 * one sleeps.
 * @throws {SystemError} with the kernel's reason, as in futex(2).
 *
 * @example Sleeping until there is something
 * ```ts
 * import { atomic, Memory, u32 } from "@hostmem/hostmem";
 * import { wait } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using memory = Memory.create(4);
 * const count = memory.pointer(atomic(u32));
 * assertEquals(wait(count, 0, { timeout: 10 }), "timed-out");
 * count.store(1); // … which another process would do.
 * assertEquals(wait(count, 0), "not-equal");
 * ```
 */
export function wait(
  atomic: ReadonlyAtomic<number>,
  expected: number,
  options?: WaitOptions,
): WaitResult {
  const { word, signed } = wordOf(atomic);
  const value = requireExpected(expected, signed);
  const deadline = performance.now() + timeoutIn(options);
  word.requireThere();
  if (word.load() !== value) return "not-equal";
  while (true) {
    const left = deadline - performance.now();
    if (left <= 0) return "timed-out";
    if (waitForWord(word.bytes, value, Math.min(left, SLICE_MS))) return "ok";
    word.requireThere();
    if (word.load() !== value) return "ok";
  }
}

/**
 * Waits while an atomic has a value, as {@linkcode wait} does, without blocking
 * the thread. The event loop stays alive while it waits.
 *
 * All waits of a thread share one thread of Deno's pool, up to 127 of them, and
 * up to 1016 share eight. Before Linux 5.16 each takes one, and there are eight
 * at the most.
 *
 * @param atomic A pointer to an `atomic(i32)` or `atomic(u32)` in a `Memory`, or a
 * view of one.
 * @param expected The value to wait on: it waits while the atomic has this
 * value.
 * @param options The longest time to wait, and the signal that ends it.
 * @returns The same as {@linkcode wait}.
 * @throws {TypeError | RangeError} if an argument is not of its kind or range.
 * @throws {InvalidTypeError} if it is an atomic of another type.
 * @throws {NotSupportedError} if the atomic does not lie in a `Memory`, or too
 * many waits are under way.
 * @throws {ClosedError} if the memory is closed, also while it waits.
 * @throws {SystemError} with the kernel's reason, as in futex_waitv(2).
 *
 * @example Waiting beside other work
 * ```ts
 * import { atomic, Memory, u32 } from "@hostmem/hostmem";
 * import { notify, waitAsync } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using memory = Memory.create(4);
 * const count = memory.pointer(atomic(u32));
 * const waiting = waitAsync(count, 0);
 * count.store(1); // … which another process would do.
 * notify(count);
 * assertEquals(await waiting, "ok");
 * ```
 */
export async function waitAsync(
  atomic: ReadonlyAtomic<number>,
  expected: number,
  options?: WaitAsyncOptions,
): Promise<WaitResult> {
  const { word, signed } = wordOf(atomic);
  const value = requireExpected(expected, signed);
  const { timeout, signal } = waitIn(options);
  signal?.throwIfAborted();
  word.requireThere();
  if (word.load() !== value) return "not-equal";
  if (timeout === 0) return "timed-out";
  const waiter = new Waiter(word, value);
  crowds.add(waiter);
  const onabort = () => waiter.fail(signal!.reason);
  signal?.addEventListener("abort", onabort);
  const timer = timeout > TIMER_MAX
    ? undefined
    : setTimeout(() => waiter.end("timed-out"), timeout);
  try {
    return await waiter.promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onabort);
  }
}

/**
 * Wakes the threads that sleep in {@linkcode wait}, {@linkcode waitAsync} or
 * `futex(2)` for an atomic, in whichever process. Store another value first.
 *
 * @param atomic A pointer to an `atomic(i32)` or `atomic(u32)` in a `Memory`, or a
 * view of one.
 * @param count The largest number of waits to wake; all by default.
 * @returns The number of waits that were woken; some of them may have just ended.
 * @throws {TypeError | RangeError} if an argument is not of its kind or range.
 * @throws {InvalidTypeError} if it is an atomic of another type.
 * @throws {NotSupportedError} if the atomic does not lie in a `Memory`.
 * @throws {ClosedError} if the memory is closed.
 * @throws {SystemError} with the kernel's reason, as in futex(2).
 *
 * @example Store, then notify
 * ```ts
 * import { atomic, HostLayout, Memory, struct, u32 } from "@hostmem/hostmem";
 * import { notify, waitAsync } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const Turn = struct("Turn", { _: HostLayout, number: atomic(u32) });
 * using memory = Memory.create(4096);
 * const { number } = memory.pointer(Turn);
 * const changed = waitAsync(number, 0);
 * number.store(1);
 * notify(number);
 * assertEquals(await changed, "ok");
 * ```
 */
export function notify(
  atomic: ReadonlyAtomic<number>,
  count: number = Infinity,
): number {
  const { word } = wordOf(atomic);
  if (count !== Infinity && (!Number.isSafeInteger(count) || count < 0)) {
    throw new RangeError(
      `Count must be a whole number from 0: received ${show(count)}`,
    );
  }
  word.requireThere();
  // Of 0 the kernel wakes one.
  if (count === 0) return 0;
  return check(wakeWord(word.bytes, Math.min(count, 2 ** 31 - 1)), "futex");
}
