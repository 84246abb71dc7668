/** The type of a ring with one producer and one consumer. */

import {
  ALIGN,
  registerStructure,
  requireCapacity,
  requireElement,
} from "../shared/structure.ts";
import {
  array,
  type ArrayType,
  struct,
  type StructType,
  type Type,
} from "../../layout/mod.ts";
import { CONTENTS, FIELDS, OFFSETS, type RingFields } from "./fields.ts";

/**
 * The type that {@linkcode SpscRing} makes. Its fields can be looked at:
 * `RingProducer` and `RingConsumer` use them.
 */
export interface SpscRingType<T extends Type = Type> extends
  StructType<
    RingFields & {
      /** The elements. */
      readonly slots: ArrayType<T>;
    }
  > {}

/**
 * A ring of elements of one type, with one producer and one consumer: threads or
 * processes, in this or any other language. A type like any other: a struct that
 * lies in memory which reads as zeros at first, and can be a field of others.
 *
 * `RingProducer` and `RingConsumer` are its two ends; `hostmem header` writes
 * them in C.
 *
 * @param element The type of the elements: of fixed size.
 * @param capacity The number of elements it has room for: a power of two, at most 2^30.
 * @throws {InvalidTypeError} if there can be no such ring.
 *
 * @example From one end to the other
 * ```ts
 * import { f64, HostLayout, Memory, sizeOf, struct, u32 } from "@hostmem/hostmem";
 * import { RingConsumer, RingProducer, SpscRing } from "@hostmem/hostmem/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const Quote = struct("Quote", { _: HostLayout, id: u32, price: f64 });
 * const Quotes = SpscRing(Quote, 1024);
 *
 * using memory = Memory.create(sizeOf(Quotes));
 * // One of the two is another process, usually.
 * using producer = RingProducer.open(memory.pointer(Quotes));
 * using consumer = RingConsumer.open(memory.pointer(Quotes));
 *
 * const quote = producer.reserve()!; // undefined where the ring is full
 * quote.id = 7;
 * quote.price = 12.5;
 * producer.submit();
 *
 * consumer.consume((quote) => assertEquals(quote.price, 12.5));
 * ```
 */
export function SpscRing<T extends Type>(
  element: T,
  capacity: number,
): SpscRingType<T> {
  requireCapacity(capacity, 1);
  const checked = requireElement("SpscRing", element);
  const slots = array(element, capacity);
  const name = `SpscRing<${element.name}, ${capacity}>`;
  const type = struct(name, { ...FIELDS, slots }, {
    align: ALIGN,
    offsets: { ...OFFSETS, slots: CONTENTS },
  });
  registerStructure(type, {
    kind: "SpscRing",
    name,
    element: checked,
    capacity,
  });
  return type as unknown as SpscRingType<T>;
}
