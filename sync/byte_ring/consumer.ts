/** The end of a ring of bytes that empties it. */

import { refusePromise, requireCallback } from "../../base/arguments.ts";
import type { PointerTo } from "../../layout/mod.ts";
import { ConsumerEnd, YIELDED_MAX } from "../ring/ends.ts";
import type { Peer, SideOptions } from "../shared/owner.ts";
import { limitIn, type LimitOptions } from "../shared/limit.ts";
import type { ReadyOptions } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { Records, REST } from "./records.ts";
import type { ByteRingType } from "./type.ts";

/** The reason why callbacks are not `async`: their bytes cannot be taken away. */
const REASON =
  "a message's bytes are the producer's again once it has returned; copy them, or use for await";

/**
 * The consumer of a {@linkcode ByteRing}: one thread, in one process.
 *
 * If the thread ends without `close`, the messages that it had not given back
 * are there for the next consumer. Messages are given back by the batch, so
 * those of the last batch can be consumed twice.
 *
 * If the producer writes impossible lengths or indices, by mistake or by
 * malice, a `CorruptError` is thrown here, and nothing outside of the ring is
 * ever read. Nobody can tell then where the next message begins: both sides
 * must make the ring anew, of zeros.
 *
 * @example A loop that waits
 * ```ts ignore
 * for await (const message of consumer) {
 *   console.log(new TextDecoder().decode(message));
 * }
 * // The producer has closed its side.
 * ```
 */
export class ByteRingConsumer implements Disposable, AsyncIterable<Uint8Array> {
  readonly #end: ConsumerEnd;
  readonly #records: Records;
  /** The bytes that were consumed and not given back. */
  #shown = 0;

  private constructor(ring: Placed, options?: SideOptions) {
    this.#records = new Records(ring);
    this.#end = new ConsumerEnd(ring, options);
  }

  /**
   * Takes the consumer's side of a ring for this thread.
   *
   * @param ring A pointer to a ring.
   * @param options The option to take the side over from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a ring.
   * @throws {OwnedError} if a thread that may be alive has the side.
   * @throws {CorruptError} if another kind of ring lies there, or its index is
   * not possible.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  static open(
    ring: PointerTo<ByteRingType>,
    options?: SideOptions,
  ): ByteRingConsumer {
    return new ByteRingConsumer(structureAt("ByteRing", ring), options);
  }

  /**
   * The number of bytes that were submitted and are not consumed: those of
   * headers and gaps, too.
   */
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
   * Calls back with each message that is there, in place: its bytes are the
   * producer's again once the callback has returned. A message at which the
   * callback throws, or closes the side, is consumed, those after it are not.
   *
   * @param callback The function to call.
   * @param options The largest number.
   * @returns The number of messages that were consumed.
   * @throws {TypeError} if the callback is not a function, calls `consume`, or
   * returns a promise, as an `async` function does.
   * @throws {RangeError} if the limit is not a whole number from 0.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if the producer wrote indices or lengths that cannot
   * be; messages before are consumed.
   *
   * @example Messages that begin with a header
   * ```ts ignore
   * consumer.consume((message) => {
   *   const { kind, time } = view(Header, message);
   * });
   * ```
   */
  consume(
    callback: (message: Uint8Array) => unknown,
    options?: LimitOptions,
  ): number {
    requireCallback(callback);
    const limit = limitIn(options);
    const end = this.#end;
    end.enter();
    let consumed = 0;
    try {
      // What comes meanwhile is for the next time.
      let left = end.available();
      while (left > 0 && consumed < limit) {
        const before = end.next;
        consumed += this.#consumeBatch(left, callback, limit - consumed);
        left -= (end.next - before) >>> 0;
      }
    } finally {
      end.leave();
    }
    return consumed;
  }

  #consumeBatch(
    available: number,
    callback: (message: Uint8Array) => unknown,
    limit: number,
  ): number {
    const end = this.#end;
    const records = this.#records;
    const enough = Math.min(available, end.batch);
    let seen = 0;
    let consumed = 0;
    try {
      while (seen < enough && consumed < limit) {
        const index = (end.next + seen) | 0;
        const length = records.lengthAt(index, available - seen);
        this.#shown = seen += records.step(index, length);
        if (length === REST) continue;
        consumed++;
        refusePromise(callback(records.message(index, length)), REASON);
        end.requireOpen();
      }
    } finally {
      this.#giveBack();
    }
    return consumed;
  }

  #giveBack(): void {
    this.#end.giveBack(this.#shown);
    this.#shown = 0;
  }

  /**
   * Consumes one message.
   *
   * @returns A copy of it; undefined where there is none.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if the producer wrote indices or lengths that cannot be.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    let copy: Uint8Array<ArrayBuffer> | undefined;
    this.consume((message) => copy = new Uint8Array(message), { limit: 1 });
    return copy;
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
   * Waits for messages and yields each in place: its bytes are good until the next
   * is asked for. Ends when the producer has closed its side. Throws what
   * {@linkcode ready} and {@linkcode consume} do.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const end = this.#end;
    const records = this.#records;
    while (await this.ready()) {
      end.enter();
      let seen = 0;
      try {
        const available = end.available();
        const enough = Math.min(available, end.batch);
        for (let i = 0; seen < enough && i < YIELDED_MAX; i++) {
          const index = (end.next + seen) | 0;
          const length = records.lengthAt(index, available - seen);
          this.#shown = seen += records.step(index, length);
          if (length === REST) continue;
          yield records.message(index, length);
          end.requireOpen();
        }
      } finally {
        end.leave();
        this.#giveBack();
      }
    }
  }

  /**
   * Gives the side back: the next consumer goes on where this one stopped, in a
   * callback or a loop behind the message in hand. A second call does nothing.
   */
  close(): void {
    this.#end.close(this.#shown);
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    const { ring, closed } = this.#end;
    return `ByteRingConsumer { ${ring.name}${closed ? ", closed" : ""} }`;
  }
}
