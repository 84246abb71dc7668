/**
 * The threads that sleep in shared memory. One in `Atomics.wait` can only be
 * woken at the very address that it sleeps at, so each puts that on a list before
 * it lies down, and the thread that closes the memory goes through the list.
 *
 * The list lies in the control page: a word that counts the sleepers, and
 * behind it a word for each: 0, or the index of a 32-bit word of the buffer,
 * plus 1. (Buffers have at most 2^32 such words, the last of which is in the
 * control page.)
 */

import { NotSupportedError } from "../../errors.ts";
import type { Sleepers } from "../../layout/region/region.ts";
import type { Control } from "./shared_state.ts";

/** The word of the control page that counts the sleepers. */
const COUNT = 16;
/** The first of the words for each of them. */
const FIRST = 17;
/** The most threads that can sleep at a time. */
const SLEEPERS_MAX = 1024;

/**
 * The times, a millisecond apart, that a thread is called that was on the list but
 * not asleep yet. One that was terminated meanwhile stays on it for ever.
 */
const CALLS_MAX = 250;

/** Those on the list for one address. */
interface Group {
  /** The content of their words. */
  readonly value: number;
  /** The indices of their words. */
  readonly slots: number[];
  /** The number of those that were woken. */
  woken: number;
}

/** The offset in bytes that a word of the list stands for. */
function offsetOf(value: number): number {
  return ((value >>> 0) - 1) * 4;
}

/** The list of one memory's sleepers. */
export class SleeperList implements Sleepers {
  readonly #control: Control;
  readonly #buffer: ArrayBufferLike;
  /** The offset in it that the control page begins at. */
  readonly #end: number;

  /** Takes the list in a control page as it is. */
  constructor(control: Control) {
    this.#control = control;
    this.#buffer = control.words.buffer;
    this.#end = control.words.byteOffset;
  }

  sleep<T>(offset: number, wait: () => T): T | undefined {
    const slot = this.#enter((offset / 4 + 1) | 0);
    try {
      // Asked after the entry, and closed before the list is read: either this
      // finds it closed, or who closes it finds this.
      if (!this.#control.open) return undefined;
      const result = wait();
      return this.#control.open ? result : undefined;
    } finally {
      this.#leave(slot);
    }
  }

  #enter(value: number): number {
    const { words } = this.#control;
    for (let slot = FIRST; slot < FIRST + SLEEPERS_MAX; slot++) {
      if (Atomics.compareExchange(words, slot, 0, value) === 0) {
        Atomics.add(words, COUNT, 1);
        return slot;
      }
    }
    throw new NotSupportedError(
      `At most ${SLEEPERS_MAX} threads can wait on one memory at a time`,
    );
  }

  #leave(slot: number): void {
    const { words } = this.#control;
    Atomics.store(words, slot, 0);
    Atomics.sub(words, COUNT, 1);
    Atomics.notify(words, COUNT);
  }

  /**
   * Wakes all. The memory must say that it is closed: then nobody lies down
   * any more who is not on the list already.
   */
  wake(): void {
    const { words } = this.#control;
    let count = Atomics.load(words, COUNT);
    if (count === 0) return;
    const groups = this.#groups();
    for (let calls = 0; calls < CALLS_MAX; calls++) {
      let missing = 0;
      for (const group of groups) if (!this.#wakeGroup(group)) missing++;
      if (missing === 0) return;
      Atomics.wait(words, COUNT, count, 1);
      count = Atomics.load(words, COUNT);
    }
  }

  #groups(): Group[] {
    const { words } = this.#control;
    const groups: Group[] = [];
    for (let slot = FIRST; slot < FIRST + SLEEPERS_MAX; slot++) {
      const value = Atomics.load(words, slot);
      if (value === 0 || offsetOf(value) >= this.#end) continue;
      const group = groups.find((group) => group.value === value);
      if (group === undefined) groups.push({ value, slots: [slot], woken: 0 });
      else group.slots.push(slot);
    }
    return groups;
  }

  /** True if nobody of a group can still be asleep, or about to be. */
  #wakeGroup(group: Group): boolean {
    const { words } = this.#control;
    const word = new Int32Array(this.#buffer, offsetOf(group.value), 1);
    group.woken += Atomics.notify(word, 0);
    // Each sleeps once at most; who was terminated in its sleep is woken, and
    // stays on the list.
    if (group.woken >= group.slots.length) return true;
    return group.slots.every((slot) => Atomics.load(words, slot) === 0);
  }
}
