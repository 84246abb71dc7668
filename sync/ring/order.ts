/**
 * In which order a ring is read and written, and why that is right.
 *
 * - The producer fills slots by plain stores, then stores the head by
 *   `Atomics.store`, which releases: whoever reads the new head finds the slots
 *   filled. (C: `atomic_store_explicit(&head, …, memory_order_release)`.)
 * - The consumer reads the head by `Atomics.load`, which acquires, then slots by
 *   plain loads, then stores the tail by `Atomics.store`: its loads are done by
 *   then. The producer reads the tail by `Atomics.load` before it fills a slot
 *   anew.
 * - Who is about to sleep stores its flag and then reads the other's index once
 *   more; the other stores its index and then reads the flag. All four are
 *   sequentially consistent, so that one of the two sees the other. (C: a
 *   `atomic_thread_fence(memory_order_seq_cst)` between the two of each side.)
 *   Then the kernel compares the index with what was read, before it sleeps.
 *
 * `tests/sync/order_test.ts` tries all interleavings that x86-64 and aarch64
 * allow, for the accesses as they are made here.
 */

import { closed, type Region } from "../../layout/region/region.ts";
import { wakeWord } from "../../ffi/calls/futex.ts";

/** A word of 32 bits of a ring: an index or a flag. */
export class RingWord {
  readonly #region: Region;
  readonly #index: number;

  /** The word at an offset of the whole region, in bytes. */
  constructor(region: Region, offset: number) {
    this.#region = region;
    this.#index = offset / 4;
  }

  /** Its value, before all that is read after it. */
  load(): number {
    const { i32 } = this.#region;
    if (i32.length === 0) closed(this.#region);
    return Atomics.load(i32, this.#index);
  }

  /** Stores a value, after all that was read and written before. */
  store(value: number): void {
    const { i32 } = this.#region;
    if (i32.length === 0) closed(this.#region);
    Atomics.store(i32, this.#index, value);
  }

  /** Wakes who sleeps until it has another value. */
  wake(): void {
    const { buffer, start } = this.#region;
    wakeWord(new Uint8Array(buffer, start + this.#index * 4, 4), 2 ** 31 - 1);
  }
}

/**
 * Publishes an index, and wakes who sleeps until it is another.
 *
 * @param sleeps The flag of who sleeps.
 */
export function publish(
  word: RingWord,
  value: number,
  sleeps: RingWord,
): void {
  word.store(value);
  if (sleeps.load() === 0) return;
  sleeps.store(0);
  word.wake();
}
