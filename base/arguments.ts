/**
 * The checks of what callers pass. Every number is checked here, before it is
 * used: what the foreign function interface gets it does not check.
 */

import { isBytes, isDetached, lengthOf } from "./bytes.ts";
import { BoundsError } from "../errors.ts";
import { show } from "./show.ts";

const U32_MAX = 0xffff_ffff;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Every option of an options type, so that a misspelt one can be told. */
export type OptionNames<Options> = Readonly<
  Record<keyof Options & string, true>
>;

/**
 * Checks that options are an object, and that it has none but the known ones.
 *
 * @param known The options that there are.
 * @throws {TypeError} if they are no object, or one of them is not known.
 */
export function requireOptions(
  options: unknown,
  known?: Readonly<Record<string, true>>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Options must be an object: received ${show(options)}`);
  }
  // It has no properties of its own, so that it would pass, and end nothing.
  if (options instanceof AbortSignal) {
    throw new TypeError(
      "Options must be an object: received an AbortSignal, which is to be a property of it: { signal }",
    );
  }
  if (known === undefined) return;
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new TypeError(
      `There is no option ${show(name)}: the options are ${
        Object.keys(known).join(", ")
      }`,
    );
  }
}

/**
 * An option that is on or off, and off where it is not given.
 *
 * @throws {TypeError} if it is anything else.
 */
export function requireFlag(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Option ${name} must be a boolean: received ${show(value)}`,
    );
  }
  return value;
}

/** @throws {RangeError} unless it can be a descriptor's number. */
export function requireDescriptor(fd: unknown): asserts fd is number {
  if (!Number.isSafeInteger(fd) || ((fd as number) | 0) !== fd) {
    throw new RangeError(
      `Descriptor must be a 32-bit integer: received ${show(fd)}`,
    );
  }
}

/**
 * @param name The name of the value in error messages.
 * @param least The smallest that it may be.
 * @throws {RangeError} unless it is a whole number from there.
 */
export function requireWhole(
  name: string,
  value: unknown,
  least: number,
): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new RangeError(
      `${name} must be a whole number from ${least}: received ${show(value)}`,
    );
  }
}

/**
 * The largest number that an option asks for; Infinity where it asks for all.
 *
 * @throws {RangeError} unless it is undefined, Infinity or a whole number from 0.
 */
export function limitOf(limit: unknown): number {
  if (limit === undefined || limit === Infinity) return Infinity;
  requireWhole("Limit", limit, 0);
  return limit;
}

/**
 * @param name The name of the value in error messages.
 * @throws {RangeError} unless it is a whole number of bytes from 0.
 */
export function requireByteCount(
  name: string,
  value: unknown,
): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new RangeError(
      `${name} must be a whole number of bytes from 0: received ${show(value)}`,
    );
  }
}

/** @throws {RangeError} unless it is a whole number of bytes from 0. */
export function requireOffset(offset: unknown): asserts offset is number {
  requireByteCount("Offset", offset);
}

/** @throws {BoundsError} unless a range of bytes lies within memory. */
export function requireWithin(
  offset: number,
  length: number,
  size: number,
): void {
  if (offset + length > size) {
    throw new BoundsError(
      `${length} bytes at offset ${offset} exceed the mapping of ${size} bytes`,
    );
  }
}

/**
 * @throws {TypeError} unless it is a Uint8Array, or of a class that extends it,
 * whose buffer was not transferred.
 */
export function requireBytes(
  name: string,
  value: unknown,
): asserts value is Uint8Array {
  requireKind(name, value);
  if (lengthOf(value) === 0 && isDetached(value.buffer)) {
    throw new TypeError(
      `${name} must be a Uint8Array: received one whose buffer is detached`,
    );
  }
}

function requireKind(
  name: string,
  value: unknown,
): asserts value is Uint8Array {
  if (!isBytes(value)) {
    throw new TypeError(
      `${name} must be a Uint8Array: received ${show(value)}`,
    );
  }
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
  requireKind(name, value);
  const actual = lengthOf(value);
  if (actual !== length) {
    throw new RangeError(`${name} must have ${length} bytes: it has ${actual}`);
  }
}

/** @throws {RangeError} unless it is an integer of 32 bits, at least `least`. */
export function requireU32(
  name: string,
  value: unknown,
  least: number,
): number {
  if (
    !Number.isSafeInteger(value) || (value as number) < least ||
    (value as number) > U32_MAX
  ) {
    throw new RangeError(
      `${name} must be an integer from ${least} to ${U32_MAX}: received ${
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
      `${name} must be a bigint: received ${show(value)}`,
    );
  }
  if (value < 0n || value > U64_MAX) {
    throw new RangeError(
      `${name} must have 64 bits and no sign: received ${value}`,
    );
  }
  return value;
}

/** @throws {TypeError} unless it can be given to C: not empty, without NUL. */
export function requireText(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new TypeError(
      `${name} must be a string, not empty and without NUL: received ${
        show(value)
      }`,
    );
  }
  return value;
}

/** @throws {TypeError} unless it can be called. */
export function requireCallback(callback: unknown): void {
  if (typeof callback !== "function") {
    throw new TypeError(
      `Callback must be a function: received ${show(callback)}`,
    );
  }
}

/**
 * @param result The result of a callback.
 * @param reason The reason why the callback must have done all when it returns.
 * @throws {TypeError} if it is a promise, as an `async` callback returns.
 */
export function refusePromise(result: unknown, reason: string): void {
  if (typeof result !== "object" || result === null) return;
  if (typeof (result as { then?: unknown }).then !== "function") return;
  // Its own failure would end the program besides.
  Promise.resolve(result).catch(() => {});
  throw new TypeError(`Callback must not return a promise: ${reason}`);
}
