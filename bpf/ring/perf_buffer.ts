import { ClosedError, NotSupportedError, SystemError } from "../../errors.ts";
import { EPERM, pageSize } from "../../ffi/mod.ts";
import { show } from "../../base/show.ts";
import type { Marked, Type } from "../../layout/mod.ts";
import { requireCallback, requireOptions } from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { limitOf, mapFd } from "../arguments.ts";
import { openById } from "../map/commands.ts";
import { mapInfoOf } from "../map/info.ts";
import type { MapInfo } from "../map/info.ts";
import { requireSignal } from "../../base/abort_signal.ts";
import { PerfReader } from "./perf_reader.ts";
import { PerfRing, setEvent } from "./perf_ring.ts";
import { RecordIterator, RecordStream } from "./iterate.ts";
import type {
  ConsumeOptions,
  RecordOf,
  RecordsOptions,
  UntypedRecord,
} from "./ring_buffer.ts";

/** Options of {@linkcode PerfBuffer}. */
export interface PerfBufferOptions {
  /**
   * How many bytes of records there is room for on each CPU: a power of two, at
   * least `pageSize()`. 64 KiB by default.
   */
  readonly size?: number | undefined;
}

/**
 * Reads what BPF programs put out by `bpf_perf_event_output` (a map of the type
 * `BPF_MAP_TYPE_PERF_EVENT_ARRAY`, Linux 4.4): for kernels and programs that
 * have no ring buffer. Where there is a choice, {@linkcode RingBuffer} is many
 * times as fast, keeps the order across CPUs, and needs less memory.
 *
 * There is a ring for each CPU, and order within each of them. Whatever is
 * said of the records of a {@linkcode RingBuffer}, and of the three ways to read
 * them, holds here: **a record is valid until the next one, and not beyond its
 * loop or callback**; to keep it, copy it: `snapshot(record)`. Records are copied
 * out of the rings one by one.
 *
 * A record is 4 bytes longer than a multiple of 8: what the program did not give
 * is filled up with anything. So its length tells no more than that much.
 *
 * One reader of a map: a second object, also of another process, takes over its
 * CPUs, and the first gets no more records. (Without CAP_SYS_ADMIN, closing the
 * first then takes them from one of another thread or process.) CPUs that come
 * online later are not read.
 *
 * @example Reading what a program puts out
 * ```ts
 * import { HostLayout, struct, SystemError, text, u32 } from "@hostmem/hostmem";
 * import { BpfMap, PerfBuffer } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const Event = struct("event", { _: HostLayout, pid: u32, comm: text(16) });
 *
 * try {
 *   using map = BpfMap.create({
 *     type: "perf_event_array",
 *     valueSize: 4,
 *     maxEntries: navigator.hardwareConcurrency,
 *   });
 *   // … of which a BPF program that was loaded with it makes use.
 *   using events = new PerfBuffer(map, Event);
 *   const count = events.consume(({ pid, comm }) => console.log(pid, comm));
 *   assertEquals(count, 0);
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class PerfBuffer<T extends Type = UntypedRecord>
  implements Iterable<RecordOf<T>>, AsyncIterable<RecordOf<T>>, Disposable {
  readonly #reader: PerfReader;
  readonly #descriptor: Descriptor;
  readonly #rings: readonly PerfRing[];
  readonly #size: number;
  readonly #id: number;
  readonly #token = Symbol("PerfBuffer");
  /** Whether the kernel takes the rings out of the map when it is closed. */
  readonly #own: boolean;

  /**
   * Opens and maps a ring for each CPU that is online, and has the programs that
   * use the map write to them. It holds the map by itself: the map's own object
   * can be closed.
   *
   * @param map A map of type `"perf_event_array"`: a `BpfMap`, or whatever has
   * its descriptor. What runs on CPUs beyond its entries is not read.
   * @param type What each record is, as in {@linkcode RingBuffer}.
   * @param options How much room there shall be.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError} if it is no map.
   * @throws {RangeError} if the size is none.
   * @throws {NotSupportedError} if it is of another type, or the kernel allows
   * no such size.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {AlignmentError} if it must be aligned to more than 8 bytes.
   * @throws {BoundsError} if no record could be as large.
   * @throws {SystemError} with the kernel's reason, as in perf_event_open(2),
   * mmap(2) and bpf(2).
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  constructor(
    map: { readonly fd: number },
    type: T & Marked<T>,
    options?: PerfBufferOptions,
  );
  /**
   * The same without a type: records are seen as {@linkcode RingRecord}.
   *
   * @param map As above.
   * @param type None.
   * @param options How much room there shall be.
   */
  constructor(
    map: { readonly fd: number },
    type?: undefined,
    options?: PerfBufferOptions,
  );
  constructor(
    map: { readonly fd: number },
    type?: T,
    options: PerfBufferOptions = {},
  ) {
    requireOptions(options);
    const size = sizeOf(options.size);
    const fd = mapFd(map, "perf_event_array");
    let descriptor = Descriptor.duplicate(fd);
    const rings: PerfRing[] = [];
    try {
      const info = mapInfoOf(descriptor.fd, `descriptor ${fd}`);
      const { id, type: kind, typeNumber, name, maxEntries } = info;
      if (kind !== "perf_event_array") {
        throw new NotSupportedError(
          `Cannot read map "${name}": its type must be perf_event_array, and is ${
            kind ?? typeNumber
          }`,
        );
      }
      const own = ownFileOf(info);
      if (own !== undefined) {
        descriptor.close();
        descriptor = own;
      }
      this.#own = own !== undefined;
      openRings(rings, maxEntries, size);
      this.#reader = new PerfReader(rings, type);
      this.#id = id;
      for (let i = 0; i < rings.length; i++) {
        setEvent(descriptor.fd, rings[i]!.cpu, rings[i]!.fd);
      }
      readers.set(id, this.#token);
    } catch (error) {
      for (let i = 0; i < rings.length; i++) rings[i]!.close();
      descriptor.close();
      throw error;
    }
    this.#descriptor = descriptor;
    this.#rings = rings;
    this.#size = size;
  }

  /** How many bytes of records each CPU has room for, with 12 more for each. */
  get size(): number {
    return this.#size;
  }

  /** The CPUs that are read. */
  get cpus(): number[] {
    return this.#rings.map(({ cpu }) => cpu);
  }

  /**
   * How many bytes there are that were not read, of all CPUs, headers included.
   *
   * @throws {ClosedError} if the perf buffer is closed.
   */
  get available(): number {
    return this.#reader.unread();
  }

  /**
   * How many records there was no room for. The kernel says so where it has room
   * again, so they are counted when the records behind them are read.
   */
  get lost(): bigint {
    return this.#reader.lost;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#reader.closed;
  }

  /**
   * Calls back with each record that there is now, those of one CPU after those
   * of the other.
   *
   * A callback that throws ends it, and so does one that closes the buffer; the
   * record that it was called with is consumed. So is a record that is shorter
   * than the type: the next call goes on behind it.
   *
   * @param callback Is given the record, its length in bytes, and its CPU.
   * @param options How many at the most.
   * @returns How many there were.
   * @throws {ClosedError} if the perf buffer is closed.
   * @throws {TypeError} if it is being read already, or the callback is no
   * function.
   * @throws {RangeError} if the limit is no whole number from 0.
   * @throws {BoundsError} if a record is shorter than the type.
   */
  consume(
    callback: (record: RecordOf<T>, length: number, cpu: number) => void,
    options: ConsumeOptions = {},
  ): number {
    requireCallback(callback);
    requireOptions(options);
    const limit = limitOf(options.limit);
    return this.#reader.consume(limit, this.#size >>> 2, callback);
  }

  /**
   * The records that there are when the first is asked for. With `for`, which
   * ends the reading when it is left.
   *
   * @throws as {@linkcode PerfBuffer.consume} does, when a record is asked for.
   */
  [Symbol.iterator](): IteratorObject<RecordOf<T>, undefined, unknown> {
    return new RecordIterator<RecordOf<T>>(this.#reader, this.#size >>> 2);
  }

  /**
   * The records that there are and those that come, until the perf buffer is
   * closed. The same as {@linkcode PerfBuffer.records} without a signal.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<
    RecordOf<T>,
    undefined,
    unknown
  > {
    return this.records();
  }

  /**
   * The records that there are and those that come, until the perf buffer is
   * closed or the signal is aborted. The event loop is held while it waits for
   * one, and no longer.
   *
   * @param options How to end it.
   * @throws {ClosedError} if the perf buffer is closed.
   * @throws {TypeError} if the signal is no AbortSignal.
   * @throws as {@linkcode PerfBuffer.consume} does, and the signal's reason, when
   * a record is asked for.
   */
  records(
    options: RecordsOptions = {},
  ): AsyncIterableIterator<RecordOf<T>, undefined, unknown> {
    requireOptions(options);
    const signal = requireSignal(options.signal);
    if (this.closed) throw new ClosedError("The perf buffer is closed");
    return new RecordStream<RecordOf<T>>(this.#reader, this.#rings, signal);
  }

  /**
   * Unmaps the rings at once, takes them out of the map, and ends what reads
   * them: a loop behind the record in hand, `for await` also while it waits. Once
   * more does nothing.
   */
  close(): void {
    if (this.closed) return;
    try {
      this.#forget();
      this.#reader.close();
    } finally {
      this.#descriptor.close();
    }
  }

  /**
   * Takes the rings out of the map, unless another object has taken over; of
   * those of other threads and processes it does not know.
   */
  #forget(): void {
    if (this.#own || readers.get(this.#id) !== this.#token) return;
    readers.delete(this.#id);
    for (let i = 0; i < this.#rings.length; i++) {
      setEvent(this.#descriptor.fd, this.#rings[i]!.cpu, undefined);
    }
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    const closed = this.closed ? ", closed" : "";
    return `PerfBuffer { ${this.#rings.length} CPUs, ${this.#size} bytes each${closed} }`;
  }
}

/** `linux/bpf.h`: what is in the map stays when who put it there has closed it. */
const BPF_F_PRESERVE_ELEMS = 1 << 11;

/**
 * The map once more, as a file that nobody else has: when it is closed, the
 * kernel takes out of the map what was put there through it, and no more
 * (`perf_event_fd_array_release`). So it does if this process is killed.
 *
 * @returns It; undefined where the kernel would not do that, or lets nobody
 * without CAP_SYS_ADMIN open maps by their ids.
 */
function ownFileOf({ id, flagBits }: MapInfo): Descriptor | undefined {
  if ((flagBits & BPF_F_PRESERVE_ELEMS) !== 0) return undefined;
  try {
    return openById(id, false);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EPERM) throw error;
    return undefined;
  }
}

/** Opens the rings of all CPUs that are online. */
function openRings(rings: PerfRing[], entries: number, size: number): void {
  for (let cpu = 0; cpu < entries; cpu++) {
    const ring = PerfRing.open(cpu, size);
    if (ring === null) break;
    if (ring !== undefined) rings[rings.length] = ring;
  }
  if (rings.length === 0) {
    throw new NotSupportedError(
      `Cannot read the perf buffer: none of the ${entries} CPUs that the map has entries for is online`,
    );
  }
}

/**
 * Who reads which map, by its id, as far as this thread knows: a token of the
 * object, which it does not keep alive.
 */
const readers = new Map<number, symbol>();

const { isSafeInteger } = Number;

const SIZE_DEFAULT = 65536;
/** What a mapping has room for, less a page. */
const SIZE_MAX = 2 ** 30;

function sizeOf(size: unknown): number {
  const least = pageSize();
  if (size === undefined) return SIZE_DEFAULT < least ? least : SIZE_DEFAULT;
  if (
    !isSafeInteger(size) || (size as number) < least ||
    (size as number) > SIZE_MAX ||
    ((size as number) & ((size as number) - 1)) !== 0
  ) {
    throw new RangeError(
      `Option size must be a power of two from ${least}, the size of a page, to ${SIZE_MAX}: received ${
        show(size)
      }`,
    );
  }
  return size as number;
}
