/** Unions. */

import { aggregate } from "../model/aggregate.ts";
import type { StructOptions } from "../model/place_fields.ts";
import type { Fields, UnionType } from "../static.ts";

/**
 * A `union`: members that share the same bytes. No pointer to it is made unless
 * one of its fields is `HostLayout`.
 *
 * @param name Its name.
 * @param fields Its members.
 * @param options The differences from C's own layout.
 * @throws {InvalidTypeError} if there can be no such union.
 *
 * @example A number as its bits
 * ```ts
 * import { f32, HostLayout, pointer, u32, union } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Bits = union("Bits", { _: HostLayout, number: f32, bits: u32 });
 * const one = pointer(Bits, new ArrayBuffer(4));
 * one.number = 1;
 * assertEquals(one.bits, 0x3f800000);
 * ```
 */
export function union<F extends Fields>(
  name: string,
  fields: F,
  options?: StructOptions,
): UnionType<F> {
  return aggregate("union", name, fields, options) as unknown as UnionType<F>;
}
