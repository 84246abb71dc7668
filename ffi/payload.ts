/**
 * The keys, values, texts and infos that the attributes of `bpf(2)` point to.
 *
 * Addresses do not keep anything alive, so all of it lies in buffers that this
 * module holds, or whoever made them.
 */

import { addressOf, cString } from "./mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
  typedArrayLength,
  typedArraySet,
} from "../layout/intrinsics.ts";

/** Bytes that attributes can point to. */
export interface Payload {
  /** The buffer. */
  readonly buffer: ArrayBuffer;
  /** All of its bytes. */
  readonly bytes: Uint8Array;
  /** The address of the first. */
  readonly address: bigint;
}

/** Room of one's own for that many bytes, for who keeps it while it is used. */
export function makePayload(size: number): Payload {
  const buffer = new NativeArrayBuffer(size);
  const bytes = new NativeUint8Array(buffer);
  return { buffer, bytes, address: addressOf(bytes) };
}

/** Room for all but large values, kept for as long as this module. */
const KEPT_SIZE = 65536;
/**
 * Where payloads are held: their addresses would not keep them. Both are its own
 * from the start, so that neither is looked for on a prototype.
 */
const held: { small: Payload | undefined; large: Payload | undefined } = {
  small: undefined,
  large: undefined,
};

/** Room for that many bytes, good until this is called again. */
export function payloadOf(size: number): Payload {
  if (size > KEPT_SIZE) return held.large = makePayload(size);
  return held.small ??= makePayload(KEPT_SIZE);
}

/** Lets go of room for a large value. */
export function releasePayload(): void {
  held.large = undefined;
}

/** Has something done with the address of a text as C has it. */
export function withText<R>(text: string, use: (address: bigint) => R): R {
  const bytes = cString(text);
  const payload = payloadOf(typedArrayLength(bytes));
  try {
    typedArraySet(payload.bytes, bytes);
    return use(payload.address);
  } finally {
    releasePayload();
  }
}
