/** Bytes and bits that are there but mean nothing. */

import { bitField } from "./bits.ts";
import { checkCount, register } from "../model/types.ts";
import type { Bool, Enumeration, IntegerType, Padding } from "../static.ts";

/** The signatures of {@linkcode padding}. */
export interface PaddingConstructor {
  /**
   * `uint8_t _[size]`: bytes that are not a property.
   *
   * @param size The number of bytes; at least 1.
   * @throws {InvalidTypeError} for any other size.
   */
  (size: number): Padding;
  /**
   * An unnamed bit-field, `uint32_t : width`. A width of 0 ends the unit, as it
   * does in C.
   *
   * @param type The type that it is declared with.
   * @param width Its width in bits.
   * @throws {InvalidTypeError} if there is no such bit-field.
   */
  bits(type: IntegerType | Bool | Enumeration, width: number): Padding;
}

function paddingBytes(size: number): Padding {
  checkCount("The size of padding", size, 1);
  return register<Padding>({
    kind: "padding",
    name: `padding(${size})`,
    size,
    align: 1,
  });
}

function paddingBits(
  type: IntegerType | Bool | Enumeration,
  width: number,
): Padding {
  const unnamed = bitField(type, width, 0);
  return register<Padding>({
    kind: "padding",
    name: `padding.${unnamed.name}`,
    size: unnamed.size,
    align: unnamed.align,
  }, { unnamed });
}

/**
 * Bytes or bits that are part of a struct but no property of its pointers.
 *
 * @example A gap that another program's header has
 * ```ts
 * import { HostLayout, offsetOf, padding, struct, u32, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Header = struct("Header", {
 *   _: HostLayout,
 *   version: u8,
 *   reserved: padding(7),
 *   flags: u32,
 * });
 * assertEquals(offsetOf(Header, "flags"), 8);
 * ```
 */
export const padding: PaddingConstructor = Object.freeze(
  Object.assign(paddingBytes, { bits: paddingBits }),
);
