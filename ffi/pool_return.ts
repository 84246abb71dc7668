/** The end of waits whose call, on a thread of Deno's pool, is under way. */

/**
 * The time for a thread that was woken to come back, in milliseconds; on a busy
 * machine it takes hundreds of them. Where all threads of the pool are taken it
 * has not even begun, and takes as long as they.
 */
const RETURN_MS = 1000;

/**
 * Waits that have ended and are told so when their call has returned, or after a
 * second: a test that ends with the wait leaves no call behind, for which Deno
 * would blame it.
 */
export class PoolReturn {
  readonly #ended: (() => void)[] = [];
  #late: ReturnType<typeof setTimeout> | undefined;

  /** Takes what tells that a wait has ended; its thread has been woken. */
  expect(settle: () => void): void {
    this.#ended.push(settle);
    this.#late ??= setTimeout(() => this.happened(), RETURN_MS);
  }

  /** Tells all of them, since the thread has come back. */
  happened(): void {
    if (this.#late === undefined) return;
    clearTimeout(this.#late);
    this.#late = undefined;
    for (const settle of this.#ended.splice(0)) settle();
  }
}
