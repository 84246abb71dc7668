/**
 * What is to be done at each place of a type: the plan that classes of pointers
 * are made from, whether as generated code or as closures.
 */

import { PrivateWeakMap, variants } from "../intrinsics.ts";
import { unitEndsWithin } from "../leaves/bits.ts";
import type { Lane } from "../region/lanes.ts";
import {
  isLeaf,
  laneOf,
  type LeafType,
  type Slot,
} from "../leaves/leaf_type.ts";
import { WIDE } from "../region/region.ts";
import {
  aggregateOf,
  type AnyType,
  flexibleTailOf,
  isFlexible,
  isInteger,
} from "../model/types.ts";
import type { ArrayType, AtomicType, StructType, UnionType } from "../types.ts";

/** In which way memory is reached: each combination has classes of its own. */
export interface Style {
  /** Whether values can be stored. */
  readonly writable: boolean;
  /** Whether the type lies at a multiple of its alignment. */
  readonly aligned: boolean;
}

/** An array's length: fixed, or what the bytes behind its offset allow. */
export type Length = number | "flexible";

/** What a property or an element is. */
export type Access =
  /** One JavaScript value. */
  | { readonly kind: "leaf"; readonly slot: Slot }
  /** The engine's own typed array. */
  | {
    readonly kind: "native";
    readonly lane: Lane;
    readonly offset: number;
    readonly stride: number;
    readonly length: Length;
  }
  /** An object of a class of ours. */
  | {
    readonly kind: "object";
    readonly type: AnyType;
    readonly style: Style;
    readonly path: string;
    readonly offset: number;
    readonly size: number;
    /** An array's, undefined for all else. */
    readonly length: Length | undefined;
    readonly stride: number;
    /** Whether it ends in a flexible array, and must know the bytes it has. */
    readonly extends: boolean;
  };

/** A named access. */
export interface Property {
  /** The property's name. */
  readonly name: string;
  /** What it is. */
  readonly access: Access;
}

/** What a class does, whichever way it is made. */
export type Plan =
  /** A property per field: structs, unions, and roots of one value. */
  | {
    readonly kind: "record";
    readonly properties: readonly Property[];
    /** Whether it ends in a flexible array, and must know the bytes it has. */
    readonly extends: boolean;
  }
  /** Atomic operations. */
  | { readonly kind: "atomic"; readonly type: AtomicType; readonly slot: Slot }
  /** An array of plain values; the slot is that of element 0. */
  | { readonly kind: "elements"; readonly slot: Slot; readonly stride: number }
  /** An array of objects; the access is that to element 0. */
  | {
    readonly kind: "records";
    readonly element: ObjectAccess;
    readonly stride: number;
    readonly hasColumns: boolean;
  }
  /** One field of every struct of an array, at a stride that each column has. */
  | { readonly kind: "column"; readonly slot: Slot };

/** An access that makes an object. */
export type ObjectAccess = Exclude<Access, { kind: "leaf" }>;

const plans = new PrivateWeakMap<object, Record<number, Plan | undefined>>();

/** What the class of the pointers to a type does. */
export function planOf(type: AnyType, style: Style): Plan {
  let made = plans.get(type);
  if (made === undefined) plans.set(type, made = variants());
  const variant = Number(style.writable) | Number(style.aligned) << 1;
  return made[variant] ??= makePlan(type, style);
}

function makePlan(type: AnyType, style: Style): Plan {
  switch (type.kind) {
    case "struct":
    case "union":
      return {
        kind: "record",
        properties: propertiesOf(type, style),
        extends: flexibleTailOf(type) !== undefined,
      };
    case "atomic": {
      const slot = slotOf(type, type.name, 0, true, undefined);
      return { kind: "atomic", type, slot };
    }
    case "array": {
      const element = type.element as AnyType;
      const name = `${element.name}[]`;
      const access = accessTo(element, name, 0, style);
      return access.kind === "leaf"
        ? { kind: "elements", slot: access.slot, stride: element.size }
        : {
          kind: "records",
          element: access,
          stride: element.size,
          hasColumns: element.kind === "struct" || element.kind === "union",
        };
    }
    default: {
      const access = accessTo(type, type.name, 0, style);
      return {
        kind: "record",
        properties: [{ name: "value", access }],
        extends: false,
      };
    }
  }
}

/** Whether values of this size are reached by division, not by shift. */
export function isWide(size: number): boolean {
  return size >= WIDE;
}

/** Whether an array of this is the engine's own typed array. */
function isNative(element: AnyType): element is LeafType {
  return isInteger(element) || element.kind === "uintptr" ||
    element.kind === "f32" || element.kind === "f64";
}

/** The access to a value of a type at an offset. */
export function accessTo(
  type: AnyType,
  path: string,
  offset: number,
  style: Style,
  bit?: number,
): Access {
  if (type.kind === "array") return arrayAccess(type, path, offset, style);
  if (isLeaf(type) && type.kind !== "atomic") {
    const slot = slotOf(type, path, offset, style.aligned, bit);
    return { kind: "leaf", slot };
  }
  return {
    kind: "object",
    type,
    style,
    path,
    offset,
    size: type.size,
    length: undefined,
    stride: 0,
    extends: flexibleTailOf(type) !== undefined,
  };
}

function slotOf(
  type: LeafType,
  path: string,
  offset: number,
  aligned: boolean,
  bit: number | undefined,
): Slot {
  return { type, path, offset, aligned, bit };
}

function arrayAccess(
  type: ArrayType,
  path: string,
  offset: number,
  style: Style,
): Access {
  const element = type.element as AnyType;
  const length = isFlexible(type) ? "flexible" : type.length;
  if (style.writable && style.aligned && isNative(element)) {
    return {
      kind: "native",
      lane: laneOf(element as Exclude<LeafType, { kind: "text" }>),
      offset,
      stride: element.size,
      length,
    };
  }
  return {
    kind: "object",
    type,
    style,
    path,
    offset,
    size: type.size,
    length,
    stride: element.size,
    extends: length === "flexible",
  };
}

/** The properties of a struct or union. */
function propertiesOf(
  type: StructType | UnionType,
  style: Style,
): Property[] {
  return aggregateOf(type).members
    .filter((member) => member.type.kind !== "padding")
    .map(({ name, type: member, offset, bit }) => {
      const path = `${type.name}.${name}`;
      const aligned = style.aligned &&
        isAlignedAt(member, offset, type.align) &&
        (member.kind !== "bits" || unitEndsWithin(member, bit!, type.size));
      return {
        name,
        access: accessTo(member, path, offset, { ...style, aligned }, bit),
      };
    });
}

/** Whether a value at an offset of an aligned struct is naturally aligned. */
function isAlignedAt(type: AnyType, offset: number, align: number): boolean {
  // A leaf's own size counts: `aligned` can only have raised its alignment.
  const needed = type.kind === "bits"
    ? type.size
    : type.kind === "text"
    ? 1
    : isLeaf(type)
    ? type.size
    : type.align;
  return needed <= align && (type.kind === "bits" || offset % needed === 0);
}
