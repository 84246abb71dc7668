/** Bytes of a key or a value that the plain data read of it does not tell. */

import { paddingClearer } from "../../../layout/model/clear_padding.ts";
import {
  aggregateOf,
  type AnyType,
  flexibleTailOf,
} from "../../../layout/model/types.ts";

/** True if the value that begins there has bytes that its plain data lacks. */
export type HasUntold = (bytes: Uint8Array, offset: number) => boolean;

/**
 * Tells whether values of a type have bytes that their plain data lacks: padding
 * that is not zero, what follows the NUL of a text, the payload of a NaN, a
 * boolean that is neither 0 nor 1. Undefined where no value of the type can.
 *
 * @param size The size of a value in bytes, with its flexible array.
 */
export function untoldIn(type: AnyType, size: number): HasUntold | undefined {
  const checks = [
    paddingCheck(type, size),
    leafCheck(type),
    tailCheck(type, size),
  ]
    .filter((check) => check !== undefined);
  if (checks.length === 0) return undefined;
  return (bytes, offset) => checks.some((check) => check(bytes, offset));
}

function paddingCheck(type: AnyType, size: number): HasUntold | undefined {
  const clear = paddingClearer(type);
  if (clear === undefined) return undefined;
  // The padding is where ones do not stay.
  const kept = new Uint8Array(size).fill(255);
  clear(kept, 0);
  const places = [...kept.keys()].filter((index) => kept[index] !== 255);
  return (bytes, offset) =>
    places.some((index) => (bytes[offset + index]! & ~kept[index]!) !== 0);
}

/** Checks what is of a fixed size. */
function leafCheck(type: AnyType): HasUntold | undefined {
  switch (type.kind) {
    case "text":
      return (bytes, offset) => hasTail(bytes, offset, type.size, 1);
    case "text16":
      return (bytes, offset) => hasTail(bytes, offset, type.size, 2);
    case "bool":
      return (bytes, offset) => bytes[offset]! > 1;
    case "f16":
    case "f32":
    case "f64":
      return (bytes, offset) => isNan(bytes, offset, type.size);
    case "bef32":
    case "bef64":
      return (bytes, offset) => {
        const end = offset + type.size;
        return isNan(bytes.slice(offset, end).reverse(), 0, type.size);
      };
    case "atomic":
      return leafCheck(type.base as AnyType);
    case "array":
      return elementsCheck(type.element as AnyType, type.length);
    case "struct":
    case "union":
      return membersCheck(
        aggregateOf(type).members.flatMap(({ type, offset }) => {
          const check = leafCheck(type);
          return check === undefined ? [] : [{ check, offset }];
        }),
      );
    default:
      return undefined;
  }
}

function membersCheck(
  members: readonly { readonly check: HasUntold; readonly offset: number }[],
): HasUntold | undefined {
  if (members.length === 0) return undefined;
  return (bytes, at) =>
    members.some(({ check, offset }) => check(bytes, at + offset));
}

function elementsCheck(
  element: AnyType,
  length: number,
): HasUntold | undefined {
  const check = untoldIn(element, element.size);
  if (check === undefined || length === 0) return undefined;
  return (bytes, offset) => {
    for (let index = 0; index < length; index++) {
      if (check(bytes, offset + index * element.size)) return true;
    }
    return false;
  };
}

/** Checks a flexible array, and the bytes behind it that make no element. */
function tailCheck(type: AnyType, size: number): HasUntold | undefined {
  const tail = flexibleTailOf(type);
  if (tail === undefined) return undefined;
  const element = tail.array.element as AnyType;
  const length = Math.floor((size - tail.offset) / element.size);
  const end = tail.offset + length * element.size;
  const elements = elementsCheck(element, length);
  return (bytes, offset) =>
    elements?.(bytes, offset + tail.offset) === true ||
    bytes.subarray(offset + end, offset + size).some((byte) => byte !== 0);
}

/** Tests whether something but zeros follows the NUL of a text. */
function hasTail(
  bytes: Uint8Array,
  offset: number,
  size: number,
  unit: number,
): boolean {
  let ended = false;
  for (let index = offset; index < offset + size; index += unit) {
    const isNul = bytes[index] === 0 && bytes[index + unit - 1] === 0;
    if (isNul) ended = true;
    else if (ended) return true;
  }
  return false;
}

/** The bits of the exponent in the upper two bytes, by the size in bytes. */
const EXPONENTS: Readonly<Record<number, number>> = {
  2: 0x7c00,
  4: 0x7f80,
  8: 0x7ff0,
};

/** Tests whether a little-endian number of IEEE 754 is none. */
function isNan(bytes: Uint8Array, offset: number, size: number): boolean {
  const exponent = EXPONENTS[size]!;
  const end = offset + size;
  const top = bytes[end - 1]! << 8 | bytes[end - 2]!;
  if ((top & exponent) !== exponent) return false;
  return (top & 0x7fff & ~exponent) !== 0 ||
    bytes.subarray(offset, end - 2).some((byte) => byte !== 0);
}
