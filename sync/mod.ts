/**
 * Programs that share memory: waiting for each other.
 *
 * @module
 */

import "../ffi/require_deno.ts";

export {
  notify,
  wait,
  waitAsync,
  type WaitAsyncOptions,
  type WaitOptions,
  type WaitResult,
} from "./wait.ts";
export { RingConsumer } from "./ring/consumer.ts";
export { RingProducer, type SideOptions } from "./ring/producer.ts";
export type { ReadyOptions } from "./ring/sleep.ts";
export { SpscRing, type SpscRingType } from "./ring/type.ts";
export type { Peer } from "./shared/owner.ts";
export { CorruptError, OwnedError, PeerDiedError } from "../errors.ts";
