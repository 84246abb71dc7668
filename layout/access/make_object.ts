/** Makers of the properties and elements that are objects. */

import { type Part, part } from "../../base/specialise.ts";
import type { AnyType } from "../model/types.ts";
import { closed, type Region, windowFor } from "../region/region.ts";
import { type Lane, LANE_ARRAY } from "../region/lanes.ts";
import { countIn } from "./indices.ts";
import {
  type AccessMode,
  constantsOf,
  isWide,
  type NativeArray,
  type ObjectAccess,
  type OwnObject,
} from "./plan.ts";
import type { Construct, PointerClass } from "./private_fields.ts";

/** Finds the class of a type's pointers. */
export type ClassOf = (
  type: AnyType,
  mode: AccessMode,
  wide?: boolean,
) => PointerClass;

/**
 * Makes an object at an offset of a region.
 *
 * @param extent The bytes there are from there on, for a flexible array.
 */
export type MakeObject = (
  region: Region,
  offset: number,
  extent: number,
) => object;

type MakeNative = (region: Region, offset: number, length: number) => object;
type NativeConstructor = new (
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
) => object;

function nativeMaker(Native: NativeConstructor): MakeNative {
  return (region, offset, length) => {
    // Shared memory cannot be detached: its buffer would still be there.
    if (region.closed) closed(region);
    return new Native(region.buffer, region.start + offset, length);
  };
}

/** Makes the engine's typed arrays over a stretch of a region. */
export const native: Readonly<Record<Lane, MakeNative>> = Object.fromEntries(
  Object.entries(LANE_ARRAY).map(([lane, Native]) => [
    lane,
    nativeMaker(Native),
  ]),
) as Record<Lane, MakeNative>;

/** Makes an object from offsets of the whole region, through a window of it. */
function windowed(
  construct: Construct,
  region: Region,
  offset: number,
  size: number,
  ...rest: (number | string)[]
): object {
  const absolute = region.start - region.root.start + offset;
  const window = windowFor(region.root, absolute, size);
  return new construct(
    window,
    absolute - (window.start - region.root.start),
    ...rest,
  );
}

/** Makes a flexible array, of the class that its size calls for. */
export function flexibleArray(
  narrow: Construct,
  wide: Construct,
  region: Region,
  offset: number,
  extent: number,
  stride: number,
  path: string,
): object {
  const length = countIn(extent, stride);
  const size = length * stride;
  const construct = isWide(size) ? wide : narrow;
  return windowed(construct, region, offset, size, length, path);
}

function fixedNative(make: MakeNative, length: number): MakeObject {
  return (r, o) => make(r, o, length);
}

function flexibleNative(
  make: MakeNative,
  count: typeof countIn,
  stride: number,
): MakeObject {
  return (r, o, x) => make(r, o, count(x, stride));
}

function flexibleObjects(
  make: typeof flexibleArray,
  narrow: Construct,
  wide: Construct,
  stride: number,
  path: string,
): MakeObject {
  return (r, o, x) => make(narrow, wide, r, o, x, stride, path);
}

function plainObject(Class: Construct): MakeObject {
  return (r, o) => new Class(r, o);
}

function openEndedObject(Class: Construct): MakeObject {
  return (r, o, x) => new Class(r, o, x);
}

function namedObject(Class: Construct, path: string): MakeObject {
  return (r, o) => new Class(r, o, path);
}

function arrayObject(
  Class: Construct,
  length: number,
  path: string,
): MakeObject {
  return (r, o) => new Class(r, o, length, path);
}

/** From offsets of the whole region to one of its windows. */
function windowedObject(
  make: typeof windowed,
  construct: Construct,
  { size, isOpenEnded }: OwnObject,
  constants: readonly (number | string)[],
): MakeObject {
  return (r, o, x) =>
    isOpenEnded
      ? make(construct, r, o, size, x)
      : make(construct, r, o, size, ...constants);
}

/**
 * Makes the function that makes the objects of an access.
 *
 * @param wide True if the offsets are those of the whole region.
 */
export function objectMaker(
  access: ObjectAccess,
  wide: boolean,
  classOf: ClassOf,
): Part<MakeObject> {
  if (access.kind === "native") return nativeArrayMaker(access);
  const { type, mode, length, stride, path } = access;
  const { construct } = classOf(type, mode);
  if (length === "flexible") {
    const other = classOf(type, mode, true).construct;
    return part(flexibleObjects, flexibleArray, construct, other, stride, path);
  }
  if (wide && !isWide(access.size)) {
    const constants = constantsOf(type, path);
    return part(windowedObject, windowed, construct, access, constants);
  }
  if (length !== undefined) return part(arrayObject, construct, length, path);
  if (type.kind === "atomic") return part(namedObject, construct, path);
  return part(access.isOpenEnded ? openEndedObject : plainObject, construct);
}

function nativeArrayMaker(
  { lane, length, stride }: NativeArray,
): Part<MakeObject> {
  return length === "flexible"
    ? part(flexibleNative, native[lane], countIn, stride)
    : part(fixedNative, native[lane], length);
}
