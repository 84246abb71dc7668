/**
 * The backing of a memory, where its pages alone do not do: to copy from a file
 * that can be truncated, and to map read-only memory again in another thread.
 */

import type { Descriptor } from "../../ffi/descriptor.ts";
import { identityOf } from "./identity.ts";

/** The part of what a descriptor refers to that is mapped. */
export type Backing = OwnBacking | GivenBacking;

/** A backing with a descriptor of the memory's own. */
export interface OwnBacking {
  /** The descriptor, to be closed with the memory. */
  readonly descriptor: Descriptor;
  /** The offset that the part begins at, in bytes. */
  readonly offset: number;
  /** True if it can be truncated, so that copies must not touch its pages. */
  readonly truncatable: boolean;
}

/**
 * A backing whose descriptor is that of the memory that the handle is of. A Worker
 * can be terminated at any moment, and then nobody would close another.
 */
export interface GivenBacking {
  /** None. */
  readonly descriptor: undefined;
  /** None is needed. */
  readonly offset: undefined;
  /** Never: copies of such memory need the descriptor. */
  readonly truncatable: false;
  /** The part of a handle that leads others to it. */
  readonly handle: BackingHandle;
}

/** The part of a handle that leads to a backing. */
export interface BackingHandle {
  /** The word that the descriptor is published in, a SharedArrayBuffer. */
  readonly descriptor: ArrayBufferLike;
  /** The identity of the object that the descriptor must refer to. */
  readonly identity: string;
  /** The offset in it that the memory begins at, in bytes. */
  readonly offset: number;
  /** The size of the memory in bytes. */
  readonly size: number;
  /** True if it can be truncated. */
  readonly truncatable: boolean;
}

/** The part of a handle that leads others to a backing. */
export function backingHandle(backing: Backing, size: number): BackingHandle {
  const { descriptor, offset, truncatable } = backing;
  if (descriptor === undefined) return backing.handle;
  return {
    descriptor: descriptor.publish(),
    identity: identityOf(descriptor.fd),
    offset,
    size,
    truncatable,
  };
}

/** A backing that a handle leads to. */
export interface FoundBacking {
  /** A duplicate of the descriptor. */
  readonly descriptor: Descriptor;
  /** The part of a handle that led to it; all of it is checked. */
  readonly handle: BackingHandle;
}

/** Keeps the descriptor of a backing if copies need it, else closes it. */
export function keep({ descriptor, handle }: FoundBacking): Backing {
  const { offset, truncatable } = handle;
  if (truncatable) return { descriptor, offset, truncatable };
  descriptor.close();
  return { descriptor: undefined, offset: undefined, truncatable, handle };
}
