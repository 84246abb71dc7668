import { show } from "../../base/show.ts";
import type {
  LayoutType,
  Marked,
  ReadonlyAtomic,
  Type,
} from "../../layout/mod.ts";
import { requireOptions, requireWhole } from "../../base/arguments.ts";
import { mapFd } from "./arguments.ts";
import { mapRing } from "./memory.ts";
import { RecordSource, type UntypedRecord } from "./record_source.ts";
import { RingReader } from "./ring_reader.ts";

/** Options of {@linkcode RingBuffer}. */
export interface RingBufferOptions {
  /**
   * The counter of the records that the BPF program had no room for: the program
   * counts them, the kernel does not. An atomic in the memory of a map, or a
   * function that gives the number, such as one that adds up the counters of all
   * CPUs.
   */
  readonly lost?:
    | ReadonlyAtomic<number | bigint>
    | (() => number | bigint)
    | undefined;
}

/**
 * A reader of a BPF ring buffer (`BPF_MAP_TYPE_RINGBUF`, Linux 5.8): BPF
 * programs write the records, and this process reads them in place.
 *
 * The ways to read it, and for how long a record is valid, are told at {@linkcode
 * RecordSource}.
 *
 * Records that the program reserved and discarded are skipped. A record that is
 * reserved and not yet submitted is waited for, and so are the records behind
 * it.
 *
 * There is one reader of a ring at a time: a second reader, also in another
 * process, is an error once it is noticed.
 *
 * `for await` sleeps until the kernel wakes it: records that the program submitted
 * with `BPF_RB_NO_WAKEUP` are read when one without it follows.
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
 *   // … that is used by a BPF program which was loaded with it.
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
 * @example As records come, for ten seconds
 * ```ts ignore
 * const until = AbortSignal.timeout(10_000);
 * for await (const event of ring.records({ until })) {
 *   kept.push(snapshot(event));
 * }
 * ```
 */
export class RingBuffer<T extends LayoutType = UntypedRecord>
  extends RecordSource<T> {
  readonly #lost: (() => number | bigint) | undefined;

  /**
   * Maps a ring buffer. It holds the map by itself: the map's own object can be
   * closed.
   *
   * @param map A map of type `"ringbuf"`: a `BpfMap`, or whatever has its
   * descriptor.
   * @param type The type of each record. A record may be longer than the type; a
   * flexible array at its end takes what the record has. One that is shorter is
   * an error when it is read. Where the map's definition in C names a type of
   * records, `map.valueType` is that. Without a type, records are seen as
   * {@linkcode RingRecord}, which can be viewed as one type or another.
   * @param options The counter of lost records.
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
   * @param options The counter of lost records.
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
    const lost = counterOf(options.lost);
    super(readerOf(mapFd(map, "ringbuf"), type as Type | undefined));
    this.#lost = lost;
  }

  /**
   * The number of records that the program could not write, as it counts them;
   * undefined without the option `lost`.
   *
   * @throws {RangeError} if the function of the option gives no whole
   * number.
   */
  get lost(): bigint | undefined {
    const lost: unknown = this.#lost?.();
    if (lost === undefined || typeof lost === "bigint") return lost;
    requireWhole("The number of lost records", lost, 0);
    return BigInt(lost);
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#lost in this)) return "[prototype]";
    const closed = this.closed ? ", closed" : "";
    return `RingBuffer { ${this.size} bytes${closed} }`;
  }
}

/** Maps the ring buffer of a descriptor. */
function readerOf(fd: number, type: Type | undefined): RingReader {
  const memory = mapRing(fd);
  try {
    return new RingReader(memory, type);
  } catch (error) {
    memory.close();
    throw error;
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
