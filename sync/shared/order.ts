/**
 * The order in which shared structures are read and written, and why that is
 * right.
 *
 * Rings:
 *
 * - The producer fills slots by plain stores, then stores the head by
 *   `Atomics.store`, which releases: whoever reads the new head finds the slots
 *   filled. (C: `atomic_store_explicit(&head, …, memory_order_release)`.)
 * - The consumer reads the head by `Atomics.load`, which acquires, then slots by
 *   plain loads, then stores the tail by `Atomics.store`: its loads are done by
 *   then. The producer reads the tail by `Atomics.load` before it fills a slot
 *   anew.
 * - The slots of a `ByteRing` are its records, a length and the message: both are
 *   plain. The consumer reads a length once, and uses what it compared. (C: by an
 *   atomic load that is relaxed, so that the compiler does not read it again.)
 * - Who is about to sleep stores its flag and then reads the other's index once
 *   more; the other stores its index and then reads the flag. All four are
 *   sequentially consistent, so that one of the two sees the other. (C: a
 *   `atomic_thread_fence(memory_order_seq_cst)` between the two of each side.)
 *   Then the kernel compares the index with what was read, before it sleeps.
 *
 * Seqlocks:
 *
 * - The writer makes the sequence odd, by a store that is followed by a fence: no
 *   store to the value is seen before it. It makes it even by a store that
 *   releases: all of them are seen by then.
 * - The reader reads the sequence by a load that acquires, then the value, then,
 *   behind a fence, the sequence once more. Had it read anything that was stored
 *   meanwhile, it would find another sequence.
 * - The fence is a sequentially consistent store and load, which the engine
 *   compiles to STLR and LDAR on aarch64: what precedes the first is done before
 *   it, what follows the second after it, and they keep their order (Arm ARM,
 *   "Barrier-ordered-before"). On x86-64 it is a locked exchange.
 *
 * `Latest`:
 *
 * - Which buffer is whose is in one word, which both sides exchange by
 *   `Atomics.compareExchange`: it acquires and releases, as C's
 *   `atomic_compare_exchange_weak` does. What the writer stored in a
 *   buffer is there before the word says that it is the newest, and the reader has
 *   read the buffer that it had before the word says that the writer may have it.
 * - On aarch64 an exchange is no barrier: what stands behind it may be done between
 *   its load and its store. As nobody else can store to the word between the two,
 *   the buffer that is used then is the side's own all the same.
 * - The writer exchanges the word and then reads whether the reader sleeps; the
 *   reader says so and then reads the word: as with rings.
 *
 * `tests/sync/order_test.ts` and `latest_order_test.ts` try all interleavings that
 * x86-64 and aarch64 allow, for the accesses as they are made here.
 */

import { closed, type Region } from "../../layout/region/region.ts";
import { wakeWord } from "../../ffi/calls/futex.ts";

/** A word of 32 bits of a shared structure: an index, a flag, a sequence. */
export class SharedWord {
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

  /**
   * Stores `replacement` where the value is `expected`; true if it was. It is
   * done after all before it, and before all after it.
   */
  replace(expected: number, replacement: number): boolean {
    const { i32 } = this.#region;
    if (i32.length === 0) closed(this.#region);
    return Atomics.compareExchange(i32, this.#index, expected, replacement) ===
      expected;
  }

  /** Wakes who sleeps until it has another value. */
  wake(): void {
    const { buffer, start } = this.#region;
    wakeWord(new Uint8Array(buffer, start + this.#index * 4, 4), 2 ** 31 - 1);
  }
}

const fenceWord = new Int32Array(1);

/** Keeps all that is read and written before it before all that is after it. */
export function fence(): void {
  Atomics.store(fenceWord, 0, 0);
  Atomics.load(fenceWord, 0);
}

/**
 * Publishes an index, and wakes who sleeps until it is another.
 *
 * @param sleeps The flag of who sleeps.
 */
export function publish(
  word: SharedWord,
  value: number,
  sleeps: SharedWord,
): void {
  word.store(value);
  if (sleeps.load() === 0) return;
  sleeps.store(0);
  word.wake();
}
