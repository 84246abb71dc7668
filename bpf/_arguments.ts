/**
 * The checks of what callers pass. Lengths above all: the kernel is told where
 * a key and a value lie, and takes their sizes to be the map's.
 */

import { typedArrayLength, typedArrayName } from "../layout/_intrinsics.ts";

const { isSafeInteger } = Number;

const U32_MAX = 0xffff_ffff;

/** How a value is shown in a message. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "number":
    case "boolean":
    case "undefined":
      return `${value}`;
    default:
      return value === null ? "null" : `a ${typeof value}`;
  }
}

/** @throws {RangeError} unless it is an integer of 32 bits from `least`. */
export function requireU32(
  name: string,
  value: unknown,
  least: number,
): number {
  if (
    !isSafeInteger(value) || (value as number) < least ||
    (value as number) > U32_MAX
  ) {
    throw new RangeError(
      `${name} must be an integer from ${least} to ${U32_MAX}: current value is ${
        show(value)
      }`,
    );
  }
  return value as number;
}

/** @throws {TypeError | RangeError} unless it is a bigint of 64 bits. */
export function requireU64(name: string, value: unknown): bigint {
  if (typeof value !== "bigint") {
    throw new TypeError(
      `${name} must be a bigint: current value is ${show(value)}`,
    );
  }
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(
      `${name} must have 64 bits and no sign: current value is ${value}`,
    );
  }
  return value;
}

/**
 * `BPF_OBJ_NAME_LEN` of `linux/bpf.h` has room for a NUL; the kernel's
 * `bpf_obj_name_cpy` takes these characters and no others.
 */
const MAP_NAME = /^[A-Za-z0-9_.]{0,15}$/;
const { exec } = RegExp.prototype;

/** @throws {TypeError | RangeError} unless it can name a map. */
export function requireMapName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Map name must be a string: current value is ${show(name)}`,
    );
  }
  if (exec.call(MAP_NAME, name) === null) {
    throw new RangeError(
      `Map name must have at most 15 letters, digits, "_" and ".": current value is ${
        show(name)
      }`,
    );
  }
  return name;
}

/**
 * @throws {TypeError | RangeError} unless it is a Uint8Array of that length, or
 * of a class that extends it.
 */
export function requireBytes(
  name: string,
  value: unknown,
  length: number,
): asserts value is Uint8Array {
  if (typedArrayName(value) !== "Uint8Array") {
    throw new TypeError(
      `${name} must be a Uint8Array: current value is ${show(value)}`,
    );
  }
  const actual = typedArrayLength(value as Uint8Array);
  if (actual !== length) {
    throw new RangeError(
      `${name} must have ${length} bytes: it has ${actual}`,
    );
  }
}
