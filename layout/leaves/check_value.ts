/** What may be stored as a value of each type. */

import { laneOf, type LeafType } from "./leaf_type.ts";
import { show } from "../../base/show.ts";
import { textBytes } from "./text.ts";
import type { IntegerType } from "../types.ts";

/** The least and the largest value of an integer type. */
export function integerRange(
  kind: IntegerType["kind"],
): readonly [number, number] | readonly [bigint, bigint] {
  switch (kind) {
    case "u8":
      return [0, 2 ** 8 - 1];
    case "i8":
      return [-(2 ** 7), 2 ** 7 - 1];
    case "u16":
      return [0, 2 ** 16 - 1];
    case "i16":
      return [-(2 ** 15), 2 ** 15 - 1];
    case "u32":
      return [0, 2 ** 32 - 1];
    case "i32":
      return [-(2 ** 31), 2 ** 31 - 1];
    case "u64":
      return [0n, 2n ** 64n - 1n];
    case "i64":
      return [-(2n ** 63n), 2n ** 63n - 1n];
  }
}

/** The least and the largest value of a bit-field. */
function bitsRange(
  lane: IntegerType["kind"],
  width: number,
): readonly [number, number] | readonly [bigint, bigint] {
  switch (lane) {
    case "u64":
      return [0n, 2n ** BigInt(width) - 1n];
    case "i64":
      return [-(2n ** BigInt(width - 1)), 2n ** BigInt(width - 1) - 1n];
    case "i8":
    case "i16":
    case "i32":
      return [-(2 ** (width - 1)), 2 ** (width - 1) - 1];
    default:
      return [0, 2 ** width - 1];
  }
}

/**
 * Checks that a value can be stored as this type.
 *
 * @throws {TypeError} If it is of the wrong kind.
 * @throws {RangeError} If it does not fit.
 */
export function checkValue(
  type: LeafType,
  value: unknown,
  path: string,
): void {
  switch (type.kind) {
    case "bool":
      return checkKind("boolean", value, path);
    case "f32":
    case "f64":
      return checkKind("number", value, path);
    case "text":
      textBytes(value, type.length, path);
      return;
    case "be16":
      return checkRange(integerRange("u16"), value, path);
    case "be32":
      return checkRange(integerRange("u32"), value, path);
    case "be64":
    case "uintptr":
      return checkRange(integerRange("u64"), value, path);
    case "safe": {
      const least = type.base.kind === "u64" ? 0 : Number.MIN_SAFE_INTEGER;
      return checkRange([least, Number.MAX_SAFE_INTEGER], value, path);
    }
    case "enumeration":
      return checkRange(integerRange(type.base.kind), value, path);
    case "atomic":
      return checkValue(type.base, value, path);
    case "bits":
      if (type.base.kind === "bool") {
        return checkKind("boolean", value, path);
      }
      return checkRange(
        bitsRange(laneOf(type.base) as IntegerType["kind"], type.width),
        value,
        path,
      );
    default:
      return checkRange(integerRange(type.kind), value, path);
  }
}

function checkKind(
  kind: "boolean" | "number" | "bigint",
  value: unknown,
  path: string,
): void {
  const actual = typeof value;
  if (actual !== kind) {
    throw new TypeError(
      `Cannot store ${show(value)} as ${path}: must be a ${kind}`,
    );
  }
}

function checkRange(
  [least, most]: readonly [number | bigint, number | bigint],
  value: unknown,
  path: string,
): void {
  checkKind(typeof least === "bigint" ? "bigint" : "number", value, path);
  const number = value as number | bigint;
  const whole = typeof number === "bigint" || Number.isInteger(number);
  if (!whole || number < least || number > most) {
    throw new RangeError(
      `Cannot store ${show(value)} as ${path}: must be ${
        typeof least === "bigint" ? "a bigint" : "an integer"
      } from ${least} to ${most}`,
    );
  }
}
