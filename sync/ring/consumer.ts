/** The end of a ring that empties it. */

import { requireCallback } from "../../base/arguments.ts";
import {
  type MovingView,
  movingView,
} from "../../layout/access/moving_view.ts";
import { checkType, snapshot } from "../../layout/mod.ts";
import type { PointerTo, Type, Value, View } from "../../layout/mod.ts";
import type { Peer, SideOptions } from "../shared/owner.ts";
import { type Drain, ownDrainOf } from "./drain.ts";
import { ConsumerEnd, YIELDED_MAX } from "./ends.ts";
import { CONTENTS } from "./fields.ts";
import { limitIn, type LimitOptions } from "../shared/limit.ts";
import type { ReadyOptions } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import type { SpscRingType } from "./type.ts";

/**
 * The consumer of a {@linkcode SpscRing}: one thread, in one process.
 *
 * If the thread ends without `close`, the elements that it had not given back
 * are there for the next consumer. Slots are given back by the batch, so the
 * elements of the last batch can be consumed twice.
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
  readonly #end: ConsumerEnd;
  readonly #moving: MovingView;
  readonly #drain: Drain;
  readonly #progress = new Int32Array(2);

  private constructor(ring: Placed, options?: SideOptions) {
    const { region, at, element, capacity } = ring;
    checkType(element);
    const { size } = element;
    const moving = movingView(element, region);
    this.#moving = moving;
    this.#drain = ownDrainOf({
      record: moving.view,
      move: moving.move,
      start: at + CONTENTS,
      mask: capacity - 1,
      size,
      progress: this.#progress,
    });
    moving.retire();
    this.#end = new ConsumerEnd(ring, options);
  }

  /**
   * Takes the consumer's side of a ring for this thread.
   *
   * @param ring A pointer to a ring.
   * @param options The option to take the side over from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a ring.
   * @throws {OwnedError} if a thread that may be alive has the side.
   * @throws {CorruptError} if a ring of another capacity, or of elements of another
   * size, lies there.
   * @throws {InvalidTypeError} if there are no views of the elements.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  static open<T extends Type>(
    ring: PointerTo<SpscRingType<T>>,
    options?: SideOptions,
  ): RingConsumer<T> {
    return new RingConsumer<T>(structureAt("SpscRing", ring), options);
  }

  /** The number of elements that were submitted and are not consumed. */
  get available(): number {
    this.#end.requireOpen();
    return this.#end.available();
  }

  /** The producer. */
  get peer(): Peer {
    return this.#end.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#end.closed;
  }

  /**
   * Calls back with each element that is there, in place: one view shows all of
   * them, and is good until the callback returns. After the last one it throws
   * `ClosedError`: also in an `async` callback, after its first `await`. A part that
   * was taken of it, such as a nested struct or an array, shows later elements then.
   * To keep an element, copy it: `snapshot(element)`. An element at which the
   * callback throws, or closes the side, is consumed, those after it are not.
   *
   * @param callback The function to call.
   * @param options The largest number.
   * @returns The number of elements that were consumed.
   * @throws {TypeError} if the callback is not a function, or calls `consume`.
   * @throws {RangeError} if the limit is not a whole number from 0.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  consume(
    callback: (record: View<T>) => void,
    options?: LimitOptions,
  ): number {
    requireCallback(callback);
    const limit = limitIn(options);
    const end = this.#end;
    end.enter();
    this.#moving.revive();
    let consumed = 0;
    try {
      // What comes meanwhile is for the next time.
      let left = Math.min(end.available(), limit);
      while (left > 0) {
        const count = Math.min(left, end.batch);
        this.#consumeBatch(count, callback);
        consumed += count;
        left -= count;
      }
    } finally {
      this.#moving.retire();
      end.leave();
    }
    return consumed;
  }

  #consumeBatch(count: number, callback: (record: View<T>) => void): void {
    const end = this.#end;
    try {
      this.#drain(end.next, count, callback as (record: never) => void);
    } finally {
      end.giveBack(this.#progress[0]!);
      this.#progress[0] = 0;
    }
    end.requireOpen();
  }

  /**
   * Consumes one element, as plain data.
   *
   * @returns A copy of it; undefined where there is none.
   * @throws {RangeError} if a `safe` integer lies beyond ±(2^53 − 1); the
   * element is consumed.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  take(): Value<T> | undefined {
    let value: Value<T> | undefined;
    this.consume((record) => value = snapshot<T>(record), { limit: 1 });
    return value;
  }

  /**
   * Waits until there is something. The event loop stays alive while it waits.
   *
   * @param options The signal that ends it.
   * @returns True; false once the producer has closed its side and all is
   * consumed.
   * @throws {PeerDiedError} if the ring is empty, and the producer ended without
   * closing its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  async ready(options?: ReadyOptions): Promise<boolean> {
    return await this.#end.ready(options);
  }

  /**
   * Waits for elements and yields each in place: one view shows all of them,
   * and is good until the next is asked for. Ends when the producer has closed
   * its side. Throws what {@linkcode ready} does.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<View<T>, void, void> {
    const end = this.#end;
    const moving = this.#moving;
    while (await this.ready()) {
      const count = Math.min(end.available(), end.batch, YIELDED_MAX);
      let shown = 0;
      end.enter();
      moving.revive();
      try {
        while (shown < count) {
          this.#drain((end.next + shown++) | 0, 1, () => {});
          this.#progress[0] = shown;
          yield moving.view as View<T>;
          end.requireOpen();
        }
      } finally {
        moving.retire();
        end.leave();
        end.giveBack(shown);
        this.#progress[0] = 0;
      }
    }
  }

  /**
   * Gives the side back: the next consumer goes on where this one stopped, in a
   * callback or a loop behind the element in hand. A second call does nothing.
   */
  close(): void {
    this.#progress[1] = 0;
    this.#end.close(this.#progress[0]!);
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    const { ring, closed } = this.#end;
    return `RingConsumer { ${ring.name}${closed ? ", closed" : ""} }`;
  }
}
