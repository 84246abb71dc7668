/** The type of the newest of many values, in three buffers. */

import {
  array,
  type ArrayType,
  atomic,
  type AtomicType,
  HostLayout,
  type HostLayoutMarker,
  struct,
  type StructType,
  type Type,
  type U32,
  u32,
  type U64,
  u64,
} from "../../layout/mod.ts";
import {
  ALIGN,
  registerStructure,
  requireElement,
} from "../shared/structure.ts";

/**
 * The type that {@linkcode Latest} makes. Its fields can be looked at:
 * `LatestWriter` and `LatestReader` use them.
 */
export interface LatestType<T extends Type = Type> extends
  StructType<{
    readonly _: HostLayoutMarker;
    /** 3 in the high half, the size of a value in the low one. */
    readonly format: AtomicType<U64>;
    /** The namespace of the owners' numbers. */
    readonly pidNamespace: AtomicType<U32>;
    /** Not 0 where the reader sleeps, or is about to. */
    readonly readerSleeps: AtomicType<U32>;
    /** Not 0 once the writer has closed its side. */
    readonly ended: AtomicType<U32>;
    /** The writer: a thread's number and when it began. */
    readonly writer: AtomicType<U64>;
    /** The reader. */
    readonly reader: AtomicType<U64>;
    /** The owner of each buffer: see `sync/latest/state.ts`. */
    readonly state: AtomicType<U32>;
    /** The buffers. */
    readonly slots: ArrayType<T>;
  }> {}

/** The offsets of the fields, in bytes. */
export const OFFSETS = {
  format: 0,
  pidNamespace: 8,
  readerSleeps: 12,
  ended: 16,
  writer: 24,
  reader: 32,
  state: 128,
  slots: 256,
} as const;

/** One that is filled, one that is read, and one between the two. */
export const BUFFERS = 3;

/**
 * The newest of the values that one thread writes and another reads, in any
 * process: neither ever waits for the other, and values that come faster than
 * they are read are left out. Both sides use the bytes in place, so a `Latest`
 * is for large values, such as frames. A type like any other: a struct that
 * lies in memory which reads as zeros at first, and can be a field of others.
 *
 * `LatestWriter` and `LatestReader` are its sides; `hostmem header` writes them in C.
 *
 * @param value The type of the values: of fixed size.
 * @throws {InvalidTypeError} if there can be no such structure.
 *
 * @example Frames
 * ```ts
 * import { array, HostLayout, Memory, sizeOf, struct, u32, u8 } from "@hostmem/hostmem";
 * import { Latest, LatestReader, LatestWriter } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const Frame = struct("Frame", { _: HostLayout, number: u32, pixels: array(u8, 65536) });
 * const Frames = Latest(Frame);
 *
 * using memory = Memory.create(sizeOf(Frames));
 * // One of the two is another process, usually.
 * using writer = LatestWriter.open(memory.pointer(Frames));
 * using reader = LatestReader.open(memory.pointer(Frames));
 *
 * for (let number = 1; number <= 5; number++) {
 *   writer.draft.number = number;
 *   writer.submit();
 * }
 * assertEquals(reader.read()?.number, 5);
 * ```
 */
export function Latest<T extends Type>(value: T): LatestType<T> {
  const element = requireElement("Latest", value);
  const slots = array(value, BUFFERS);
  const name = `Latest<${value.name}>`;
  const type = struct(name, {
    _: HostLayout,
    format: atomic(u64),
    pidNamespace: atomic(u32),
    readerSleeps: atomic(u32),
    ended: atomic(u32),
    writer: atomic(u64),
    reader: atomic(u64),
    state: atomic(u32),
    slots,
  }, { align: ALIGN, offsets: OFFSETS });
  registerStructure(type, { kind: "Latest", name, element, capacity: BUFFERS });
  return type as unknown as LatestType<T>;
}
