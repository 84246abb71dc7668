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

/**
 * The type that {@linkcode SpscRing} makes. Its fields are there to be looked at:
 * `RingProducer` and `RingConsumer` use them.
 */
export interface SpscRingType<T extends Type = Type> extends
  StructType<{
    readonly _: HostLayoutMarker;
    /** The capacity in the high half, the size of an element in the low one. */
    readonly format: AtomicType<U64>;
    /** The namespace of the owners' numbers. */
    readonly pidNamespace: AtomicType<U32>;
    /** Not 0 where the consumer sleeps, or is about to. */
    readonly consumerSleeps: AtomicType<U32>;
    /** Not 0 where the producer sleeps, or is about to. */
    readonly producerSleeps: AtomicType<U32>;
    /** Not 0 once the producer has closed its side. */
    readonly ended: AtomicType<U32>;
    /** How many were submitted, modulo 2^32. */
    readonly head: AtomicType<U32>;
    /** Who produces: a thread's number and when it began. */
    readonly producer: AtomicType<U64>;
    /** How many were consumed, modulo 2^32. */
    readonly tail: AtomicType<U32>;
    /** Who consumes. */
    readonly consumer: AtomicType<U64>;
    /** The elements. */
    readonly slots: ArrayType<T>;
  }> {}

/** Where the fields lie, in bytes: three pairs of cache lines, and the slots. */
export const OFFSETS = {
  format: 0,
  pidNamespace: 8,
  consumerSleeps: 12,
  producerSleeps: 16,
  ended: 20,
  head: 128,
  producer: 136,
  tail: 256,
  consumer: 264,
  slots: 384,
} as const;

/**
 * A ring of elements of one type, with one producer and one consumer: threads or
 * processes, in this or any other language. A type like any other: a struct that
 * lies in memory which reads as zeros at first, and can be a field of others.
 *
 * `RingProducer` and `RingConsumer` are its two ends; `hostmem header` writes
 * them in C.
 *
 * @param element The type of the elements: of fixed size.
 * @param capacity How many it has room for: a power of two, at most 2^30.
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
  const slots = array(element, capacity);
  const checked = requireElement("SpscRing", element);
  const name = `SpscRing<${element.name}, ${capacity}>`;
  const type = struct(name, {
    _: HostLayout,
    format: atomic(u64),
    pidNamespace: atomic(u32),
    consumerSleeps: atomic(u32),
    producerSleeps: atomic(u32),
    ended: atomic(u32),
    head: atomic(u32),
    producer: atomic(u64),
    tail: atomic(u32),
    consumer: atomic(u64),
    slots,
  }, { align: ALIGN, offsets: OFFSETS });
  registerStructure(type, {
    kind: "SpscRing",
    name,
    element: checked,
    capacity,
  });
  return type as unknown as SpscRingType<T>;
}
