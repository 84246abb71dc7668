import { lengthOf } from "../../../base/bytes.ts";
import { ClosedError } from "../../../errors.ts";
import { EPOLLOUT } from "../../../ffi/mod.ts";
import { pointerAt } from "../../../layout/access/pointer_at.ts";
import { isType } from "../../../layout/model/types.ts";
import type {
  Input,
  Marked,
  PointerOptions,
  Type,
  View,
  ViewOf,
} from "../../../layout/mod.ts";
import {
  requireByteCount,
  requireBytes,
  requireOptions,
} from "../../../base/arguments.ts";
import { mapFd } from "../arguments.ts";
import { sizeWith } from "../../../layout/model/open_ended.ts";
import { requireSignal } from "../../../base/abort_signal.ts";
import { Watch } from "../wait_for_events.ts";
import { Drafts, tailIn } from "./draft.ts";
import { mapUserRing, type RingMemory } from "../memory.ts";
import { RingProducer } from "./producer.ts";
import { Reservation, UserRingRecord } from "./record.ts";

/** Options of {@linkcode UserRingBuffer.ready}. */
export interface ReadyOptions {
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A writer of a BPF ring buffer for the other direction
 * (`BPF_MAP_TYPE_USER_RINGBUF`, Linux 6.1): this process writes the records,
 * and a BPF program reads them when it calls `bpf_user_ringbuf_drain`.
 *
 * `write` copies a record into the ring; `reserve` gives one to be filled in
 * place. Where there is no room they say so, by `false` and `undefined`, and
 * `ready` waits for it. Records are read in the order in which they were
 * reserved.
 *
 * Several of these, in any thread or process, can write one ring: they take
 * turns. Other writers, such as libbpf, must not write at the same time.
 *
 * @example Commands for a program
 * ```ts
 * import { HostLayout, struct, SystemError, u32, u64 } from "@hostmem/hostmem";
 * import { BpfMap, UserRingBuffer } from "@hostmem/hostmem/bpf";
 * import { assert } from "@std/assert";
 *
 * const Command = struct("command", { _: HostLayout, kind: u32, pid: u32, limit: u64 });
 *
 * try {
 *   using map = BpfMap.create({ type: "user_ringbuf", maxEntries: 65536 });
 *   // … that is used by a BPF program which was loaded with it.
 *   using ring = new UserRingBuffer(map);
 *   assert(ring.write(Command, { kind: 1, pid: Deno.pid, limit: 10n }));
 *
 *   using record = ring.reserve(Command);
 *   if (record !== undefined) {
 *     record.value.kind = 2;
 *     record.submit();
 *   }
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 *
 * @example More records than there is room for
 * ```ts ignore
 * for (const command of commands) {
 *   while (!ring.write(Command, command)) await ring.ready(Command.size);
 * }
 * ```
 */
export class UserRingBuffer implements Disposable {
  readonly #producer: RingProducer;
  /** The memory of the ring: its descriptor tells when there is room. */
  readonly #memory: RingMemory;
  readonly #reserved = new Set<UserRingRecord<Type | undefined>>();
  readonly #drafts = new Drafts();
  #watch: Watch | undefined;
  /** The wait for the next event that all share who wait. */
  #event: Promise<void> | undefined;
  #waiting = 0;

  /**
   * Maps a ring buffer. It holds the map by itself: the map's own object can be
   * closed.
   *
   * @param map A map of type `"user_ringbuf"`: a `BpfMap`, or whatever has its
   * descriptor.
   * @throws {TypeError} if it is not a map.
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if it is of another type, or was opened for
   * reading or writing alone.
   * @throws {ReadOnlyError} if it is frozen.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  constructor(map: { readonly fd: number }) {
    this.#memory = mapUserRing(mapFd(map, "user_ringbuf"));
    this.#producer = new RingProducer(this.#memory);
  }

  /** The bytes of records that it has room for, each with a header of 8 bytes. */
  get size(): number {
    return this.#memory.geometry.size;
  }

  /** The number of bytes that a record can have: below 16 MiB. */
  get recordSizeMax(): number {
    return this.#producer.recordSizeMax;
  }

  /**
   * The number of bytes that the program has not read, with headers of 8 bytes
   * and reserved records.
   *
   * @throws {ClosedError} if the ring buffer is closed.
   */
  get available(): number {
    return this.#producer.unread();
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#producer.closed;
  }

  /**
   * Writes a record of some bytes.
   *
   * @param bytes The bytes; they are copied.
   * @returns True if there was room for it.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {TypeError} if they are not a `Uint8Array`.
   * @throws {BoundsError} if they are more than a record can have.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Writes a record of a type. Members that are not given are zero. Everything is
   * checked before anything is written.
   *
   * @param type The type of the record. A struct needs the `HostLayout` marker.
   * @param values The values, as {@linkcode assign} takes them.
   * @param options The length of a flexible array at its end; 0 by default.
   * @returns True if there was room for it.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {AlignmentError} if it must be aligned to more than 8 bytes.
   * @throws {BoundsError} if it has more bytes than a record can.
   * @throws as {@linkcode assign} does.
   */
  write<T extends Type>(
    type: T & Marked<T>,
    values: Input<T> | ViewOf<T> | View<T>,
    options?: PointerOptions,
  ): boolean;
  write<T extends Type>(
    what: Uint8Array | T & Marked<T>,
    values?: Input<T> | ViewOf<T> | View<T>,
    options?: PointerOptions,
  ): boolean {
    if (isType(what)) {
      return this.#writeValues(what as T, values as Input<T>, options);
    }
    this.#requireOpen();
    requireBytes("Record", what);
    this.#producer.requireLength(lengthOf(what));
    return this.#producer.write(what);
  }

  #writeValues<T extends Type>(
    type: T,
    values: Input<T>,
    options: PointerOptions | undefined,
  ): boolean {
    this.#requireOpen();
    const tail = tailIn(type, options);
    const length = this.#lengthOf(type, tail);
    const bytes = this.#drafts.bytesOf(type, length, tail, values);
    // A getter among the values may have closed it.
    this.#requireOpen();
    return this.#producer.write(bytes);
  }

  /**
   * Reserves a record of so many bytes, all zero, to be filled in place.
   *
   * @param length The number of bytes.
   * @returns The record; undefined where there is no room for it.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {RangeError} if the length is not a whole number from 0.
   * @throws {BoundsError} if it is more than a record can have.
   */
  reserve(length: number): UserRingRecord | undefined;
  /**
   * Reserves a record of a type, all zero, to be filled in place.
   *
   * @param type The type of the record. A struct needs the `HostLayout` marker.
   * @param options The length of a flexible array at its end; 0 by default.
   * @returns The record; undefined where there is no room for it.
   * @throws {ClosedError} if the ring buffer is closed.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {TypeError} if a length was given for a type that does not end in a
   * flexible array.
   * @throws {AlignmentError} if it must be aligned to more than 8 bytes.
   * @throws {BoundsError} if it has more bytes than a record can.
   */
  reserve<T extends Type>(
    type: T & Marked<T>,
    options?: PointerOptions,
  ): UserRingRecord<T> | undefined;
  reserve<T extends Type>(
    what: number | T & Marked<T>,
    options?: PointerOptions,
  ): UserRingRecord<T | undefined> | undefined {
    this.#requireOpen();
    const type = isType(what) ? what as T : undefined;
    const tail = type && tailIn(type, options);
    const length = type === undefined
      ? this.#requireLength(what)
      : this.#lengthOf(type, tail);
    this.#requireOpen();
    const region = this.#producer.reserve(length);
    if (region === undefined) return undefined;
    let value: unknown;
    try {
      value = type && pointerAt<T>(type, region, 0, tail);
    } catch (error) {
      this.#producer.commit(region, true);
      throw error;
    }
    return new UserRingRecord<T | undefined>(
      new Reservation(region, this.#producer, value, this.#reserved),
    );
  }

  #requireLength(length: unknown): number {
    requireByteCount("Length", length);
    this.#producer.requireLength(length);
    return length;
  }

  /** The number of bytes of a record of a type, after all checks of the type. */
  #lengthOf(type: Type, tail: number | undefined): number {
    const length = sizeWith(type, tail);
    this.#producer.requireLength(length);
    return length;
  }

  /**
   * Waits until there is room for a record of so many bytes. The event loop
   * stays alive while it waits.
   *
   * The kernel wakes the waiting writer whenever the program has drained the
   * ring, unless it does so with `BPF_RB_NO_WAKEUP`. Another writer may be
   * faster to use the room: try, and wait again.
   *
   * @param length The number of bytes; 0 by default.
   * @param options The signal that ends it.
   * @throws {ClosedError} if the ring buffer is closed, also while it waits.
   * @throws {RangeError} if the length is not a whole number from 0.
   * @throws {BoundsError} if it is more than a record can have.
   * @throws {TypeError} if the signal is not an AbortSignal.
   */
  async ready(length: number = 0, options: ReadyOptions = {}): Promise<void> {
    this.#requireOpen();
    this.#requireLength(length);
    requireOptions(options);
    const signal = requireSignal(options.signal);
    while (true) {
      signal?.throwIfAborted();
      if (this.#producer.hasRoom(length)) return;
      await this.#nextEvent(signal);
    }
  }

  async #nextEvent(signal: AbortSignal | undefined): Promise<void> {
    this.#watch ??= new Watch([this.#memory], EPOLLOUT);
    const watch = this.#watch;
    const event = this.#event ??= watch.next().finally(() => {
      this.#event = undefined;
    });
    this.#waiting++;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const onabort = () => resolve();
    signal?.addEventListener("abort", onabort);
    try {
      await (signal === undefined ? event : Promise.race([event, aborted]));
    } finally {
      signal?.removeEventListener("abort", onabort);
      // Else the poller would wait on for nobody, and hold the event loop.
      if (--this.#waiting === 0) watch.interrupt();
    }
  }

  /**
   * Discards reserved records, unmaps the ring buffer at once, and ends waits
   * for room. Records that were written stay, for the program to read. A second
   * call does nothing.
   */
  close(): void {
    if (this.closed) return;
    try {
      for (const record of [...this.#reserved]) record.discard();
    } finally {
      this.#watch?.close();
      this.#producer.close();
    }
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#producer in this)) return "[prototype]";
    const closed = this.closed ? ", closed" : "";
    return `UserRingBuffer { ${this.size} bytes${closed} }`;
  }

  #requireOpen(): void {
    if (this.closed) throw new ClosedError("The ring buffer is closed");
  }
}
