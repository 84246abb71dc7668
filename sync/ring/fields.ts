/** The fields that every ring has before what is passed on through it. */

import {
  atomic,
  type AtomicType,
  HostLayout,
  type HostLayoutMarker,
  type U32,
  u32,
  type U64,
  u64,
} from "../../layout/mod.ts";

/** The fields that every ring has: they are there to be looked at. */
export type RingFields = {
  /** The layout is that of C. */
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
  /**
   * The number of elements, or of bytes in a `ByteRing`, that were submitted,
   * modulo 2^32.
   */
  readonly head: AtomicType<U32>;
  /** The producer: a thread's number and when it began. */
  readonly producer: AtomicType<U64>;
  /** The number of those that were consumed, modulo 2^32. */
  readonly tail: AtomicType<U32>;
  /** The consumer. */
  readonly consumer: AtomicType<U64>;
};

/** The fields, as they are declared. */
export const FIELDS: RingFields = {
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
};

/** Their offsets in bytes: on three pairs of cache lines. */
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
} as const;

/** The offset of the contents behind them, in bytes. */
export const CONTENTS = 384;
