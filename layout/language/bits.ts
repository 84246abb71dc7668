/** Bit-fields. */

import { InvalidTypeError } from "../../errors.ts";
import {
  checkCount,
  isInteger,
  register,
  requireType,
} from "../model/types.ts";
import type { Bits, Bool, Enumeration, IntegerType } from "../static.ts";

/**
 * Makes a bit-field.
 *
 * @param least The least width that it may have, in bits.
 * @throws {InvalidTypeError} if there is no such bit-field.
 */
export function bitField(type: unknown, width: number, least: number): Bits {
  const base = checkWidth(type, width, least);
  return register<Bits>({
    kind: "bits",
    name: `bits(${base.name}, ${width})`,
    size: base.size,
    align: base.align,
    base,
    width,
  });
}

/** Checks the declared type and the width of a bit-field. */
function checkWidth(
  type: unknown,
  width: unknown,
  least: number,
): IntegerType | Bool | Enumeration {
  const base = requireType(type, "bits()");
  if (
    !isInteger(base) && base.kind !== "bool" && base.kind !== "enumeration"
  ) {
    throw new InvalidTypeError(
      `A bit-field must be of an integer, bool or enumeration: received ${base.name}`,
    );
  }
  checkCount("The width of a bit-field", width, least);
  const most = base.kind === "bool" ? 1 : base.size * 8;
  if (width > most) {
    throw new InvalidTypeError(
      `A bit-field of ${base.name} is at most ${most} bits wide: received ${width}`,
    );
  }
  return base;
}

/**
 * A bit-field, `uint32_t x : width`, allocated as C does it on this host (System
 * V, little-endian). Its value is that of its type. It can be a field of a
 * struct or union and nothing else: it has no address.
 *
 * Storing one reads and writes the whole unit that it lies in, which is not
 * atomic: a concurrent store to its neighbours can be lost, as in C.
 *
 * @param type An integer, bool or enumeration.
 * @param width Its width in bits; at least 1, at most that of its type.
 * @throws {InvalidTypeError} for any other type or width.
 *
 * @example Flags in one byte
 * ```ts
 * import { bits, HostLayout, pointer, struct, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Flags = struct("Flags", {
 *   _: HostLayout,
 *   version: bits(u8, 4),
 *   length: bits(u8, 4),
 * });
 * const bytes = new Uint8Array([0x45]);
 * const flags = pointer(Flags, bytes);
 * assertEquals([flags.version, flags.length], [5, 4]);
 * flags.length = 15;
 * assertEquals(bytes[0], 0xf5);
 * ```
 */
export function bits<B extends IntegerType | Bool | Enumeration>(
  type: B,
  width: number,
): Bits<B> {
  return bitField(type, width, 1) as unknown as Bits<B>;
}
