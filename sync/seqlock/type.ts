/** The type of a value that is read as a whole while it is written. */

import {
  aligned,
  array,
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
import { registerStructure, requireElement } from "../shared/structure.ts";

/**
 * The type that {@linkcode Seqlock} makes. Its fields can be looked at:
 * `SeqlockWriter` and `SeqlockReader` use them.
 */
export interface SeqlockType<T extends Type = Type> extends
  StructType<{
    readonly _: HostLayoutMarker;
    /** 1 in the high half, the size of the value in the low one. */
    readonly format: AtomicType<U64>;
    /** The namespace of the owner's number. */
    readonly pidNamespace: AtomicType<U32>;
    /** Odd while the value is written; 2 more after each time. */
    readonly sequence: AtomicType<U32>;
    /** The writer: a thread's number and when it began. */
    readonly writer: AtomicType<U64>;
    /** The value. */
    readonly value: T;
  }> {}

/**
 * The offsets of the fields, in bytes: the value has a cache line of its own.
 */
export const OFFSETS = {
  format: 0,
  pidNamespace: 8,
  sequence: 12,
  writer: 16,
  value: 64,
} as const;

/**
 * A value that one thread writes and any number of threads read, in any
 * process: each copy that is read is of one moment, and nothing ever waits for
 * a reader. A type like any other: a struct that lies in memory which reads as
 * zeros at first, and can be a field of others.
 *
 * `SeqlockWriter` and `SeqlockReader` are its sides; `hostmem header` writes them
 * in C.
 *
 * @param value The type of the value: of fixed size.
 * @throws {InvalidTypeError} if there can be no such structure.
 *
 * @example A position whose coordinates belong together
 * ```ts
 * import { f64, HostLayout, Memory, sizeOf, struct } from "@hostmem/hostmem";
 * import { Seqlock, SeqlockReader, SeqlockWriter } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const Position = struct("Position", { _: HostLayout, x: f64, y: f64 });
 * const Shared = Seqlock(Position);
 *
 * using memory = Memory.create(sizeOf(Shared));
 * // One of the two is another process, usually.
 * using writer = SeqlockWriter.open(memory.pointer(Shared));
 * const reader = SeqlockReader.open(memory.view(Shared));
 *
 * writer.write((position) => {
 *   position.x = 1;
 *   position.y = 2;
 * });
 * assertEquals(reader.read(), { x: 1, y: 2 });
 * ```
 */
export function Seqlock<T extends Type>(value: T): SeqlockType<T> {
  const element = requireElement("Seqlock", value);
  // There are arrays of just what can lie here.
  array(value, 1);
  const name = `Seqlock<${value.name}>`;
  const type = struct(name, {
    _: HostLayout,
    format: atomic(u64),
    pidNamespace: atomic(u32),
    sequence: atomic(u32),
    writer: atomic(u64),
    value: aligned(value, 64),
  }, { align: 64, offsets: OFFSETS });
  registerStructure(type, { kind: "Seqlock", name, element, capacity: 1 });
  return type as unknown as SeqlockType<T>;
}
