/**
 * The objects that are types, and the facts about them that are not public. A
 * look-alike is not among them, whatever properties it has.
 */

import { InvalidTypeError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import type {
  ArrayType,
  Bits,
  IntegerType,
  StructType,
  Type,
  UnionType,
} from "../static.ts";

/** Every type there is, told apart by its kind. */
export type AnyType = Type;

/** One field of a struct or union, with its place. */
export interface Member {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: AnyType;
  /** Its offset in bytes; of a bit-field, that of the byte it begins in. */
  readonly offset: number;
  /** A bit-field's offset in bits; undefined for all else. */
  readonly bit: number | undefined;
}

/** The facts about a struct or union beyond its public properties. */
export interface Aggregate {
  /** Its fields in declaration order; padding included, markers not. */
  readonly members: readonly Member[];
  /** True if it has the HostLayout marker. */
  readonly marked: boolean;
  /** True if it was declared packed. */
  readonly packed: boolean;
}

interface Facts {
  /** The type that `aligned` made this one from; undefined elsewhere. */
  readonly origin: AnyType | undefined;
  /** The alignment given to `aligned`, in bytes. */
  readonly declaredAlign: number | undefined;
  /** The declared unit and width of an unnamed bit-field. */
  readonly unnamed: Bits | undefined;
  /** True if it is `array(T)` without a length. */
  readonly flexible: boolean;
  /** The facts about a struct or union. */
  readonly aggregate: Aggregate | undefined;
  /** The depth of other types nested in it. */
  readonly depth: number;
  /** The alignment that the atomics in it need, in bytes; 1 without any. */
  readonly atomicAlign: number;
  /** The flexible array at its end. */
  readonly tail: FlexibleTail | undefined;
}

/** The flexible array at the end of a type. */
export interface FlexibleTail {
  /** Its offset in bytes. */
  readonly offset: number;
  /** Its type. */
  readonly array: ArrayType;
}

/** The deepest nesting of types: code that walks them recurses no deeper. */
const MOST_DEPTH = 256;

const types = new WeakMap<object, Facts>();

/**
 * The facts of types that have none, which are most: one object for all of
 * them.
 */
const nothing: Facts = {
  origin: undefined,
  declaredAlign: undefined,
  unnamed: undefined,
  flexible: false,
  aggregate: undefined,
  depth: 0,
  atomicAlign: 1,
  tail: undefined,
};

/** Makes an object a type: freezes it and takes it into the registry. */
export function register<T extends Type>(
  type: Omit<T, keyof Type> & Pick<T, "kind" | "name" | "size" | "align">,
  details: Partial<Facts> = {},
): T {
  const made = Object.freeze(type) as unknown as AnyType;
  if (isPlain(made, details)) {
    types.set(made, nothing);
    return made as unknown as T;
  }
  const parts = partsOf(made, details.aggregate);
  const depth = Math.max(0, ...parts.map(({ type }) => depthOf(type) + 1));
  if (depth > MOST_DEPTH) {
    throw new InvalidTypeError(
      `${made.name}: Types must not nest deeper than ${MOST_DEPTH} levels`,
    );
  }
  const atomicAligns = parts.map(({ type }) => atomicAlignOf(type));
  types.set(made, {
    origin: details.origin,
    declaredAlign: details.declaredAlign,
    unnamed: details.unnamed,
    flexible: details.flexible ?? false,
    aggregate: details.aggregate,
    depth,
    atomicAlign: Math.max(details.atomicAlign ?? 1, ...atomicAligns),
    tail: details.flexible
      ? { offset: 0, array: made as ArrayType }
      : made.kind === "array"
      ? undefined
      : tailOf(parts),
  });
  return made as unknown as T;
}

/** Tests whether there is nothing to know of a type but what it is. */
function isPlain(type: AnyType, details: Partial<Facts>): boolean {
  for (const _ in details) return false;
  return type.kind !== "array";
}

/** The types that a type is made of, with their offsets. */
function partsOf(
  type: AnyType,
  aggregate: Aggregate | undefined,
): readonly { readonly type: Type; readonly offset: number }[] {
  if (aggregate !== undefined) return aggregate.members;
  return type.kind === "array" ? [{ type: type.element, offset: 0 }] : [];
}

function tailOf(
  parts: readonly { readonly type: Type; readonly offset: number }[],
): FlexibleTail | undefined {
  for (const { type, offset } of parts) {
    const tail = flexibleTailOf(type);
    if (tail !== undefined) {
      return { offset: offset + tail.offset, array: tail.array };
    }
  }
  return undefined;
}

function factsOf(type: Type): Facts {
  const details = types.get(type);
  if (details === undefined) throw notAType("", type);
  return details;
}

/** Tests whether this is a type made by this module. */
export function isType(value: unknown): value is AnyType {
  return typeof value === "object" && value !== null && types.has(value);
}

/**
 * The type itself, told apart by its kind.
 *
 * @throws {InvalidTypeError} if it is not a type made by this module.
 */
export function requireType(value: unknown, path: string): AnyType {
  if (!isType(value)) throw notAType(path, value);
  return value;
}

/** The type without what `aligned` added: the same one for the same layout. */
export function originOf(type: Type): AnyType {
  return factsOf(type).origin ?? type as AnyType;
}

/** The alignment that `aligned` declared, in bytes. */
export function declaredAlignOf(type: Type): number | undefined {
  return factsOf(type).declaredAlign;
}

/** The bit-field that a type is, named or not; undefined for all else. */
export function bitFieldOf(type: AnyType): Bits | undefined {
  return type.kind === "bits" ? type : factsOf(type).unnamed;
}

/** Tests whether a type can only be a field: it has no address of its own. */
export function isOnlyField(type: AnyType): boolean {
  return type.kind === "bits" || type.kind === "padding" ||
    type.kind === "marker";
}

/** The facts about a struct or union beyond its public properties. */
export function aggregateOf(type: StructType | UnionType): Aggregate {
  return factsOf(type).aggregate!;
}

/** The same type under a larger alignment. */
export function registerAligned(type: AnyType, align: number): AnyType {
  const details = factsOf(type);
  // Not every type has its fields as a property of its own.
  const fields = isAggregate(type) ? { fields: type.fields } : {};
  return register<Type>(
    { ...type, ...fields, align: Math.max(type.align, align) },
    {
      ...details,
      origin: originOf(type),
      declaredAlign: Math.max(details.declaredAlign ?? 1, align),
    },
  ) as AnyType;
}

/** Tests whether a type has fields. */
export function isAggregate(type: Type): type is StructType | UnionType {
  return type.kind === "struct" || type.kind === "union";
}

/** Tests whether this is an integer type of a fixed width. */
export function isInteger(type: AnyType): type is IntegerType {
  switch (type.kind) {
    case "u8":
    case "i8":
    case "u16":
    case "i16":
    case "u32":
    case "i32":
    case "u64":
    case "i64":
      return true;
    default:
      return false;
  }
}

/** Tests whether this is `array(T)` without a length. */
export function isFlexible(type: Type): boolean {
  return factsOf(type).flexible;
}

/** The flexible array at the end of a type; undefined where there is none. */
export function flexibleTailOf(type: Type): FlexibleTail | undefined {
  return factsOf(type).tail;
}

/** The alignment that the atomics in a type need, in bytes; 1 without any. */
export function atomicAlignOf(type: Type): number {
  return factsOf(type).atomicAlign;
}

function depthOf(type: Type): number {
  return factsOf(type).depth;
}

function notAType(path: string, value: unknown): InvalidTypeError {
  const where = path === "" ? "" : `${path}: `;
  return new InvalidTypeError(
    `${where}Expected a type made by this package: received ${show(value)}${
      isLikeType(value)
        ? " like one, maybe of another copy or version of the package: all types must be of one"
        : ""
    }`,
  );
}

/** Tests whether a value has what types have, as those of another copy do. */
function isLikeType(value: unknown): boolean {
  try {
    const { kind, size, align } = value as Partial<Type>;
    return typeof kind === "string" && typeof size === "number" &&
      typeof align === "number";
  } catch {
    // Not an object, or one whose getters throw.
    return false;
  }
}

/** Checks a byte or element count that is part of a type. */
export function checkCount(
  what: string,
  value: unknown,
  least: number,
): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new InvalidTypeError(
      `${what} must be an integer of at least ${least}: received ${
        show(value)
      }`,
    );
  }
}

/** Checks an alignment in bytes. */
export function checkAlign(
  what: string,
  value: unknown,
): asserts value is number {
  checkCount(what, value, 1);
  if (!Number.isInteger(Math.log2(value))) {
    throw new InvalidTypeError(
      `${what} must be a power of two: received ${value}`,
    );
  }
}
