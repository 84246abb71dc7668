import { ClosedError } from "../../errors.ts";
import { toBigInt } from "../../ffi/mod.ts";
import { show } from "../../base/show.ts";
import type { Marked, ReadonlyAtomic, Type, View } from "../../layout/mod.ts";
import { requireCallback, requireOptions } from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { limitOf, mapFd } from "../arguments.ts";
import { mapInfoOf } from "../map/info.ts";
import { requireSignal } from "../../base/abort_signal.ts";
import { RecordIterator, RecordStream } from "./iterate.ts";
import { mapRing } from "./memory.ts";
import { RingReader } from "./ring_reader.ts";
import type { RingRecord } from "./record.ts";

/** In place of a type: records whose type is not known beforehand. */
export interface UntypedRecord extends Type<RingRecord, RingRecord> {}

/** What a record of a ring buffer is seen as. */
export type RecordOf<T extends Type> = View<T>;

/** Options of {@linkcode RingBuffer}. */
export interface RingBufferOptions {
  /**
   * Where the BPF program counts the records that it had no room for: the kernel
   * does not. An atomic in the memory of a map, or a function that gives the
   * number, such as one that adds up the counters of all CPUs.
   */
  readonly lost?:
    | ReadonlyAtomic<number | bigint>
    | (() => number | bigint)
    | undefined;
}

/** Options of {@linkcode RingBuffer.consume}. */
export interface ConsumeOptions {
  /** How many records at the most. All that there are, by default. */
  readonly limit?: number | undefined;
}

