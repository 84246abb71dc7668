/** The classes of pointers and views, and the keys to their private fields. */

import type { AccessMode, LeafPlace } from "./plan.ts";
import type { Region } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";

/** Reads the private fields of the objects of one class. */
export interface Keys {
  /** Tests whether this object is of the class. */
  owns(object: object): boolean;
  /** Its region. */
  region(object: object): Region;
  /** Its offset in the region, in bytes. */
  offset(object: object): number;
  /** The bytes that there are for a struct that ends in a flexible array. */
  readonly extent?: (object: object) => number;
  /** The length of an array, in elements. */
  readonly length?: (object: object) => number;
  /** The name that error messages give an array or an atomic. */
  readonly path?: (object: object) => string;
  /** The distance between the values of a column, in bytes. */
  readonly stride?: (object: object) => number;
  /** Points an object elsewhere in its region. For moving classes alone. */
  readonly move: Move;
  /** Points an object into another region. For moving classes alone. */
  enter(object: object, region: Region): void;
}

/**
 * Points an object elsewhere in its region.
 *
 * @param offset The offset in the region, in bytes.
 * @param extent The bytes there are from there on, for a flexible array.
 */
export type Move = (object: object, offset: number, extent: number) => void;

/**
 * Makes an object from the values of its private fields, in the class's order.
 * Nobody but this room has it: prototypes do not name it.
 */
export interface Construct {
  new (
    region: Region,
    offset: number,
    ...rest: (number | string)[]
  ): object;
  readonly prototype: object;
  /** The functions that read the private fields. */
  readonly keys: Keys;
}

/** The class of the pointers, or views, to one type. */
export interface PointerClass {
  /** The type; for arrays, any of those with the same elements. */
  readonly type: AnyType;
  /** The access mode of the memory. */
  readonly mode: AccessMode;
  /** True if its region is the whole one and offsets may be beyond 31 bits. */
  readonly wide: boolean;
  /** Makes an object of the class. */
  readonly construct: Construct;
  /** The value at each place of a column. */
  readonly place: LeafPlace | undefined;
}

/** An object of one of our classes, with its class. */
export interface Located {
  /** Its class. */
  readonly pointerClass: PointerClass;
  /** Its region. */
  readonly region: Region;
  /** Its offset in the region, in bytes. */
  readonly offset: number;
  /** The whole region. */
  readonly root: Region;
  /** Its offset in the whole region, in bytes. */
  readonly absolute: number;
  /** An array's length in elements; 0 for all else. */
  readonly length: number;
  /** The name that error messages give an array or an atomic; else empty. */
  readonly path: string;
  /** The distance between the values of a column, in bytes; 0 for all else. */
  readonly stride: number;
  /** The bytes there are for a struct with a flexible array; else 0. */
  readonly extent: number;
}

const classes = new WeakMap<object, PointerClass>();

/** Makes the objects of a class known to {@linkcode whereIs}. */
export function remember(pointerClass: PointerClass): void {
  classes.set(pointerClass.construct.prototype, pointerClass);
}

/**
 * Finds the region and offset of a pointer, view, array or atomic; undefined
 * for all else.
 */
export function whereIs(value: unknown): Located | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const pointerClass = prototype === null ? undefined : classes.get(prototype);
  const keys = pointerClass?.construct.keys;
  // An object whose prototype was set to ours has none of the fields.
  if (keys === undefined || !keys.owns(value)) return undefined;
  const region = keys.region(value);
  const offset = keys.offset(value);
  return {
    pointerClass: pointerClass!,
    region,
    offset,
    root: region.root,
    absolute: region.start - region.root.start + offset,
    length: keys.length?.(value) ?? 0,
    path: keys.path?.(value) ?? "",
    stride: keys.stride?.(value) ?? 0,
    extent: keys.extent?.(value) ?? 0,
  };
}

/**
 * The name that error messages give an object. Arrays of all lengths share a
 * class, whose type is one of theirs, so that theirs is the path.
 */
export function titleOf({ path, pointerClass }: Located): string {
  return path === "" ? pointerClass.type.name : path;
}
