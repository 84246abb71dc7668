/**
 * Types for the part of `@std/assert` that the tests and the documentation's
 * examples use. The npm build behind `mod.js` carries none.
 *
 * @module
 */

/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions);
}

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = new (...args: any[]) => E;

export function assert(value: unknown, message?: string): asserts value;

export function assertFalse(
  value: unknown,
  message?: string,
): asserts value is false | 0 | 0n | "" | null | undefined;

export function assertEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertNotEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T;

export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;

export function assertGreater<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertLess<T>(actual: T, expected: T, message?: string): void;

export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  message?: string,
): void;

export function assertExists<T>(
  actual: T,
  message?: string,
): asserts actual is NonNullable<T>;

export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Constructor<T>,
  message?: string,
): asserts actual is T;

export function assertNotInstanceOf<A, T>(
  actual: A,
  unexpectedType: Constructor<T>,
  message?: string,
): asserts actual is Exclude<A, T>;

export function assertIsError<E extends Error = Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  messageMatches?: string | RegExp,
  message?: string,
): asserts error is E;

export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void;

export function assertNotMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void;

export function assertStringIncludes(
  actual: string,
  expected: string,
  message?: string,
): void;

export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void;

export function assertObjectMatch(
  actual: Record<PropertyKey, unknown>,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void;

export function assertThrows(fn: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): E;

export function assertRejects(
  fn: () => PromiseLike<unknown>,
  message?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;

/** Deep equality, as `assertEquals` decides it. */
export function equal(a: unknown, b: unknown): boolean;

export function fail(message?: string): never;
export function unimplemented(message?: string): never;
export function unreachable(reason?: string): never;
