/**
 * Waiters that share one thread of Deno's pool, which has 32 of them for all
 * that a program does.
 *
 * The thread waits for all of their words, and for one more by which it is
 * woken. A word of a process that ended is nothing to be told of; so the thread
 * comes back every two seconds, see `ffi/calls/futex.ts`.
 */

import {
  canWaitForWords,
  SingleThread,
  VectorThread,
  type WaitingThread,
  wakeWord,
} from "../../ffi/calls/futex.ts";
import { PoolReturn } from "../../ffi/pool_return.ts";
import { NotSupportedError } from "../../errors.ts";
import type { Waiter } from "./waiter.ts";

/** The most threads that an isolate's waits take. */
const CROWDS_MAX = 8;

/**
 * The time between two checks whether memory was closed, in milliseconds: that
 * is told to nobody who sleeps in the kernel.
 */
const LOOK_MS = 50;

/** Waiters that share a thread. */
class Crowd {
  readonly #thread: WaitingThread;
  readonly #waiters = new Set<Waiter>();
  readonly #return = new PoolReturn();
  /** True while the thread waits. */
  #waits = false;
  #look: ReturnType<typeof setInterval> | undefined;

  /** Nobody yet, on a thread that does not wait. */
  constructor(thread: WaitingThread) {
    this.#thread = thread;
  }

  /** True if it can take one more. */
  get hasRoom(): boolean {
    const { wordsMax } = this.#thread;
    // A thread that cannot be woken is taken until it comes back.
    if (wordsMax === 1 && this.#waits) return false;
    return this.#waiters.size < wordsMax;
  }

  /**
   * Takes one more.
   *
   * @returns True if it waits; false if there is nothing to wait for.
   */
  add(waiter: Waiter): boolean {
    this.#waiters.add(waiter);
    waiter.onend = (settle) => this.#leave(waiter, settle);
    this.#look ??= setInterval(() => this.#review(), LOOK_MS);
    if (this.#waits) this.#thread.wake();
    else this.#run();
    return this.#waiters.has(waiter);
  }

  /** The last to leave waits for the thread to come back, if it can be woken. */
  #leave(waiter: Waiter, settle: () => void): void {
    waiter.onend = () => {};
    this.#waiters.delete(waiter);
    const isLast = this.#waiters.size === 0;
    if (isLast) {
      clearInterval(this.#look);
      this.#look = undefined;
    }
    if (this.#waits && isLast && this.#thread.wordsMax > 1) {
      this.#return.expect(settle);
    } else settle();
    if (this.#waits) this.#thread.wake();
  }

  #cameBack(): void {
    this.#waits = false;
    this.#return.happened();
  }

  #review(): void {
    for (const waiter of [...this.#waiters]) waiter.review();
  }

  async #run(): Promise<void> {
    try {
      while (true) {
        this.#review();
        const waiters = [...this.#waiters];
        if (waiters.length === 0) break;
        this.#waits = true;
        const woken = waiters[await this.#thread.wait(waiters.map(awaited))];
        this.#cameBack();
        if (woken === undefined) continue;
        if (this.#waiters.has(woken)) woken.end("ok");
        // It was woken for somebody who no longer waits: the next one is due.
        else if (!woken.word.gone) wakeWord(woken.word.bytes, 1);
      }
    } catch (error) {
      this.#cameBack();
      for (const waiter of [...this.#waiters]) waiter.fail(error);
    }
  }
}

function awaited({ word, expected }: Waiter): {
  address: bigint;
  value: number;
} {
  return { address: word.address, value: expected };
}

/** All waiters of an isolate. */
export class Crowds {
  readonly #crowds: Crowd[] = [];
  readonly #thread: () => WaitingThread;

  /** None yet. `thread` makes what they wait on. */
  constructor(thread: () => WaitingThread) {
    this.#thread = thread;
  }

  /**
   * Takes one more.
   *
   * @returns True if it waits; false if there is nothing to wait for.
   * @throws {NotSupportedError} if there are too many already.
   */
  add(waiter: Waiter): boolean {
    let crowd = this.#crowds.find(({ hasRoom }) => hasRoom);
    if (crowd === undefined) {
      if (this.#crowds.length === CROWDS_MAX) throw tooMany();
      crowd = new Crowd(this.#thread());
      this.#crowds.push(crowd);
    }
    return crowd.add(waiter);
  }
}

function tooMany(): NotSupportedError {
  return new NotSupportedError(
    canWaitForWords()
      ? `Cannot wait: at most ${
        127 * CROWDS_MAX
      } waits can be under way at a time`
      : `Cannot wait: at most ${CROWDS_MAX} waits can be under way at a time, as the kernel has no futex_waitv, which Linux 5.16 brought`,
  );
}

/** The waiters of this isolate. */
export const crowds: Crowds = new Crowds(() =>
  canWaitForWords() ? new VectorThread() : new SingleThread()
);
