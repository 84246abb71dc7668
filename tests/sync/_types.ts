/**
 * The types that the tests share with programs in other languages.
 *
 * @module
 */

import { array, HostLayout, struct, u64 } from "../../mod.ts";
import { ByteRing, Latest, Seqlock, SpscRing } from "../../sync/mod.ts";

/** 64 bytes, each of which tells the number. */
export const Message = struct("Message", {
  _: HostLayout,
  number: u64,
  words: array(u64, 7),
});
/** A ring of messages. */
export const Messages = SpscRing(Message, 1024);
/** A message that is read as a whole. */
export const Sample = Seqlock(Message);
/** A ring of messages of any length. */
export const Lines = ByteRing(65536);
/** The newest of many messages. */
export const Frames = Latest(Message);
/** All of them, as `_peer.c` has them. */
export const Shared = struct("Shared", {
  _: HostLayout,
  messages: Messages,
  sample: Sample,
  lines: Lines,
  frames: Frames,
});
