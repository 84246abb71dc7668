/** One asynchronous wait for a word. */

import { closedMemory, type Word } from "./word.ts";

/** The result of a wait. */
export type WaitResult = "ok" | "not-equal" | "timed-out";

/** Somebody who waits for a word to have another value. */
export class Waiter {
  /** The word. It keeps the memory alive. */
  readonly word: Word;
  /** The value while which to wait, without sign. */
  readonly expected: number;
  /** Ends with the wait. */
  readonly promise: Promise<WaitResult>;
  readonly #resolve: (result: WaitResult) => void;
  readonly #reject: (reason: unknown) => void;
  /** Called once, when it ends, with what tells so to whoever waits. */
  onend: (settle: () => void) => void = (settle) => settle();

  /** Somebody who begins to wait. */
  constructor(word: Word, expected: number) {
    this.word = word;
    this.expected = expected;
    const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Ends the wait. */
  end(result: WaitResult): void {
    this.onend(() => this.#resolve(result));
  }

  /** Ends the wait by an error. */
  fail(reason: unknown): void {
    this.onend(() => this.#reject(reason));
  }

  /** Ends the wait if there is nothing to wait for any more. */
  review(): void {
    if (this.word.gone) this.fail(closedMemory());
    else if (this.word.load() !== this.expected) this.end("ok");
  }
}
