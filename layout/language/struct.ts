/** Structs. */

import { aggregate } from "../model/aggregate.ts";
import type { StructOptions } from "../model/place_fields.ts";
import type { Fields, StructType } from "../static.ts";

export type { StructOptions };

/**
 * A `struct`: fields one after the other, where C on this host puts them. No
 * pointer to it is made unless one of its fields is `HostLayout`.
 *
 * Field names may be any string but the empty one, those with a dot, and array
 * indices.
 *
 * @param name Its name.
 * @param fields Its fields, in order.
 * @param options The differences from C's own layout.
 * @throws {InvalidTypeError} if there can be no such struct.
 *
 * @example A struct and a pointer to one
 * ```ts
 * import { array, HostLayout, pointer, struct, u16, u64 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Stats = struct("Stats", {
 *   _: HostLayout,
 *   bytes: u64,
 *   ports: array(u16, 8),
 * });
 * const stats = pointer(Stats, new ArrayBuffer(24));
 * stats.bytes += 64n;
 * stats.ports[3] = 443;
 * assertEquals(stats.bytes, 64n);
 * ```
 *
 * @example Annotated, for a package of your own on JSR
 * ```ts
 * import { HostLayout, struct, type StructType, type U32, u32 } from "@hostmem/hostmem";
 *
 * export const Point: StructType<{ _: HostLayout; x: U32; y: U32 }> = struct(
 *   "Point",
 *   { _: HostLayout, x: u32, y: u32 },
 * );
 * ```
 */
export function struct<F extends Fields>(
  name: string,
  fields: F,
  options?: StructOptions,
): StructType<F> {
  return aggregate("struct", name, fields, options) as unknown as StructType<F>;
}
