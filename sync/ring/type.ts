/** The type of a ring with one producer and one consumer. */

import { InvalidTypeError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { type AnyType, originOf } from "../../layout/model/types.ts";
import type { Region } from "../../layout/region/region.ts";
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
    readonly namespace: AtomicType<U32>;
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
  namespace: 8,
  consumerSleeps: 12,
  producerSleeps: 16,
  ended: 20,
  head: 128,
  producer: 136,
  tail: 256,
  consumer: 264,
  slots: 384,
} as const;

/** Processors fetch lines of 64 bytes in pairs; some have lines of 128. */
const ALIGN = 128;
/** With more the indices, which have 32 bits, could not tell full from empty. */
const CAPACITY_MAX = 2 ** 30;

/** What is known of a ring's type. */
export interface RingFacts {
  /** The type's name. */
  readonly name: string;
  /** The type of the elements. */
  readonly element: AnyType;
  /** How many there are. */
  readonly capacity: number;
}

const rings = new WeakMap<object, RingFacts>();

/** What is known of a type that is a ring; undefined for all else. */
export function ringFacts(type: Type): RingFacts | undefined {
  return rings.get(originOf(type));
}

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
  if (
    !Number.isSafeInteger(capacity) || capacity < 1 ||
    capacity > CAPACITY_MAX || !Number.isInteger(Math.log2(capacity))
  ) {
    throw new InvalidTypeError(
      `The capacity of a ring must be a power of two from 1 to ${CAPACITY_MAX}: received ${
        show(capacity)
      }`,
    );
  }
  const slots = array(element, capacity);
  if (element.size === 0) {
    throw new InvalidTypeError(
      `There is no ring of ${element.name}: its size is zero`,
    );
  }
  if (element.align > ALIGN) {
    throw new InvalidTypeError(
      `There is no ring of ${element.name}: its alignment must be at most ${ALIGN} bytes and is ${element.align}`,
    );
  }
  if (element.size > 2 ** 30) {
    throw new InvalidTypeError(
      `There is no ring of ${element.name}: its size must be at most 2^30 bytes`,
    );
  }
  const name = `SpscRing<${element.name}, ${capacity}>`;
  const type = struct(name, {
    _: HostLayout,
    format: atomic(u64),
    namespace: atomic(u32),
    consumerSleeps: atomic(u32),
    producerSleeps: atomic(u32),
    ended: atomic(u32),
    head: atomic(u32),
    producer: atomic(u64),
    tail: atomic(u32),
    consumer: atomic(u64),
    slots,
  }, { align: ALIGN, offsets: OFFSETS });
  rings.set(type, { name, element: element as Type as AnyType, capacity });
  return type as unknown as SpscRingType<T>;
}

/** A ring in memory. */
export interface Located extends RingFacts {
  /** The whole region. */
  readonly region: Region;
  /** Where it begins in the region, in bytes. */
  readonly at: number;
}

/**
 * The ring that a pointer points to.
 *
 * @throws {TypeError} if it is not a pointer to a ring.
 */
export function ringAt(pointer: unknown): Located {
  const located = whereIs(pointer);
  const facts = located && ringFacts(located.pointerClass.type);
  if (facts === undefined || !located!.pointerClass.mode.writable) {
    throw new TypeError(
      `Cannot open ${
        located === undefined
          ? show(pointer)
          : `${
            located.pointerClass.mode.writable ? "a pointer to" : "a view of"
          } ${located.pointerClass.type.name}`
      }: must be a pointer to a SpscRing`,
    );
  }
  return { ...facts, region: located!.root, at: located!.absolute };
}
