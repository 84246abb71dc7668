/** The size of values whose type ends in a flexible array. */

import { InvalidTypeError } from "../../errors.ts";
import { checkType } from "./check_type.ts";
import { flexibleTailOf } from "./types.ts";
import type { Type } from "../static.ts";

/**
 * The size of a value in bytes, with a flexible array of a length at its end.
 *
 * @param length The length in elements; undefined where it was not given.
 */
export function sizeWith(type: Type, length: number | undefined): number {
  const tail = flexibleTailOf(type);
  if (tail === undefined || length === undefined) return type.size;
  const size = tail.offset + length * tail.array.element.size;
  return Math.max(size, type.size);
}

/**
 * Checks that a type describes something of a size: a flexible array at its end
 * takes what is left, and nothing of what lies behind.
 *
 * @param what The thing of that size, for the message: `"the map's values"`.
 * @returns The length of the flexible array; undefined without one.
 * @throws {InvalidTypeError} if it cannot be pointed to, or has another size.
 */
export function requireTypeOfSize(
  type: Type,
  what: string,
  expected: number,
): number | undefined {
  checkType(type);
  const { name, size } = type;
  const tail = flexibleTailOf(type);
  if (tail !== undefined && size <= expected) {
    const left = expected - tail.offset;
    const stride = tail.array.element.size;
    return Math.floor(left / stride);
  }
  if (size !== expected) {
    throw new InvalidTypeError(
      `${name}: The type must have the size of ${what}, ${expected} bytes: it has ${size}`,
    );
  }
  return undefined;
}
