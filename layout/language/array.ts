/** Arrays of one type. */

import { InvalidTypeError } from "../../errors.ts";
import {
  checkCount,
  flexibleTailOf,
  isOnlyField,
  register,
  requireType,
} from "../model/types.ts";
import type { ArrayType, Type } from "../static.ts";

/**
 * `T[length]`. Without a length, the array is C's flexible array, which can
 * only be the last field of a struct. The length then comes from the bytes that
 * there are, or from the call that makes the pointer.
 *
 * @param element The type of the elements.
 * @param length The number of elements.
 * @throws {InvalidTypeError} if there can be no such array.
 *
 * @example Both kinds
 * ```ts
 * import { array, HostLayout, pointer, struct, u16, u32 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Ports = struct("Ports", {
 *   _: HostLayout,
 *   wellKnown: array(u16, 2),
 *   others: array(u32), // flexible
 * });
 * const ports = pointer(Ports, new ArrayBuffer(16));
 * assertEquals(ports.wellKnown.length, 2);
 * assertEquals(ports.others.length, 3);
 * ```
 */
export function array<E extends Type, N extends number>(
  element: E,
  length: N,
): ArrayType<E, N>;
/** A flexible array: `T[]`, the last field of a struct. */
export function array<E extends Type>(element: E): ArrayType<E>;
export function array(element: unknown, ...rest: unknown[]): ArrayType {
  const type = requireType(element, "array()");
  if (isOnlyField(type)) {
    throw new InvalidTypeError(`There is no array of ${type.name}`);
  }
  if (flexibleTailOf(type) !== undefined) {
    throw new InvalidTypeError(
      `There is no array of ${type.name}: it ends in a flexible array`,
    );
  }
  if (type.size % type.align !== 0) {
    throw new InvalidTypeError(
      `There is no array of ${type.name} aligned to ${type.align} bytes: its size must be a multiple of that and is ${type.size}`,
    );
  }
  const flexible = rest.length === 0;
  const length = flexible ? 0 : rest[0];
  checkCount(`The length of an array of ${type.name}`, length, 0);
  if (!Number.isSafeInteger(type.size * length)) {
    throw new InvalidTypeError(
      `An array of ${length} ${type.name} is larger than 2^53 - 1 bytes`,
    );
  }
  return register<ArrayType>({
    kind: "array",
    name: nameOfArray(type, flexible ? "" : `${length}`),
    size: type.size * length,
    align: type.align,
    element: type,
    length,
  }, { flexible });
}

/** The name of an array. The outer length stands first, as in C: `u8[2][3]`. */
export function nameOfArray(element: Type, length: string): string {
  const inner = element.kind === "array" ? element.name.indexOf("[") : -1;
  return inner < 0
    ? `${element.name}[${length}]`
    : `${element.name.slice(0, inner)}[${length}]${element.name.slice(inner)}`;
}
