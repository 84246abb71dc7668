import { pageSize } from "../../ffi/mod.ts";
import { show } from "../../base/show.ts";
import type { LayoutType, Marked, Type } from "../../layout/mod.ts";
import {
  type OptionNames,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { mapFd } from "./arguments.ts";
import { PerfReader } from "./perf_reader.ts";
import type { Waking } from "./perf_ring.ts";
import { PerfRings } from "./perf_rings.ts";
import { RecordSource, type UntypedRecord } from "./record_source.ts";

/** Options of {@linkcode PerfBuffer}. */
export interface PerfBufferOptions {
  /**
   * The size in bytes of the ring of each CPU: a power of two, at least
   * `pageSize()`. 64 KiB by default.
   */
  readonly size?: number | undefined;
  /**
   * The number of records of one CPU that wakes a sleeping reader: 1 by
   * default. Fewer records are read as soon as anything else wakes it, such as
   * `flush`.
   */
  readonly wakeupEvents?: number | undefined;
  /**
   * The number of bytes of one CPU, headers included, that wakes the reader
   * instead: at most the size of a ring.
   */
  readonly watermark?: number | undefined;
}

const perfOptions: OptionNames<PerfBufferOptions> = {
  size: true,
  wakeupEvents: true,
  watermark: true,
};

/**
 * A reader of records that BPF programs put out by `bpf_perf_event_output` (a
 * map of the type `BPF_MAP_TYPE_PERF_EVENT_ARRAY`, Linux 4.4): for kernels and
 * programs that have no ring buffer. Where there is a choice, {@linkcode
 * RingBuffer} is many times as fast, keeps the order across CPUs, and needs
 * less memory.
 *
 * There is a ring for each CPU, and order within each of them. The ways to read
 * them, and for how long a record is valid, are told at {@linkcode RecordSource}.
 * Records are copied out of the rings one by one.
 *
 * The length of a record is 4 more than a multiple of 8: the bytes behind those
 * that the program gave have any value. So the length does not say how many
 * bytes the program gave.
 *
 * A map has one reader: a second `PerfBuffer`, also of another process, takes
 * over the CPUs, and the first gets no more records. (Without CAP_SYS_ADMIN,
 * closing the first then takes the CPUs from a second one of another thread or
 * process.) CPUs that come online later are not read.
 *
 * @example Reading what a program puts out
 * ```ts
 * import { HostLayout, struct, SystemError, text, u32 } from "@hostmem/hostmem";
 * import { BpfMap, PerfBuffer, possibleCpus } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const Event = struct("event", { _: HostLayout, pid: u32, comm: text(16) });
 *
 * try {
 *   using map = BpfMap.create({
 *     type: "perf_event_array",
 *     valueSize: 4,
 *     maxEntries: possibleCpus().length,
 *   });
 *   // … that is used by a BPF program which was loaded with it.
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
export class PerfBuffer<T extends LayoutType = UntypedRecord>
  extends RecordSource<T, [length: number, cpu: number]> {
  readonly #reader: PerfReader;
  readonly #cpus: readonly number[];

  /**
   * Opens and maps a ring for each CPU that is online, and has the programs that
   * use the map write to them. It holds the map by itself: the map's own object
   * can be closed.
   *
   * @param map A map of type `"perf_event_array"`: a `BpfMap`, or whatever has
   * its descriptor. CPUs beyond its entries are not read.
   * @param type The type of each record, as in {@linkcode RingBuffer}.
   * @param options The size of the rings, and when to wake.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError} if it is not a map.
   * @throws {RangeError} if no ring has that size, or none would ever wake.
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
   * @param options The size of the rings.
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
    requireOptions(options, perfOptions);
    const size = sizeOf(options.size);
    // Getters of the options may close the map: its descriptor comes after them.
    const waking = wakingIn(options, size);
    const rings = new PerfRings(mapFd(map, "perf_event_array"), size, waking);
    const reader = readerOf(rings, type as Type | undefined);
    super(reader);
    this.#reader = reader;
    this.#cpus = rings.rings.map(({ cpu }) => cpu);
  }

  /** The CPUs that are read. */
  get cpus(): number[] {
    return [...this.#cpus];
  }

  /**
   * The number of records that there was no room for. The kernel says so where it
   * has room again, so they are counted when the records behind them are read.
   */
  get lost(): bigint {
    return this.#reader.lost;
  }

  /**
   * Has the kernel write no records until {@linkcode PerfBuffer.resume}
   * (`PERF_EVENT_IOC_PAUSE_OUTPUT`, Linux 4.7): what programs put out meanwhile
   * is refused to them, and counts as lost. What is in the rings can be read.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {SystemError} with the kernel's reason, as in ioctl(2).
   */
  pause(): void {
    this.#reader.pause(true);
  }

  /**
   * Has the kernel write records again.
   *
   * @throws as {@linkcode PerfBuffer.pause} does.
   */
  resume(): void {
    this.#reader.pause(false);
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#cpus in this)) return "[prototype]";
    const closed = this.closed ? ", closed" : "";
    return `PerfBuffer { ${this.#cpus.length} CPUs, ${this.size} bytes each${closed} }`;
  }
}

/** Reads the rings, once programs write to them. */
function readerOf(rings: PerfRings, type: Type | undefined): PerfReader {
  try {
    const reader = new PerfReader(rings, type);
    rings.use();
    return reader;
  } catch (error) {
    rings.close();
    throw error;
  }
}

/**
 * Reads when to wake.
 *
 * @throws {RangeError | TypeError} if that is never, or twice.
 */
function wakingIn(
  { wakeupEvents, watermark }: PerfBufferOptions,
  size: number,
): Waking {
  if (wakeupEvents !== undefined && watermark !== undefined) {
    throw new TypeError(
      "There must be one of the options wakeupEvents and watermark: received both",
    );
  }
  if (wakeupEvents !== undefined) requireU32("wakeupEvents", wakeupEvents, 1);
  if (watermark !== undefined && requireU32("watermark", watermark, 1) > size) {
    throw new RangeError(
      `watermark must be at most the size of a ring, ${size} bytes: received ${watermark}`,
    );
  }
  return { wakeupEvents, watermark };
}

const SIZE_DEFAULT = 65536;
/** The largest mapping, less a page. */
const SIZE_MAX = 2 ** 30;

function sizeOf(size: unknown): number {
  const minimum = pageSize();
  if (size === undefined) return Math.max(SIZE_DEFAULT, minimum);
  if (
    typeof size !== "number" || !Number.isSafeInteger(size) ||
    size < minimum || size > SIZE_MAX || (size & (size - 1)) !== 0
  ) {
    throw new RangeError(
      `Option size must be a power of two from ${minimum}, the size of a page, to ${SIZE_MAX}: received ${
        show(size)
      }`,
    );
  }
  return size;
}
