/** Sizes, alignments and offsets. */

import { InvalidTypeError } from "../errors.ts";
import { resolve } from "./model/field_path.ts";
import { requireType } from "./model/types.ts";
import type { Path, Type } from "./static.ts";

/**
 * The size of a type in bytes: C's `sizeof`.
 *
 * @param type The type.
 * @throws {InvalidTypeError} if it is not a type made by this package.
 *
 * @example Padding counts, as in C
 * ```ts
 * import { HostLayout, sizeOf, struct, u64, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Entry = struct("Entry", { _: HostLayout, tag: u8, value: u64 });
 * assertEquals(sizeOf(Entry), 16);
 * ```
 */
export function sizeOf(type: Type): number {
  return requireType(type, "sizeOf()").size;
}

/**
 * The alignment of a type in bytes: C's `_Alignof`.
 *
 * @param type The type.
 * @throws {InvalidTypeError} if it is not a type made by this package.
 *
 * @example A struct has the largest alignment of its fields
 * ```ts
 * import { alignOf, HostLayout, struct, u64, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Entry = struct("Entry", { _: HostLayout, tag: u8, value: u64 });
 * assertEquals(alignOf(Entry), 8);
 * ```
 */
export function alignOf(type: Type): number {
  return requireType(type, "alignOf()").align;
}

/**
 * The offset of a field in bytes: C's `offsetof`.
 *
 * @param type A struct or union.
 * @param path The field, with dots between the names of nested ones.
 * @throws {InvalidTypeError} if there is no such field, or it is a bit-field,
 * which has no offset in bytes.
 *
 * @example A nested field
 * ```ts
 * import { HostLayout, offsetOf, struct, u32, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Point = struct("Point", { _: HostLayout, x: u32, y: u32 });
 * const Shape = struct("Shape", { _: HostLayout, kind: u8, at: Point });
 * assertEquals(offsetOf(Shape, "at.y"), 8);
 * ```
 */
export function offsetOf<T extends Type, const P extends string>(
  type: T,
  path: Path<T, P>,
): number {
  const found = resolve(requireType(type, "offsetOf()"), path);
  if (found.bit !== undefined) {
    throw new InvalidTypeError(
      `${type.name}.${path}: A bit-field has no offset in bytes`,
    );
  }
  return found.offset;
}
