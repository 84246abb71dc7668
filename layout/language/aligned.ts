/** Types under a larger alignment. */

import { InvalidTypeError } from "../../errors.ts";
import {
  checkAlign,
  isOnlyField,
  registerAligned,
  requireType,
} from "../model/types.ts";
import type { Type } from "../static.ts";

/**
 * `__attribute__((aligned(align)))`: the same type, with at least this
 * alignment. In a packed struct, whose other fields are not aligned, the field
 * has exactly this alignment.
 *
 * @param type The type to align.
 * @param align The alignment in bytes; a power of two.
 * @throws {InvalidTypeError} if the alignment is not a power of two, or the
 * type is a bit-field, padding or a marker.
 *
 * @example Counters on cache lines of their own
 * ```ts
 * import { aligned, atomic, HostLayout, offsetOf, struct, u64 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Counters = struct("Counters", {
 *   _: HostLayout,
 *   sent: atomic(u64),
 *   received: aligned(atomic(u64), 64),
 * });
 * assertEquals(offsetOf(Counters, "received"), 64);
 * ```
 */
export function aligned<T extends Type>(type: T, align: number): T {
  const base = requireType(type, "aligned()");
  if (isOnlyField(base)) {
    throw new InvalidTypeError(`${base.name} cannot be aligned`);
  }
  checkAlign("An alignment", align);
  return registerAligned(base, align) as unknown as T;
}
