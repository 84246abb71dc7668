/** The type of a ring of messages of any length. */

import {
  array,
  type ArrayType,
  struct,
  type StructType,
  type U8,
  u8,
} from "../../layout/mod.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { CONTENTS, FIELDS, OFFSETS, type RingFields } from "../ring/fields.ts";
import {
  ALIGN,
  registerStructure,
  requireCapacity,
} from "../shared/structure.ts";

/**
 * The type that {@linkcode ByteRing} makes. Its fields can be looked at:
 * `ByteRingProducer` and `ByteRingConsumer` use them.
 */
export interface ByteRingType extends
  StructType<
    RingFields & {
      /** The messages, each behind its length. */
      readonly bytes: ArrayType<U8>;
    }
  > {}

/** With less there would be no room for messages. */
const CAPACITY_MIN = 64;

/**
 * A ring of messages of different lengths, with one producer and one consumer:
 * threads or processes, in this or any other language. A type like any other: a
 * struct that lies in memory which reads as zeros at first, and can be a field
 * of others.
 *
 * A message lies in one piece, at a multiple of 8 bytes, so both ends use it in
 * place. A message takes 8 bytes more than its length, rounded up to a multiple
 * of 8. The longest message has half of the ring, less those 8 bytes: so there
 * is room for it wherever the last one ended.
 *
 * `ByteRingProducer` and `ByteRingConsumer` are its two ends; `hostmem header`
 * writes them in C.
 *
 * @param capacity The number of bytes it has: a power of two from 64 to 2^30.
 * @throws {InvalidTypeError} if there can be no such ring.
 *
 * @example Lines of text
 * ```ts
 * import { Memory, sizeOf } from "@hostmem/hostmem";
 * import { ByteRing, ByteRingConsumer, ByteRingProducer } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const Lines = ByteRing(65536);
 *
 * using memory = Memory.create(sizeOf(Lines));
 * // One of the two is another process, usually.
 * using producer = ByteRingProducer.open(memory.pointer(Lines));
 * using consumer = ByteRingConsumer.open(memory.pointer(Lines));
 *
 * producer.write(new TextEncoder().encode("a line"));
 * // In place: at most three bytes for each character, then what they really are.
 * const line = producer.reserve(3 * 4)!;
 * producer.shorten(new TextEncoder().encodeInto("fünf", line).written);
 * producer.submit();
 *
 * const lines: string[] = [];
 * consumer.consume((line) => lines.push(new TextDecoder().decode(line)));
 * assertEquals(lines, ["a line", "fünf"]);
 * ```
 */
export function ByteRing(capacity: number): ByteRingType {
  requireCapacity(capacity, CAPACITY_MIN);
  const bytes = array(u8, capacity);
  const name = `ByteRing<${capacity}>`;
  const type = struct(name, { ...FIELDS, bytes }, {
    align: ALIGN,
    offsets: { ...OFFSETS, bytes: CONTENTS },
  });
  registerStructure(type, {
    kind: "ByteRing",
    name,
    element: u8 as AnyType,
    capacity,
  });
  return type as unknown as ByteRingType;
}
