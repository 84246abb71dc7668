/**
 * Declarations: models from which the same type is written in C and made in the
 * layout language. They are plain data, so that a Worker can be sent them.
 */

/** The integers that bit-fields, enumerations and atomics are made of. */
export const INTEGERS = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "u64",
  "i64",
] as const;

/** All scalars. */
export const SCALARS = [
  ...INTEGERS,
  "bool",
  "f32",
  "f64",
  "uintptr",
  "be16",
  "be32",
  "be64",
  "bei16",
  "bei32",
  "bei64",
  "bef32",
  "bef64",
  "f16",
  "u128",
  "i128",
  "safeU64",
  "safeI64",
] as const;

export type Integer = typeof INTEGERS[number];
export type ScalarName = typeof SCALARS[number];

/** A scalar. */
export interface Scalar {
  kind: "scalar";
  name: ScalarName;
}

/** An enumeration over an integer, with members at both ends of its range. */
export interface Enumeration {
  kind: "enumeration";
  base: Integer;
}

/** `char[length]`, or `char16_t[length]`. */
export interface Text {
  kind: "text";
  /** The size of a code unit in bytes. */
  unit: 1 | 2;
  /** The number of code units. */
  length: number;
}

/** The base of an atomic or a bit-field. */
export type Base = Scalar | Enumeration;

/** `_Atomic T`. */
export interface Atomic {
  kind: "atomic";
  base: Base;
}

/** An array; a flexible one has no length. */
export interface ArrayOf {
  kind: "array";
  element: Model;
  length?: number;
}

/** A type under a larger alignment. */
export interface Aligned {
  kind: "aligned";
  base: Model;
  align: number;
}

/** A bit-field. */
export interface Bits {
  kind: "bits";
  base: Base;
  width: number;
}

/** An unnamed bit-field. */
export interface UnnamedBits {
  kind: "unnamed";
  base: Base;
  width: number;
}

/** Bytes without a meaning. */
export interface Padding {
  kind: "padding";
  size: number;
}

/** A struct or union. */
export interface Aggregate {
  kind: "struct" | "union";
  /** A name that no other aggregate of the declaration has. */
  tag: string;
  fields: Field[];
  packed: boolean;
  align?: number;
  size?: number;
}

/** A type. */
export type Model =
  | Base
  | Text
  | Atomic
  | ArrayOf
  | Aligned
  | Aggregate;

/** One field. */
export interface Field {
  name: string;
  type: Model | Bits | UnnamedBits | Padding;
  /** Its offset in bytes, where it does not follow the one before. */
  offset?: number;
}

/** The number of elements that are stored in a flexible array. */
export const TAIL_LENGTH = 3;

const SCALAR_SIZES: Record<ScalarName, number> = {
  bool: 1,
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  be16: 2,
  bei16: 2,
  f16: 2,
  u32: 4,
  i32: 4,
  be32: 4,
  bei32: 4,
  bef32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  be64: 8,
  bei64: 8,
  bef64: 8,
  u128: 16,
  i128: 16,
  f64: 8,
  uintptr: 8,
  safeU64: 8,
  safeI64: 8,
};

/** The size of an integer, scalar or enumeration in bytes. */
export function sizeOfBase(base: Base): number {
  return SCALAR_SIZES[base.kind === "scalar" ? base.name : base.base];
}

/** The type itself, without what `aligned` adds. */
export function unaligned(
  type: Field["type"],
): Exclude<Field["type"], Aligned> {
  return type.kind === "aligned" ? unaligned(type.base) : type;
}

/** Tests whether a type is a flexible array, or ends in one. */
export function isFlexible(type: Field["type"]): boolean {
  const bare = unaligned(type);
  if (bare.kind === "array") return bare.length === undefined;
  return (bare.kind === "struct" || bare.kind === "union") &&
    bare.fields.some((field) => isFlexible(field.type));
}

/** All structs and unions in a type, inner ones before those around them. */
export function aggregatesIn(type: Field["type"]): Aggregate[] {
  switch (type.kind) {
    case "array":
      return aggregatesIn(type.element);
    case "aligned":
      return aggregatesIn(type.base);
    case "struct":
    case "union":
      return [...type.fields.flatMap(({ type }) => aggregatesIn(type)), type];
    default:
      return [];
  }
}

/**
 * The fields that follow each other from one given offset to the next. Those of
 * one run do not overlap; those of different runs may.
 */
export function runsOf(aggregate: Aggregate): Field[][] {
  const runs: Field[][] = [[]];
  for (const field of aggregate.fields) {
    if (field.offset !== undefined) runs.push([]);
    runs.at(-1)!.push(field);
  }
  return runs.filter((run) => run.length > 0);
}
