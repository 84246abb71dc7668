/** The side of a seqlock that reads it. */

import { PeerDiedError } from "../../errors.ts";
import { waitForWord } from "../../ffi/calls/futex.ts";
import {
  checkType,
  snapshot,
  type Type,
  type Value,
  type View,
  view,
  type ViewOf,
} from "../../layout/mod.ts";
import { closed } from "../../layout/region/region.ts";
import { agrees, type Peer, Side } from "../shared/owner.ts";
import { fence, SharedWord } from "../shared/order.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { Word } from "../waiting/word.ts";
import { OFFSETS, type SeqlockType } from "./type.ts";

/**
 * The number of tries before the reader asks whether the writer lives, and before
 * `read` sleeps.
 */
const TRIES = 1024;
/**
 * The time to sleep while a writer is in the middle of a store, in
 * milliseconds.
 */
const SLEEP_MS = 1;

/**
 * A reader of a {@linkcode Seqlock}. There can be any number, and they write
 * nothing: memory that is mapped read-only will do.
 */
export class SeqlockReader<T extends Type> {
  readonly #lock: Placed;
  readonly #sequence: SharedWord;
  readonly #word: Word;
  readonly #writer: Side;
  readonly #shared: Uint8Array;
  readonly #copy: Uint8Array<ArrayBuffer>;
  readonly #view: View<T>;

  private constructor(lock: Placed) {
    const { region, at, element, name } = lock;
    checkType(element);
    agrees(region, at + OFFSETS.format, name, 1, element.size);
    this.#lock = lock;
    this.#sequence = new SharedWord(region, at + OFFSETS.sequence);
    this.#word = new Word(region, at + OFFSETS.sequence);
    this.#writer = new Side(
      region,
      at + OFFSETS.writer,
      at + OFFSETS.pidNamespace,
      `${name}: The writer's side`,
    );
    const start = at + OFFSETS.value;
    this.#shared = region.u8.subarray(start, start + element.size);
    this.#copy = new Uint8Array(new ArrayBuffer(element.size));
    this.#view = view<Type>(element as Type, this.#copy.buffer) as View<T>;
  }

  /**
   * Begins to read a seqlock.
   *
   * @param lock A view of a seqlock, or a pointer to one.
   * @throws {TypeError} if it is neither.
   * @throws {CorruptError} if values of another size lie there.
   * @throws {InvalidTypeError} if there are no views of the value.
   * @throws {ClosedError} if the memory is closed.
   */
  static open<T extends Type>(
    lock: ViewOf<SeqlockType<T>>,
  ): SeqlockReader<T> {
    return new SeqlockReader<T>(structureAt("Seqlock", lock, true));
  }

  /** The writer. */
  get peer(): Peer {
    return this.#writer.peer;
  }

  /** The number of times that it was written, modulo 2^31. */
  get version(): number {
    return this.#sequence.load() >>> 1;
  }

  /**
   * The value, all of it of one moment, as plain data. If the value is written
   * all the time, `read` may try several times. A writer that was stopped in
   * the middle of a store, by a debugger say, blocks this thread until the
   * writer goes on.
   *
   * @throws {PeerDiedError} if the writer ended in the middle of a store.
   * @throws {RangeError} if a `safe` integer lies beyond ±(2^53 − 1).
   * @throws {ClosedError} if the memory is closed.
   */
  read(): Value<T> {
    while (!this.#copyWhole()) this.#pause();
    return snapshot<T>(this.#view as ViewOf<T>);
  }

  /**
   * Does what {@linkcode read} does, but never waits for a writer that was
   * stopped in the middle of a store.
   *
   * @returns The value; undefined if the writer was storing at every try.
   * @throws {PeerDiedError} if the writer ended in the middle of a store.
   * @throws {RangeError} if a `safe` integer lies beyond ±(2^53 − 1).
   * @throws {ClosedError} if the memory is closed.
   */
  tryRead(): Value<T> | undefined {
    if (!this.#copyWhole()) return undefined;
    return snapshot<T>(this.#view as ViewOf<T>);
  }

  /**
   * Copies a value of one moment; false if there was none in so many tries.
   *
   * @throws {PeerDiedError} if the writer ended in the middle of a store.
   */
  #copyWhole(): boolean {
    const { region } = this.#lock;
    let before = 0;
    for (let tries = 0; tries < TRIES; tries++) {
      before = this.#sequence.load();
      if ((before & 1) !== 0) continue;
      this.#copy.set(this.#shared);
      fence();
      if (this.#sequence.load() !== before) continue;
      // A detached array has no bytes to be copied; memory that another thread
      // closed has zeros, as has what nobody has written yet.
      if (region.closed || before === 0 && this.#word.gone) closed(region);
      return true;
    }
    if ((before & 1) !== 0) this.#requireWriter(before);
    return false;
  }

  #requireWriter(sequence: number): void {
    const { peer } = this.#writer;
    if (peer !== "alive" && this.#sequence.load() === sequence) {
      const { name } = this.#lock;
      throw new PeerDiedError(
        peer === "dead"
          ? `${name}: The writer ended in the middle of a store: the next one must write it`
          : `${name}: A store is half done, and no writer has the side: the next one must write it; one in another language must first store its thread in the field writer`,
      );
    }
  }

  /** Leaves the processor to a writer who is in the middle of a store. */
  #pause(): void {
    const sequence = this.#sequence.load();
    if ((sequence & 1) === 0) return;
    const { region, at } = this.#lock;
    const start = region.start + at + OFFSETS.sequence;
    const word = new Uint8Array(region.buffer, start, 4);
    waitForWord(word, sequence, SLEEP_MS);
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#lock in this)) return "[prototype]";
    return `SeqlockReader { ${this.#lock.name} }`;
  }
}