/** Options of {@linkcode RingBuffer.records}. */
export interface RecordsOptions {
  /** Ends the iteration: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a BPF ring buffer (`BPF_MAP_TYPE_RINGBUF`, Linux 5.8): records that BPF
 * programs write and this process reads in place.
 *
 * There are three ways to read: `consume` with a callback, which is the
 * fastest; `for (const record of ring)`, which can be left; both take what there
 * is when they begin. And `for await (const record of ring)`, which waits for
 * more. All rings of a thread are waited for together, by one call on one other
 * thread; nothing is polled.
 *
 * **A record is valid until the next one, and not beyond its loop or callback.**
 * All records are shown by one object, which is pointed from each to the next;
 * after the last it throws {@linkcode ClosedError}, and so does whatever was
 * taken out of it. To keep a record copy it: `snapshot(record)`. In an `async`
 * callback of `consume` it is gone after the first `await`; in the body of a
 * `for await` it is not.
 *
 * Records that the program reserved and discarded are skipped. One that is
 * reserved and not yet submitted is waited for, and so are those behind it.
 *
 * The program gets the room of what was read back when the position is
 * published: by `consume` and `for` whenever a quarter of the ring was read, and
 * at the end; by `for await` before each next record. A callback that throws, a
 * `break`, and `close` publish exactly what was read, the record in hand
 * included.
 *
 * One reader at a time: to read in a callback or the body of a loop is an error,
 * and so is it, when noticed, if another process reads as well.
 *
 * `for await` lets the event loop turn now and then, however many records there
 * are, so that timers and signals are heard. Having read all, it sleeps until the
 * kernel wakes it: records that the program submitted with `BPF_RB_NO_WAKEUP` are
 * read when another one does.
 * A Worker that is terminated while it sleeps is not gone before the kernel wakes
 * it either: end its iterations first, by a signal or `close`.
 *
 * @example Reading what a program writes
 * ```ts
 * import { HostLayout, struct, SystemError, text, u32 } from "@hostmem/hostmem";
 * import { BpfMap, RingBuffer } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const Event = struct("event", { _: HostLayout, pid: u32, comm: text(16) });
 *
 * try {
 *   using map = BpfMap.create({ type: "ringbuf", maxEntries: 65536 });
 *   // … of which a BPF program that was loaded with it makes use.
 *   using ring = new RingBuffer(map, Event);
 *   const count = ring.consume(({ pid, comm }) => console.log(pid, comm));
 *   assertEquals(count, 0);
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
 *   console.log(error.message);
 * }
 * ```
 *
 * @example For as long as there are some
 * ```ts ignore
 * const signal = AbortSignal.timeout(10_000);
 * for await (const event of ring.records({ signal })) {
 *   kept.push(snapshot(event));
 * }
 * ```
 */
export class RingBuffer<T extends Type = UntypedRecord>
  implements Iterable<RecordOf<T>>, AsyncIterable<RecordOf<T>>, Disposable {
  readonly #reader: RingReader;
  readonly #descriptor: Descriptor;
  readonly #size: number;
  readonly #lost: (() => number | bigint) | undefined;

  /**
   * Maps a ring buffer. It holds the map by itself: the map's own object can be
   * closed.
   *
   * @param map A map of type `"ringbuf"`: a `BpfMap`, or whatever has its
   * descriptor.
   * @param type What each record is. A record may be longer than the type; a
   * flexible array at its end takes what the record has. One that is shorter is
   * an error when it is read. Without a type, records are seen as
   * {@linkcode RingRecord}, which can be viewed as one type or another.
   * @param options Where to learn of lost records.
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if it is of another type, or was opened for
   * reading or writing alone.
   * @throws {ReadOnlyError} if it is frozen.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {AlignmentError} if it must be aligned to more than 8 bytes.
   * @throws {BoundsError} if no record of the ring could be as large.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  constructor(
    map: { readonly fd: number },
    type: T & Marked<T>,
    options?: RingBufferOptions,
  );
  /**
   * The same without a type: records are seen as {@linkcode RingRecord}.
   *
   * @param map As above.
   * @param type None.
   * @param options Where to learn of lost records.
   */
  constructor(
    map: { readonly fd: number },
    type?: undefined,
    options?: RingBufferOptions,
  );
  constructor(
    map: { readonly fd: number },
    type?: T,
    options: RingBufferOptions = {},
  ) {
    requireOptions(options);
    this.#lost = counterOf(options.lost);
    const fd = mapFd(map, "ringbuf");
    this.#descriptor = Descriptor.duplicate(fd);
    try {
      const info = mapInfoOf(this.#descriptor.fd, `descriptor ${fd}`);
      const memory = mapRing(this.#descriptor.fd, info);
      try {
        this.#reader = new RingReader(memory, type);
      } catch (error) {
        memory.close();
        throw error;
      }
      this.#size = memory.geometry.size;
    } catch (error) {
      this.#descriptor.close();
      throw error;
    }
  }

  /** How many bytes of records it has room for, each with a header of 8 bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * How many bytes are reserved and not read, headers of 8 bytes and what is not
   * yet submitted included. What was read counts until it is published.
   *
   * @throws {ClosedError} if the ring buffer is closed.
   */
  get available(): number {
    return this.#reader.unread();
  }

  /**
   * How many records the program could not write, as it counts them; undefined
   * without the option `lost`.
   */
  get lost(): bigint | undefined {
    const lost = this.#lost?.();
    return typeof lost === "number" ? toBigInt(lost) : lost;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#reader.closed;
  }

  /**
   * Calls back with each record that there is now, in order.
   *
   * A callback that throws ends it, and so does one that closes the ring; the
   * record that it was called with is consumed. So is a record that is shorter
   * than the type: the next call goes on behind it.
   *
   * @param callback Is given the record and its length in bytes.
   * @param options How many at the most.
   * @returns How many there were.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {TypeError} if it is being read already, also by another process, or
   * the callback is no function.
   * @throws {RangeError} if the limit is no whole number from 0.
   * @throws {BoundsError} if a record is shorter than the type, or the ring
   * cannot be read because what is in it is no records.
   *
   * @example
   * ```ts ignore
   * let bytes = 0;
   * ring.consume((packet, length) => bytes += length, { limit: 1000 });
   * ```
   */
  consume(
    callback: (record: RecordOf<T>, length: number) => void,
    options: ConsumeOptions = {},
  ): number {
    requireCallback(callback);
    requireOptions(options);
    const limit = limitOf(options.limit);
    return this.#reader.consume(limit, callback);
  }

  /**
   * The records that there are when the first is asked for. With `for`, which
   * ends the reading when it is left.
   *
   * @throws as {@linkcode RingBuffer.consume} does, when a record is asked for.
   */
  [Symbol.iterator](): IteratorObject<RecordOf<T>, undefined, unknown> {
    return new RecordIterator<RecordOf<T>>(this.#reader, this.#size >>> 2);
  }

  /**
   * The records that there are and those that come, until the ring buffer is
   * closed. The same as {@linkcode RingBuffer.records} without a signal.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<
    RecordOf<T>,
    undefined,
    unknown
  > {
    return this.records();
  }

  /**
   * The records that there are and those that come, until the ring buffer is
   * closed or the signal is aborted. The event loop is held while it waits for
   * one, and no longer.
   *
   * @param options How to end it.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {TypeError} if the signal is no AbortSignal.
   * @throws as {@linkcode RingBuffer.consume} does, and the signal's reason, when
   * a record is asked for.
   */
  records(
    options: RecordsOptions = {},
  ): AsyncIterableIterator<RecordOf<T>, undefined, unknown> {
    requireOptions(options);
    const signal = requireSignal(options.signal);
    if (this.closed) throw new ClosedError("The ring buffer is closed");
    return new RecordStream<RecordOf<T>>(
      this.#reader,
      [this.#descriptor],
      signal,
    );
  }

  /**
   * Unmaps the ring buffer at once and ends what reads it: a loop behind the
   * record in hand, `for await` also while it waits. What was read is published.
   * Once more does nothing.
   *
   * @throws {TypeError} if another process has read meanwhile, so that the
   * position is not this one's to publish; it is closed all the same.
   */
  close(): void {
    try {
      this.#reader.close();
    } finally {
      this.#descriptor.close();
    }
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    const closed = this.closed ? ", closed" : "";
    return `RingBuffer { ${this.#size} bytes${closed} }`;
  }
}

function counterOf(
  lost: RingBufferOptions["lost"],
): (() => number | bigint) | undefined {
  if (lost === undefined || typeof lost === "function") return lost;
  if (
    typeof lost !== "object" || lost === null || typeof lost.load !== "function"
  ) {
    throw new TypeError(
      `Option lost must be a function or an atomic: received ${show(lost)}`,
    );
  }
  return () => lost.load();
}
