/**
 * Plans: what lies at each place of a type, and how it is reached. Classes of
 * pointers, and the readers and writers of whole values, are made from them.
 */

import { unitEndsWithin } from "../leaves/bits.ts";
import type { Leaf } from "../leaves/leaf.ts";
import {
  isLeaf,
  isScalar,
  leafAt,
  leafOf,
  type LeafType,
} from "../leaves/leaf_of.ts";
import {
  aggregateOf,
  type AnyType,
  flexibleTailOf,
  isAggregate,
  isFlexible,
} from "../model/types.ts";
import type { Lane } from "../region/lanes.ts";
import { WIDE } from "../region/region.ts";
import type {
  ArrayType,
  AtomicType,
  StructType,
  UnionType,
} from "../static.ts";

/**
 * The mode in which memory is reached: each combination has classes of its own.
 */
export interface AccessMode {
  /** True if values can be stored. */
  readonly writable: boolean;
  /** True if the type lies at a multiple of its alignment. */
  readonly aligned: boolean;
}

/** The mode in which pointers reach memory. */
export const WRITABLE: AccessMode = { writable: true, aligned: true };
/** The mode in which views reach memory. */
export const READABLE: AccessMode = { writable: false, aligned: true };

/** A number for each access mode, below 4. */
export function variantOf({ writable, aligned }: AccessMode): number {
  return Number(writable) | Number(aligned) << 1;
}

/** An array's length: fixed, or what the bytes behind its offset allow. */
export type Length = number | "flexible";

/** A leaf in its place. */
export interface LeafPlace {
  /** Its type. */
  readonly type: LeafType;
  /** The leaf that reads and writes it. */
  readonly leaf: Leaf;
  /** The name that error messages give it: `Stats.bytes`. */
  readonly path: string;
  /**
   * Its offset in bytes from what the pointer points to; of a bit-field, that of
   * its unit or its first byte.
   */
  readonly offset: number;
  /** True if it is certain to be naturally aligned. */
  readonly aligned: boolean;
}

/** The engine's own typed array. */
export interface NativeArray {
  /** The kind of access. */
  readonly kind: "native";
  /** The lane that it is a part of. */
  readonly lane: Lane;
  /** Its offset in bytes. */
  readonly offset: number;
  /** The size of an element in bytes. */
  readonly stride: number;
  /** Its length. */
  readonly length: Length;
}

/** An object of a class of ours. */
export interface OwnObject {
  /** The kind of access. */
  readonly kind: "object";
  /** The type that it points to. */
  readonly type: AnyType;
  /** The mode in which it reaches it. */
  readonly mode: AccessMode;
  /** The name that error messages give it. */
  readonly path: string;
  /** Its offset in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly size: number;
  /** An array's length, undefined for all else. */
  readonly length: Length | undefined;
  /** The size of an array's element in bytes. */
  readonly stride: number;
  /** True if it ends in a flexible array, and must know the bytes it has. */
  readonly isOpenEnded: boolean;
}

/** An access that makes an object. */
export type ObjectAccess = NativeArray | OwnObject;

/** The access to a property or an element. */
export type Access =
  | { readonly kind: "leaf"; readonly place: LeafPlace }
  | ObjectAccess;

/** A named access. */
export interface Property {
  /** The property's name. */
  readonly name: string;
  /** The access to it. */
  readonly access: Access;
}

/** A property per field: structs, unions, and roots of one value. */
export interface StructPlan {
  /** The kind of plan. */
  readonly kind: "struct";
  /** The properties. */
  readonly properties: readonly Property[];
  /** True of a root of one value: its only property is `value`. */
  readonly isValue: boolean;
  /** True if it ends in a flexible array, and must know the bytes it has. */
  readonly isOpenEnded: boolean;
}

/** An array of objects. */
export interface ObjectsPlan {
  /** The kind of plan. */
  readonly kind: "objects";
  /** The access to element 0. */
  readonly element: ObjectAccess;
  /** The size of an element in bytes. */
  readonly stride: number;
  /** True if its elements have fields, which make columns. */
  readonly hasColumns: boolean;
}

/** An array of plain values. */
export interface ElementsPlan {
  /** The kind of plan. */
  readonly kind: "elements";
  /** The place of element 0. */
  readonly place: LeafPlace;
  /** The size of an element in bytes. */
  readonly stride: number;
}

/** The plan of a class. */
export type Plan =
  | StructPlan
  | ObjectsPlan
  | ElementsPlan
  /** Atomic operations. */
  | {
    readonly kind: "atomic";
    readonly type: AtomicType;
    readonly place: LeafPlace;
  }
  /** One field of every struct of an array, at a stride that each column has. */
  | { readonly kind: "column"; readonly place: LeafPlace };

const plans = new WeakMap<AnyType, Map<number, Plan>>();

