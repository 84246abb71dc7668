/** The checks of what callers of rings pass. */

import { limitOf, requireDescriptor } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";

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
