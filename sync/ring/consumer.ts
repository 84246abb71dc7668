/** The end of a ring that empties it. */

import { ClosedError, CorruptError } from "../../errors.ts";
import { requireCallback, requireWhole } from "../../base/arguments.ts";
import { movingView } from "../../layout/access/moving_view.ts";
import { checkType, snapshot } from "../../layout/mod.ts";
import type { PointerTo, Type, Value, View } from "../../layout/mod.ts";
import {
  agree,
  type Peer,
  Side,
  type SideOptions,
  takesOver,
} from "../shared/owner.ts";
import { type Drain, ownDrainOf } from "./drain.ts";
import { publish, SharedWord } from "../shared/order.ts";
import { type ReadyOptions, type Sleep, sleepUntil } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { OFFSETS, type SpscRingType } from "./type.ts";

/**
 * The consumer of a {@linkcode SpscRing}: one thread, in one process.
 *
 * If it ends without `close`, what it had not given back is there for the next
 * one, which takes its side over: slots are given back by the batch, so those of
 * the last one can be consumed twice.
 *
 * @example A loop that waits
 * ```ts ignore
 * for await (const quote of consumer) {
 *   console.log(quote.id, quote.price);
 * }
 * // The producer has closed its side.
 * ```
 */
export class RingConsumer<T extends Type>
  implements Disposable, AsyncIterable<View<T>> {
  readonly #ring: Placed;
  readonly #side: Side;
  readonly #head: SharedWord;
  readonly #tail: SharedWord;
  readonly #producerSleeps: SharedWord;
  readonly #sleep: Sleep;
  readonly #record: View<T>;
  readonly #drain: Drain;
  readonly #shown = new Int32Array(1);
  /** The index of the next slot to consume. */
  #next: number;
  #busy = false;
  #closed = false;

  private constructor(ring: Placed, takeOver: boolean) {
    const { region, at, element, name, capacity } = ring;
    checkType(element);
    agree(region, at + OFFSETS.format, name, capacity, element.size);
    const word = (field: keyof typeof OFFSETS) =>
      new SharedWord(region, at + OFFSETS[field]);
    const side = (field: "producer" | "consumer", title: string) =>
      new Side(region, at + OFFSETS[field], at + OFFSETS.pidNamespace, title);
    const ended = word("ended");
    this.#ring = ring;
    this.#head = word("head");
    this.#tail = word("tail");
    this.#producerSleeps = word("producerSleeps");
    const { view, move } = movingView(element, region);
    this.#record = view as View<T>;
    this.#drain = ownDrainOf({
      record: view,
      move,
      start: at + OFFSETS.slots,
      mask: capacity - 1,
      size: element.size,
      shown: this.#shown,
    });
    this.#side = side("consumer", `${name}: The consumer's side`);
    this.#side.take(takeOver);
    this.#next = this.#tail.load();
    this.#sleep = {
      region,
      offset: at + OFFSETS.head,
      index: this.#head,
      sleeps: word("consumerSleeps"),
      peer: side("producer", `${name}: The producer's side`),
      peerName: `${name}: The producer`,
      look: () => {
        // First whether it ended: what it submitted before is there then.
        const hasEnded = ended.load() !== 0;
        if (this.#available() > 0) return true;
        return hasEnded ? false : undefined;
      },
    };
  }

  /**
   * Takes the consumer's side of a ring for this thread.
   *
   * @param ring A pointer to a ring.
   * @param options Whether to take it from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a ring.
   * @throws {OwnedError} if a thread has the side that may be alive.
   * @throws {CorruptError} if what lies there is a ring of something else.
   * @throws {InvalidTypeError} if there are no views of the elements.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError} if there is no `/proc`.
   */
  static open<T extends Type>(
    ring: PointerTo<SpscRingType<T>>,
    options: SideOptions = {},
  ): RingConsumer<T> {
    return new RingConsumer<T>(
      structureAt("SpscRing", ring),
      takesOver(options),
    );
  }

  /** How many were submitted and are not consumed. */
  get available(): number {
    this.#requireOpen();
    return this.#available();
  }

  /** Who produces. */
  get peer(): Peer {
    this.#requireOpen();
    return this.#sleep.peer.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#closed;
  }

  #available(): number {
    const { capacity, name } = this.#ring;
    const available = (this.#head.load() - this.#next) >>> 0;
    if (available <= capacity) return available;
    throw new CorruptError(
      `${name}: The indices are ${available} apart: they must be at most ${capacity}`,
    );
  }

  /** Gives slots back to the producer. */
  #giveBack(count: number): void {
    if (count === 0) return;
    this.#next = (this.#next + count) | 0;
    publish(this.#tail, this.#next, this.#producerSleeps);
  }

  /**
   * Calls back with each element that is there, in place: what it is called with
   * is one view for all, and good until the callback returns. An element at which
   * the callback throws is consumed, those after it are not.
   *
   * @param callback What is called.
   * @param limit How many at the most; all by default.
   * @returns How many were consumed.
   * @throws {TypeError} if the callback is no function, or consumes itself.
   * @throws {RangeError} if the limit is not a whole number from 1.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if somebody else wrote the indices.
   */
  consume(
    callback: (record: View<T>) => void,
    limit: number = Infinity,
  ): number {
    requireCallback(callback);
    if (limit !== Infinity) requireWhole("Limit", limit, 1);
    this.#enter();
    // So that a producer that waits does not wait for all of it.
    const batch = Math.max(1, this.#ring.capacity >> 2);
    let consumed = 0;
    try {
      // What comes meanwhile is for the next time.
      let left = Math.min(this.#available(), limit);
      while (left > 0) {
        const count = Math.min(left, batch);
        this.#consumeBatch(count, callback);
        consumed += count;
        left -= count;
      }
    } finally {
      this.#busy = false;
    }
    return consumed;
  }

  #consumeBatch(count: number, callback: (record: View<T>) => void): void {
    this.#shown[0] = 0;
    try {
      this.#drain(this.#next, count, callback as (record: never) => void);
    } finally {
      // The callback may have closed the memory, or this side.
      if (!this.#ring.region.closed && !this.#closed) {
        this.#giveBack(this.#shown[0]!);
      }
    }
    this.#requireOpen();
  }

  /**
   * Consumes one element, as plain data.
   *
   * @returns A copy of it; undefined where there is none.
   * @throws {RangeError} if a `safe` integer in it is not one; it is consumed.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if somebody else wrote the indices.
   */
  take(): Value<T> | undefined {
    let value: Value<T> | undefined;
    this.consume((record) => value = snapshot<T>(record), 1);
    return value;
  }

  /**
   * Waits until there is something. The event loop is held while it waits.
   *
   * @param options The signal that ends it.
   * @returns True; false once the producer has closed its side and all is
   * consumed.
   * @throws {PeerDiedError} if the ring is empty, and the producer ended without
   * closing its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if somebody else wrote the indices.
   */
  async ready(options: ReadyOptions = {}): Promise<boolean> {
    this.#requireOpen();
    const result = await sleepUntil(this.#sleep, options);
    this.#requireOpen();
    return result;
  }

  /**
   * Waits for elements and yields each in place: what is yielded is one view for
   * all, and good until the next is asked for. Ends when the producer has closed
   * its side. Throws what {@linkcode ready} does.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<View<T>, void, void> {
    const batch = Math.max(1, this.#ring.capacity >> 2);
    while (await this.ready()) {
      const count = Math.min(this.#available(), batch);
      let shown = 0;
      this.#enter();
      try {
        while (shown < count) {
          this.#drain((this.#next + shown++) | 0, 1, () => {});
          yield this.#record;
          this.#requireOpen();
        }
      } finally {
        this.#busy = false;
        if (!this.#ring.region.closed && !this.#closed) this.#giveBack(shown);
      }
    }
  }

  /**
   * Gives the side back, for the next to go on where this one stopped. Once more
   * does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#side.giveBack();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    return `RingConsumer { ${this.#ring.name}${
      this.#closed ? ", closed" : ""
    } }`;
  }

  #enter(): void {
    this.#requireOpen();
    if (this.#busy) {
      throw new TypeError("Cannot consume: a callback or a loop does already");
    }
    this.#busy = true;
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new ClosedError("The consumer's side of the ring is closed");
    }
  }
}