/** Finds the plan of the class of the pointers to a type. */
export function planOf(type: AnyType, mode: AccessMode): Plan {
  let ofType = plans.get(type);
  if (ofType === undefined) plans.set(type, ofType = new Map());
  const variant = variantOf(mode);
  let plan = ofType.get(variant);
  if (plan === undefined) ofType.set(variant, plan = makePlan(type, mode));
  return plan;
}

function makePlan(type: AnyType, mode: AccessMode): Plan {
  switch (type.kind) {
    case "struct":
    case "union":
      return {
        kind: "struct",
        properties: propertiesOf(type, mode),
        isValue: false,
        isOpenEnded: flexibleTailOf(type) !== undefined,
      };
    case "atomic":
      return {
        kind: "atomic",
        type,
        place: placeOf(type, type.name, 0, true, undefined),
      };
    case "array": {
      const element = type.element as AnyType;
      const access = accessTo(element, `${element.name}[]`, 0, mode);
      return access.kind === "leaf"
        ? { kind: "elements", place: access.place, stride: element.size }
        : {
          kind: "objects",
          element: access,
          stride: element.size,
          hasColumns: isAggregate(element),
        };
    }
    default: {
      const access = accessTo(type, type.name, 0, mode);
      return {
        kind: "struct",
        properties: [{ name: "value", access }],
        isValue: true,
        isOpenEnded: false,
      };
    }
  }
}

/**
 * The arguments behind region and offset that the objects of a type's class are
 * made with, wherever they point: an array's length and name, an atomic's name.
 */
export function constantsOf(
  type: AnyType,
  path: string,
): readonly (number | string)[] {
  switch (type.kind) {
    case "array":
      return [type.length, path];
    case "atomic":
      return [path];
    default:
      return [];
  }
}

/** Tests whether values of this size are reached by division, not by shift. */
export function isWide(size: number): boolean {
  return size >= WIDE;
}

/** The access to a value of a type at an offset. */
export function accessTo(
  type: AnyType,
  path: string,
  offset: number,
  mode: AccessMode,
  bit?: number,
): Access {
  if (type.kind === "array") return arrayAccess(type, path, offset, mode);
  // As in `arrayAccess`: who may not write gets copies.
  if (type.kind === "bytes" && mode.writable) {
    return { kind: "native", lane: "u8", offset, stride: 1, length: type.size };
  }
  if (isScalar(type)) {
    const place = placeOf(type, path, offset, mode.aligned, bit);
    return { kind: "leaf", place };
  }
  return {
    kind: "object",
    type,
    mode,
    path,
    offset,
    size: type.size,
    length: undefined,
    stride: 0,
    isOpenEnded: flexibleTailOf(type) !== undefined,
  };
}

/**
 * Puts a leaf in its place.
 *
 * @param offset Its offset in bytes; of a bit-field, that of its struct.
 * @param bit A bit-field's offset in bits from there.
 */
export function placeOf(
  type: LeafType,
  path: string,
  offset: number,
  aligned: boolean,
  bit: number | undefined,
): LeafPlace {
  const placed = leafAt(type, bit, aligned);
  const { leaf } = placed;
  return { type, leaf, path, offset: offset + placed.offset, aligned };
}

function arrayAccess(
  type: ArrayType,
  path: string,
  offset: number,
  mode: AccessMode,
): Access {
  const element = type.element as AnyType;
  const length = isFlexible(type) ? "flexible" : type.length;
  const leaf = isLeaf(element) ? leafOf(element) : undefined;
  // A typed array can be stored to, whoever holds it. Over memory that is mapped
  // read-only a store ends the process: `writable` here is what prevents that.
  if (mode.writable && mode.aligned && leaf?.isNative) {
    return {
      kind: "native",
      lane: leaf.lane!,
      offset,
      stride: element.size,
      length,
    };
  }
  return {
    kind: "object",
    type,
    mode,
    path,
    offset,
    size: type.size,
    length,
    stride: element.size,
    isOpenEnded: length === "flexible",
  };
}

/** The properties of a struct or union. */
function propertiesOf(
  type: StructType | UnionType,
  mode: AccessMode,
): Property[] {
  return aggregateOf(type).members
    .filter((member) => member.type.kind !== "padding")
    .map(({ name, type: member, offset, bit }) => {
      const path = `${type.name}.${name}`;
      const needed = alignmentOf(member);
      const aligned = mode.aligned && needed <= type.align &&
        (bit === undefined
          ? offset % needed === 0
          : unitEndsWithin(member.size, bit, type.size));
      const start = bit === undefined ? offset : 0;
      return {
        name,
        access: accessTo(member, path, start, { ...mode, aligned }, bit),
      };
    });
}

/**
 * The alignment that offsets need for each access to be whole. Of a leaf it is
 * its own: C may want more of `__int128`, and `aligned` may ask for more.
 */
function alignmentOf(type: AnyType): number {
  if (isLeaf(type)) return leafOf(type).alignment;
  return type.kind === "array"
    ? alignmentOf(type.element as AnyType)
    : type.align;
}
