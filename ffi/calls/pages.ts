/**
 * The calls that map memory, each with its result or a negative error number.
 *
 * A buffer given to one of these *is* an address. A detached one is the address
 * 0, where root can map: callers pass a view made a moment before.
 */

import { addressOf } from "../block.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from "../constants.ts";
import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libc, libcFile } from "../libc/functions.ts";

/** The result of `mmapShared` on failure: C's `MAP_FAILED`, (void *) -1. */
export const MAP_FAILED = 0xffffffffffffffffn;

const READ_WRITE = PROT_READ | PROT_WRITE;

/** A range to map: `length` bytes of `fd` from `offset`. */
export interface MapRequest {
  /** The descriptor. */
  readonly fd: number;
  /** The length in bytes. */
  readonly length: bigint;
  /** The offset in bytes. */
  readonly offset: bigint;
  /** True to map for reading alone. */
  readonly readOnly: boolean;
}

function protectionOf({ readOnly }: MapRequest): number {
  return readOnly ? PROT_READ : READ_WRITE;
}

/**
 * 0 for an address, whose low half is negative half of the time; but it is a
 * multiple of the page size, and error numbers are below that.
 */
function zeroOrErrno(result: number): number {
  return result < 0 && result > -4096 ? result : 0;
}

/**
 * `mmap(NULL, MAP_SHARED)`: the address, or {@linkcode MAP_FAILED}. The reason
 * of a failure cannot be read, because the result allocates.
 */
export function mmapShared(request: MapRequest): bigint {
  return libc().mmapAnywhere(
    0n,
    request.length,
    protectionOf(request),
    MAP_SHARED,
    request.fd,
    request.offset,
  );
}

/**
 * `mmap(address, MAP_SHARED | MAP_FIXED_NOREPLACE)`: 0, or the negative reason;
 * `-EEXIST` where something lies there.
 */
export function mmapSharedAt(address: bigint, request: MapRequest): number {
  return zeroOrErrno(resultOf(() =>
    libc().mmapExact(
      address,
      request.length,
      protectionOf(request),
      MAP_SHARED | MAP_FIXED_NOREPLACE,
      request.fd,
      request.offset,
    )
  ));
}

/** Finds a range of free addresses; {@linkcode MAP_FAILED} where there is none. */
export function mmapReserve(length: bigint): bigint {
  return libc().mmapAnywhere(
    0n,
    length,
    PROT_NONE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
    -1,
    0n,
  );
}

/**
 * Reserves a range of addresses: 0, or the negative reason; `-EEXIST` where
 * something lies in it.
 */
export function mmapReserveAt(address: bigint, length: bigint): number {
  return zeroOrErrno(resultOf(() =>
    libc().mmapExact(
      address,
      length,
      PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
      -1,
      0n,
    )
  ));
}

/**
 * Replaces what lies at `target` with zeroed memory: 0, or the negative reason.
 * Then there may be a hole, into which another thread's mapping may fall: so
 * this is never simply called again.
 */
export function mmapOverlay(target: Uint8Array, length: bigint): number {
  return zeroOrErrno(resultOfOne(() =>
    libc().mmapOver(
      target as BufferSource,
      length,
      READ_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
      -1,
      0n,
    )
  ));
}

/**
 * Fills the hole at `target` with zeroed memory: 0, or the negative reason;
 * `-EEXIST` where it is no hole.
 */
export function mmapPlug(target: Uint8Array, length: bigint): number {
  return zeroOrErrno(resultOf(() =>
    libc().mmapOver(
      target as BufferSource,
      length,
      READ_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
      -1,
      0n,
    )
  ));
}

/**
 * Moves a mapping over what lies at `target`: 0, or the negative reason. Then
 * there may be a hole, as after {@linkcode mmapOverlay}.
 */
export function mremapOver(
  address: bigint,
  length: bigint,
  target: Uint8Array,
): number {
  return zeroOrErrno(resultOfOne(() =>
    libc().mremap(
      address,
      length,
      length,
      MREMAP_MAYMOVE | MREMAP_FIXED,
      target as BufferSource,
    )
  ));
}

/**
 * Asks whether an object could be mapped over what lies at `target`, and changes
 * nothing: `-EEXIST` if it could, for then only that is in the way; another
 * negative reason if the object's driver refuses the address or the length.
 */
export function mmapProbe(target: Uint8Array, request: MapRequest): number {
  return zeroOrErrno(resultOf(() =>
    libc().mmapOver(
      target as BufferSource,
      request.length,
      protectionOf(request),
      MAP_SHARED | MAP_FIXED_NOREPLACE,
      request.fd,
      request.offset,
    )
  ));
}

/** The result of {@linkcode mmapSharedOver} where it mapped something, but not there. */
export const MISPLACED = 1;

/**
 * `mmap(target, MAP_SHARED | MAP_FIXED)`: 0, or the negative reason. Then there
 * may be a hole, as after {@linkcode mmapOverlay}. The result is the low half of
 * the address, and is compared: a driver can choose another one.
 */
export function mmapSharedOver(
  target: Uint8Array,
  request: MapRequest,
): number {
  const result = resultOfOne(() =>
    libc().mmapOver(
      target as BufferSource,
      request.length,
      protectionOf(request),
      MAP_SHARED | MAP_FIXED,
      request.fd,
      request.offset,
    )
  );
  const failure = zeroOrErrno(result);
  if (failure !== 0) return failure;
  const low = Number(addressOf(target) & 0xffff_ffffn);
  return result >>> 0 === low ? 0 : MISPLACED;
}

/** Unmaps: 0, or the negative reason. */
export function munmap(address: bigint, length: bigint): number {
  return resultOf(() => libc().munmap(address, length));
}

/** Writes pages back and waits for it: 0, or the negative reason. */
export function msync(
  target: Uint8Array,
  length: bigint,
  flags: number,
): number {
  return resultOf(() =>
    libcFile().msync(target as BufferSource, length, flags)
  );
}

/** Advises the kernel about pages: 0, or the negative reason. */
export function madvise(
  target: Uint8Array,
  length: bigint,
  advice: number,
): number {
  return resultOf(() =>
    libcFile().madvise(target as BufferSource, length, advice)
  );
}
