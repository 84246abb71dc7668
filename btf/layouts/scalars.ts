/** Integers, floats and enumerations of BTF in the layout language. */

import { array } from "../../layout/language/array.ts";
import { enumeration } from "../../layout/language/enumeration.ts";
import {
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bool,
  f16,
  f32,
  f64,
  i128,
  i16,
  i32,
  i64,
  i8,
  u128,
  u16,
  u32,
  u64,
  u8,
} from "../../layout/language/scalars.ts";
import type {
  ArrayType,
  Bool,
  Enumeration,
  IntegerType,
  Type,
} from "../../layout/static.ts";
import type {
  BtfEnum,
  BtfEnum64,
  BtfFloat,
  BtfInt,
  BtfModifier,
} from "../types.ts";

/** The name of anonymous types. */
export const ANONYMOUS = "(anonymous)";

/** The integer of a size in bytes and a sign; undefined where there is none. */
function integerOf(size: number, signed: boolean): IntegerType | undefined {
  switch (size) {
    case 1:
      return signed ? i8 : u8;
    case 2:
      return signed ? i16 : u16;
    case 4:
      return signed ? i32 : u32;
    case 8:
      return signed ? i64 : u64;
    default:
      return undefined;
  }
}

/** Bytes for what the language has no type for: `long double`. */
export function bytesOf(size: number): ArrayType {
  return array(u8, size) as unknown as ArrayType;
}

/** True if plain `char` has a sign on this host. */
const charIsSigned =
  (globalThis as { Deno?: { build?: { arch?: string } } }).Deno?.build?.arch !==
    "aarch64";

/** GCC's debug information, by way of pahole, has no sign for these. */
function isSigned({ name, signed }: BtfInt): boolean {
  return signed || name === "signed char" || (name === "char" && charIsSigned);
}

/**
 * True for C's `char`, whose arrays are text. The name alone tells: gcc marks
 * `unsigned char`, too, as characters, and clang marks none.
 */
export function isCharacter(type: BtfInt): boolean {
  return type.size === 1 && type.name === "char";
}

/** The scalar that a bit-field of an integer is of; undefined for none. */
export function integerLike(type: BtfInt): IntegerType | Bool | undefined {
  if (type.bool && type.size === 1) return bool;
  return integerOf(type.size, isSigned(type));
}

const BIG_ENDIAN: Readonly<Record<string, Type>> = {
  __be16: be16,
  __be32: be32,
  __be64: be64,
  // The names that `TypeWriter` gives what C has no name for.
  bei16,
  bei32,
  bei64,
  bef32,
  bef64,
};

/** The type in network byte order that a typedef names; undefined for none. */
function bigEndianBy(
  typedefs: readonly BtfModifier[],
  size: number,
): Type | undefined {
  for (const { name } of typedefs) {
    if (!Object.hasOwn(BIG_ENDIAN, name)) continue;
    const found = BIG_ENDIAN[name]!;
    if (found.size === size) return found;
  }
  return undefined;
}

/** An integer, in network byte order where a typedef on the way says so. */
export function layoutOfInt(
  type: BtfInt,
  typedefs: readonly BtfModifier[],
): Type {
  const found = bigEndianBy(typedefs, type.size);
  if (found !== undefined) return found;
  if (FLOATING.test(type.name)) return layoutOfFloat(type, typedefs);
  if (type.size === 16) return type.signed ? i128 : u128;
  return integerLike(type) ?? bytesOf(type.size);
}

/**
 * The floating types of C and Rust, by their names: `pahole -J` writes them as
 * integers, unless it is told `--btf_gen_floats`.
 */
const FLOATING =
  /^(complex )?(float|double|long double|_Float\d+x?|__bf16|f(16|32|64|128))$/;

/** The floating types whose bytes are not those of one number of IEEE 754. */
const COMPOSED = /^complex |^__bf16$/;

/** A floating-point number, in network byte order where a typedef says so. */
export function layoutOfFloat(
  { name, size }: BtfFloat | BtfInt,
  typedefs: readonly BtfModifier[],
): Type {
  const found = bigEndianBy(typedefs, size);
  if (found !== undefined) return found;
  if (COMPOSED.test(name)) return bytesOf(size);
  switch (size) {
    case 2:
      return f16;
    case 4:
      return f32;
    case 8:
      return f64;
    default:
      return bytesOf(size);
  }
}

/** An enumeration, or bytes where no integer is as large as it. */
export function layoutOfEnum(
  type: BtfEnum | BtfEnum64,
  name: string,
): Enumeration | ArrayType {
  const base = integerOf(type.size, type.signed);
  if (base === undefined) return bytesOf(type.size);
  // Compilers from before ENUM64 cut the values of large ones to 32 bits: no
  // name is better than a wrong one.
  const members = type.kind === "enum" && type.size === 8 ? [] : type.members;
  return enumeration(
    name,
    Object.fromEntries(
      members.map((member) => [
        member.name,
        wrap(member.value, type.size, type.signed),
      ]),
    ),
    base,
  ) as unknown as Enumeration;
}

/** A value as it is in so many bytes. */
function wrap(
  value: number | bigint,
  size: number,
  signed: boolean,
): number | bigint {
  const wide = BigInt(value);
  const bits = size * 8;
  const cut = signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide);
  return size === 8 ? cut : Number(cut);
}
