/**
 * The checks of what callers pass. Lengths above all: the kernel is told where
 * a key and a value lie, and takes their sizes to be the map's.
 */

import { typedArrayLength } from "../layout/intrinsics.ts";
import { show } from "./show.ts";
import { requireBytes, requireDescriptor, requireWhole } from "./arguments.ts";

const { isSafeInteger } = Number;

const U32_MAX = 0xffff_ffff;

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

/** @throws {TypeError} unless it can be given to C: not empty, without NUL. */
export function requireText(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new TypeError(
      `${name} must be a string, not empty and without NUL: current value is ${
        show(value)
      }`,
    );
  }
  return value;
}

/**
 * Where keys may be numbers, what is neither that nor bytes is told so.
 *
 * @throws {TypeError} if a key of 4 bytes is no object, and no number.
 */
export function requireKeyKind(value: unknown, size: number): void {
  if (size !== 4 || typeof value === "number") return;
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(
    `Key must be a number or a Uint8Array: current value is ${show(value)}`,
  );
}

/**
 * @throws {TypeError | RangeError} unless it is a Uint8Array of that length, or
 * of a class that extends it.
 */
export function requireBytesOf(
  name: string,
  value: unknown,
  length: number,
): asserts value is Uint8Array {
  requireBytes(name, value);
  const actual = typedArrayLength(value);
  if (actual !== length) {
    throw new RangeError(
      `${name} must have ${length} bytes: it has ${actual}`,
    );
  }
}

/** @throws {TypeError} unless it can be called. */
export function requireCallback(callback: unknown): void {
  if (typeof callback !== "function") {
    throw new TypeError(
      `Callback must be a function: current value is ${show(callback)}`,
    );
  }
}

/** More records than there are in any ring. */
const LIMIT_MAX = 2 ** 30 - 1;

/** How many records there may be: all where nothing is said. @throws {RangeError} */
export function limitOf(limit: unknown): number {
  if (limit === undefined || limit === Infinity) return LIMIT_MAX;
  requireWhole("Limit", limit, 0);
  return limit < LIMIT_MAX ? limit : LIMIT_MAX;
}

/**
 * The descriptor of a map that a caller gave: of a `BpfMap`, or of whatever has
 * one.
 *
 * @param type What the map must be: its type, for the message.
 * @throws {TypeError | RangeError} if it is no such object.
 * @throws {ClosedError} if the map is closed.
 */
export function mapFd(map: unknown, type: string): number {
  if (typeof map !== "object" || map === null) {
    throw new TypeError(
      `Map must be a BpfMap of type ${type}: current value is ${show(map)}`,
    );
  }
  const { fd } = map as { readonly fd: unknown };
  requireDescriptor(fd);
  return fd;
}
