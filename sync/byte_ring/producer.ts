/** The end of a ring of bytes that fills it. */

import { requireBytes } from "../../base/arguments.ts";
import { lengthOf } from "../../base/bytes.ts";
import { show } from "../../base/show.ts";
import { closed } from "../../layout/region/region.ts";
import type { PointerTo } from "../../layout/mod.ts";
import { ProducerEnd } from "../ring/ends.ts";
import type { Peer, SideOptions } from "../shared/owner.ts";
import type { ReadyOptions } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { Records, recordSize, REST } from "./records.ts";
import type { ByteRingType } from "./type.ts";

/**
 * The producer of a {@linkcode ByteRing}: one thread, in one process.
 *
 * If the thread ends without `close`, the messages that it submitted are there;
 * those that it only reserved are lost. The next producer goes on where this
 * one stopped.
 *
 * @example As fast as the other end allows
 * ```ts ignore
 * for (const message of messages) {
 *   while (!producer.write(message)) await producer.ready(message.length);
 * }
 * ```
 */
export class ByteRingProducer implements Disposable {
  readonly #end: ProducerEnd;
  readonly #records: Records;
  /** The length of the message reserved last; -1 where none is. */
  #last = -1;

  private constructor(ring: Placed, options?: SideOptions) {
    this.#records = new Records(ring);
    this.#end = new ProducerEnd(ring, options);
  }

  /**
   * Takes the producer's side of a ring for this thread.
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
  ): ByteRingProducer {
    return new ByteRingProducer(structureAt("ByteRing", ring), options);
  }

  /** The longest message, in bytes: half of the ring less 8. */
  get longest(): number {
    return this.#records.longest;
  }

  /**
   * The number of bytes of the ring that are neither reserved nor to be
   * consumed. A message takes more than its length, see {@linkcode ByteRing}.
   */
  get room(): number {
    this.#end.requireOpen();
    return this.#end.room();
  }

  /** The consumer. */
  get peer(): Peer {
    return this.#end.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#end.closed;
  }

  /**
   * Reserves a message, to be filled in place: it holds whatever was there before.
   * Several can be reserved before {@linkcode submit}; from then on they are the
   * consumer's, and must not be written any more.
   *
   * @param length The message's length in bytes.
   * @returns Its bytes; undefined where there is no room for them.
   * @throws {RangeError} if the length is not a whole number from 0 to
   * {@linkcode longest}.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  reserve(length: number): Uint8Array | undefined {
    const index = this.#place(length);
    return index === undefined
      ? undefined
      : this.#records.message(index, length);
  }

  /** Makes a record: its index, or undefined where there is no room for it. */
  #place(length: number): number | undefined {
    const end = this.#end;
    end.requireOpen();
    this.#requireLength(length);
    if (end.ring.region.closed) closed(end.ring.region);
    const gap = this.#gapBefore(length);
    const size = gap + recordSize(length);
    const used = (end.next - end.seen) >>> 0;
    if (end.ring.capacity - used < size && end.room() < size) return undefined;
    end.lines.take(end.next + size, end.full);
    const records = this.#records;
    if (gap > 0) records.put(end.next, REST);
    const index = (end.next + gap) | 0;
    records.put(index, length);
    end.next = (end.next + size) | 0;
    this.#last = length;
    return index;
  }

  /**
   * Finds the bytes that are left empty at the end of the ring, where a record
   * would not fit.
   */
  #gapBefore(length: number): number {
    const rest = this.#records.restAt(this.#end.next);
    return recordSize(length) <= rest ? 0 : rest;
  }

  #hasRoomFor(length: number): boolean {
    return this.#end.room() >= this.#gapBefore(length) + recordSize(length);
  }

  #requireLength(length: unknown): asserts length is number {
    const { longest } = this;
    if (
      Number.isSafeInteger(length) && (length as number) >= 0 &&
      (length as number) <= longest
    ) return;
    throw new RangeError(
      `A message's length must be a whole number from 0 to ${longest}: received ${
        show(length)
      }`,
    );
  }

  /**
   * Makes the message that was reserved last shorter, where its length was not
   * known before it was filled.
   *
   * @param length Its length in bytes.
   * @throws {TypeError} if there is none that is reserved and not submitted.
   * @throws {RangeError} if the length is not a whole number, or more than what was
   * reserved.
   * @throws {ClosedError} if the side or the memory is closed.
   */
  shorten(length: number): void {
    const end = this.#end;
    end.requireOpen();
    const last = this.#last;
    if (last < 0) throw new TypeError("Cannot shorten: no message is reserved");
    this.#requireLength(length);
    if (length > last) {
      throw new RangeError(
        `Cannot shorten a message of ${last} bytes to ${length}`,
      );
    }
    const index = (end.next - recordSize(last)) | 0;
    this.#records.put(index, length);
    end.next = (index + recordSize(length)) | 0;
    this.#last = length;
  }

  /**
   * Gives all that is reserved to the consumer, and wakes it where it sleeps.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   */
  submit(): void {
    this.#end.submit();
    this.#last = -1;
  }

  /**
   * Gives up all that is reserved and not submitted.
   *
   * @throws {ClosedError} if the side is closed.
   */
  discard(): void {
    this.#end.requireOpen();
    this.#last = -1;
    this.#end.discard();
  }

  /**
   * Copies a message into the ring, and submits it together with what is reserved.
   *
   * @param message Its bytes.
   * @returns True if there was room for it.
   * @throws {TypeError} if it is not a `Uint8Array`, or is detached.
   * @throws {RangeError} if it is longer than {@linkcode longest}.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  write(message: Uint8Array): boolean {
    requireBytes("Message", message);
    const end = this.#end;
    const { next } = end;
    const last = this.#last;
    const index = this.#place(lengthOf(message));
    if (index === undefined) return false;
    try {
      this.#records.fill(index, message);
    } catch (error) {
      end.next = next;
      this.#last = last;
      throw error;
    }
    this.submit();
    return true;
  }

  /**
   * Waits until there is room for a message, or a consumer that makes some. The
   * event loop stays alive while it waits.
   *
   * @param length The message's length in bytes.
   * @param options The signal that ends it.
   * @throws {RangeError} if the length is not a whole number from 0 to
   * {@linkcode longest}.
   * @throws {TypeError} if the ring is full of what is reserved and not submitted.
   * @throws {PeerDiedError} if there is no room, and the consumer ended without
   * closing its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  async ready(length: number, options?: ReadyOptions): Promise<void> {
    this.#requireLength(length);
    await this.#end.ready(() => this.#hasRoomFor(length), options);
  }

  /**
   * Gives the side back: the consumer comes to an end once it has consumed what
   * was submitted. What is reserved is not submitted. A second call does
   * nothing.
   */
  close(): void {
    this.#end.close();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    const { ring, closed } = this.#end;
    return `ByteRingProducer { ${ring.name}${closed ? ", closed" : ""} }`;
  }
}
