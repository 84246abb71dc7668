/** The leaf of each type. */

import type {
  ArrayType,
  AtomicType,
  Bytes,
  HostLayoutMarker,
  I128,
  Padding,
  StructType,
  Text,
  Text16,
  Type,
  U128,
  UnionType,
} from "../static.ts";
import { atomicLeaf } from "./atomic.ts";
import {
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
} from "./big_endian.ts";
import { placeBits, type PlacedBits } from "./bits.ts";
import { bool } from "./bool.ts";
import { BytesLeaf } from "./bytes.ts";
import { enumerationLeaf } from "./enumeration.ts";
import { f32, f64 } from "./floats.ts";
import { f16 } from "./half.ts";
import { integers, uintptrLeaf } from "./integers.ts";
import type { LaneLeaf, Leaf } from "./leaf.ts";
import { safeI64, safeU64 } from "./safe.ts";
import { TextLeaf, utf16, utf8 } from "./text.ts";
import { i128, u128 } from "./wide_integers.ts";

/** A type whose value is one JavaScript value. */
export type LeafType = Exclude<
  Type,
  ArrayType | StructType | UnionType | Padding | HostLayoutMarker
>;

type LeafMaker<K> = (type: Extract<LeafType, { readonly kind: K }>) => Leaf;

/** The leaf makers: a new kind takes a line here and a file beside this one. */
const makers: { readonly [K in LeafType["kind"]]: LeafMaker<K> } = {
  bool: () => bool,
  u8: () => integers.u8,
  i8: () => integers.i8,
  u16: () => integers.u16,
  i16: () => integers.i16,
  u32: () => integers.u32,
  i32: () => integers.i32,
  u64: () => integers.u64,
  i64: () => integers.i64,
  u128: () => u128,
  i128: () => i128,
  uintptr: ({ name }) => uintptrLeaf(name),
  f16: () => f16,
  f32: () => f32,
  f64: () => f64,
  be16: () => be16,
  be32: () => be32,
  be64: () => be64,
  bei16: () => bei16,
  bei32: () => bei32,
  bei64: () => bei64,
  bef32: () => bef32,
  bef64: () => bef64,
  safe: ({ base }) => base.kind === "u64" ? safeU64 : safeI64,
  text: ({ length }) => new TextLeaf(utf8(length)),
  text16: ({ length }) => new TextLeaf(utf16(length)),
  bytes: ({ length }) => new BytesLeaf(length),
  enumeration: (type) => enumerationLeaf(integers[type.base.kind], type),
  bits: ({ base, width }) => placeBits(laneLeafOf(base), width, 0, true).leaf,
  atomic: ({ base }) => atomicLeaf(laneLeafOf(base)),
};

const leaves = new WeakMap<Type, Leaf>();

/** Tests whether the values of a type are JavaScript values. */
export function isLeaf(type: Type): type is LeafType {
  return Object.hasOwn(makers, type.kind);
}

/**
 * Tests whether a pointer to a type gives its value: one to an atomic gives
 * operations on it.
 */
export function isScalar(type: Type): type is Exclude<LeafType, AtomicType> {
  return isLeaf(type) && type.kind !== "atomic";
}

/** All there is to know of a leaf; of a bit-field, where its place is no matter. */
export function leafOf(type: LeafType): Leaf {
  let leaf = leaves.get(type);
  if (leaf === undefined) {
    leaf = (makers[type.kind] as LeafMaker<unknown>)(type as never);
    leaves.set(type, leaf);
  }
  return leaf;
}

/**
 * The leaf of a type where it lies, and its offset in bytes from there.
 *
 * @param bit A bit-field's offset in bits; undefined for all else.
 * @param aligned True if it, or its unit, is certain to be aligned.
 */
export function leafAt(
  type: LeafType,
  bit: number | undefined,
  aligned: boolean,
): PlacedBits {
  return type.kind === "bits"
    ? placeBits(laneLeafOf(type.base), type.width, bit!, aligned)
    : { leaf: leafOf(type), offset: 0 };
}

/** The leaf of a type that lies in one lane. */
export function laneLeafOf(
  type: Exclude<LeafType, Text | Text16 | Bytes | U128 | I128>,
): LaneLeaf {
  return leafOf(type) as LaneLeaf;
}
