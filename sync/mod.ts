/**
 * Data structures for programs that share memory: rings of elements or of
 * messages, a value that is read as a whole, the newest of many values; and
 * waiting for each other. Each is a type like any other, and can be used by
 * processes in any language.
 *
 * @module
 */

import "../ffi/require_deno.ts";

export { preload } from "../ffi/preload.ts";
export {
  notify,
  wait,
  waitAsync,
  type WaitAsyncOptions,
  type WaitOptions,
  type WaitResult,
} from "./wait.ts";
export { ByteRingConsumer } from "./byte_ring/consumer.ts";
export { ByteRingProducer } from "./byte_ring/producer.ts";
export { ByteRing, type ByteRingType } from "./byte_ring/type.ts";
export { LatestReader, LatestWriter } from "./latest/sides.ts";
export { Latest, type LatestType } from "./latest/type.ts";
export { RingConsumer } from "./ring/consumer.ts";
export { RingProducer } from "./ring/producer.ts";
export type { LimitOptions } from "./shared/limit.ts";
export type { ReadyOptions } from "./shared/sleep.ts";
export { SeqlockReader } from "./seqlock/reader.ts";
export { SeqlockWriter } from "./seqlock/writer.ts";
export { Seqlock, type SeqlockType } from "./seqlock/type.ts";
export type { RingFields } from "./ring/fields.ts";
export { SpscRing, type SpscRingType } from "./ring/type.ts";
export type { Peer, SideOptions } from "./shared/owner.ts";
export { CorruptError, OwnedError, PeerDiedError } from "../errors.ts";
export { cHeader } from "./header/c.ts";
export type { Exports } from "./header/names.ts";
export { pythonModule } from "./header/python.ts";
export { rustModule } from "./header/rust.ts";
