/** The checks of what callers of maps and rings pass. */

import { limitOf, requireDescriptor } from "../base/arguments.ts";
import { show } from "../base/show.ts";

/**
 * `BPF_OBJ_NAME_LEN` of `linux/bpf.h` has room for a NUL; the kernel's
 * `bpf_obj_name_cpy` takes these characters and no others.
 */
const MAP_NAME = /^[A-Za-z0-9_.]{0,15}$/;

/** @throws {TypeError | RangeError} unless it can name a map. */
export function requireMapName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Map name must be a string: received ${show(name)}`,
    );
  }
  if (!MAP_NAME.test(name)) {
    throw new RangeError(
      `Map name must have at most 15 letters, digits, "_" and ".": received ${
        show(name)
      }`,
    );
  }
  return name;
}

/**
 * Refuses a key that is neither a number nor bytes, where keys may be numbers.
 *
 * @throws {TypeError} if a key of 4 bytes is no object, and no number.
 */
export function requireKeyKind(value: unknown, size: number): void {
  if (size !== 4 || typeof value === "number") return;
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(
    `Key must be a number or a Uint8Array: received ${show(value)}`,
  );
}

/** More records than there are in any ring. */
const LIMIT_MAX = 2 ** 30 - 1;

/**
 * The largest number of records to read: all where nothing is said.
 *
 * @throws {RangeError} as `limitOf` does.
 */
export function recordLimitOf(limit: unknown): number {
  return Math.min(limitOf(limit), LIMIT_MAX);
}

/**
 * The descriptor of a map that a caller gave: of a `BpfMap`, or of whatever has
 * one.
 *
 * @param type The type that the map must have, for the message.
 * @throws {TypeError | RangeError} if it is no such object.
 * @throws {ClosedError} if the map is closed.
 */
export function mapFd(map: unknown, type: string): number {
  const fd = (map as { readonly fd?: unknown } | null | undefined)?.fd;
  if (fd === undefined) {
    throw new TypeError(
      `Map must be a BpfMap of type ${type}: received ${show(map)}`,
    );
  }
  requireDescriptor(fd);
  return fd;
}
