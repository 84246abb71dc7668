/**
 * What a memory is of, where its pages alone do not do: to copy from a file that
 * can be truncated, and to map read-only memory again in another thread.
 */

import type { Descriptor } from "../../ffi/descriptor.ts";
import { identityOf } from "./identity.ts";

/** What is mapped: a part of what a descriptor refers to. */
export type Origin = OwnOrigin | GivenOrigin;

/** One with a descriptor of the memory's own. */
export interface OwnOrigin {
  /** The descriptor, to be closed with the memory. */
  readonly descriptor: Descriptor;
  /** Where the part begins, in bytes. */
  readonly offset: number;
  /** Whether it can be truncated, so that copies must not touch its pages. */
  readonly truncatable: boolean;
}

/**
 * One whose descriptor is that of the memory that the handle is of. A Worker
 * can be terminated at any moment, and then nobody would close another.
 */
export interface GivenOrigin {
  /** None. */
  readonly descriptor: undefined;
  /** None is needed. */
  readonly offset: undefined;
  /** Never: copies of such memory need the descriptor. */
  readonly truncatable: false;
  /** What leads to it, for others. */
  readonly handle: OriginHandle;
}

/** What leads to an origin: the part of a handle for it. */
export interface OriginHandle {
  /** Where the descriptor is published, a SharedArrayBuffer. */
  readonly descriptor: ArrayBufferLike;
  /** What the descriptor must refer to. */
  readonly identity: string;
  /** Where the memory begins in it, in bytes. */
  readonly offset: number;
  /** How many bytes it has. */
  readonly size: number;
  /** Whether it can be truncated. */
  readonly truncatable: boolean;
}

/** What leads to an origin, for others. */
export function originHandle(origin: Origin, size: number): OriginHandle {
  const { descriptor, offset, truncatable } = origin;
  if (descriptor === undefined) return origin.handle;
  return {
    descriptor: descriptor.publish(),
    identity: identityOf(descriptor.fd),
    offset,
    size,
    truncatable,
  };
}

/** What a memory is of. */
export interface FoundOrigin {
  /** A duplicate of the descriptor. */
  readonly descriptor: Descriptor;
  /** What led to it; all of it is checked. */
  readonly handle: OriginHandle;
}

/** Keeps the descriptor of an origin if copies need it, else closes it. */
export function keep({ descriptor, handle }: FoundOrigin): Origin {
  const { offset, truncatable } = handle;
  if (truncatable) return { descriptor, offset, truncatable };
  descriptor.close();
  return { descriptor: undefined, offset: undefined, truncatable, handle };
}
