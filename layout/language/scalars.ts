/** The scalar types: integers, floats, booleans, and network byte order. */

import { register } from "../model/types.ts";
import type {
  Be16,
  Be32,
  Be64,
  Bef32,
  Bef64,
  Bei16,
  Bei32,
  Bei64,
  Bool,
  F16,
  F32,
  F64,
  I128,
  I16,
  I32,
  I64,
  I8,
  ScalarType,
  Type,
  U128,
  U16,
  U32,
  U64,
  U8,
  Uintptr,
} from "../static.ts";

function scalar<T extends Type & ScalarType<string, unknown>>(
  kind: T["kind"],
  size: number,
): T {
  return register<Type>({
    kind,
    name: kind,
    size,
    align: size,
  }) as T;
}

/** C's `bool`: one byte, true where it is not zero. A boolean. */
export const bool: Bool = scalar("bool", 1);
/** `uint8_t`: a number from 0 to 255. */
export const u8: U8 = scalar("u8", 1);
/** `int8_t`: a number from −128 to 127. */
export const i8: I8 = scalar("i8", 1);
/** `uint16_t`: a number from 0 to 65 535. */
export const u16: U16 = scalar("u16", 2);
/** `int16_t`: a number from −32 768 to 32 767. */
export const i16: I16 = scalar("i16", 2);
/** `uint32_t`: a number from 0 to 2^32 − 1. */
export const u32: U32 = scalar("u32", 4);
/** `int32_t`: a number from −2^31 to 2^31 − 1. */
export const i32: I32 = scalar("i32", 4);
/** `uint64_t`: a bigint from 0 to 2^64 − 1. */
export const u64: U64 = scalar("u64", 8);
/** `int64_t`: a bigint from −2^63 to 2^63 − 1. */
export const i64: I64 = scalar("i64", 8);
/**
 * `unsigned __int128`: a bigint from 0 to 2^128 − 1. No access is that wide: its
 * halves are read and written one after the other, and what another thread or
 * process writes meanwhile may be in one of them alone.
 */
export const u128: U128 = scalar("u128", 16);
/**
 * `__int128`: a bigint from −2^127 to 2^127 − 1, in two halves, see
 * {@linkcode u128}.
 */
export const i128: I128 = scalar("i128", 16);
/**
 * `_Float16`, IEEE 754's binary16: any number, rounded to eleven significant
 * bits when it is stored. A number from 65 520 on is stored as infinity.
 */
export const f16: F16 = scalar("f16", 2);
/** `float`: any number, rounded as `Math.fround` does when it is stored. */
export const f32: F32 = scalar("f32", 4);
/** `double`: any number. */
export const f64: F64 = scalar("f64", 8);
/** `uintptr_t`, or a pointer, as a bigint from 0 to 2^64 − 1. */
export const uintptr: Uintptr = scalar("uintptr", 8);
/** `__be16`, in network byte order: a number in host order. */
export const be16: Be16 = scalar("be16", 2);
/** `__be32`, in network byte order: a number in host order. */
export const be32: Be32 = scalar("be32", 4);
/** `__be64`, in network byte order: a bigint in host order. */
export const be64: Be64 = scalar("be64", 8);
/** An `int16_t` in network byte order: a number in host order. */
export const bei16: Bei16 = scalar("bei16", 2);
/** An `int32_t` in network byte order: a number in host order. */
export const bei32: Bei32 = scalar("bei32", 4);
/** An `int64_t` in network byte order: a bigint in host order. */
export const bei64: Bei64 = scalar("bei64", 8);
/** A `float` in network byte order: any number, rounded by `Math.fround`. */
export const bef32: Bef32 = scalar("bef32", 4);
/** A `double` in network byte order: any number. */
export const bef64: Bef64 = scalar("bef64", 8);
