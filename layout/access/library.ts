/** What generated code, and the closures that stand in for it, call. */

import { BoundsError, NotSupportedError } from "../../errors.ts";
import { isWide } from "./plan.ts";
import { loadBits } from "../leaves/bits.ts";
import { checkValue } from "../leaves/check_value.ts";
import {
  safeFromScratch,
  safeToScratch,
  scratch32,
  scratch64,
  swap16,
  swap32,
  swap64,
} from "../leaves/convert.ts";
import {
  atomics,
  NativeBigInt64Array,
  NativeBigUint64Array,
  NativeFloat32Array,
  NativeFloat64Array,
  NativeInt16Array,
  NativeInt32Array,
  NativeInt8Array,
  NativeUint16Array,
  NativeUint32Array,
  NativeUint8Array,
  sharedBufferLength,
} from "../intrinsics.ts";
import {
  type Lane,
  LANE_SIZE,
  loadUnaligned,
  storeUnaligned,
} from "../region/lanes.ts";
import { storeLeaf } from "../leaves/leaf.ts";
import type { LeafType, Slot } from "../leaves/leaf_type.ts";
import type { PointerClass } from "./private_fields.ts";
import {
  closed,
  recordEnded,
  type Region,
  windowFor,
} from "../region/region.ts";
import { show } from "../../base/show.ts";
import { readText } from "../leaves/text.ts";

// ---------------------------------------------------------------- refusals

/** Added to an offset it throws, which is how a check fails cheaply. */
const bad: unique symbol = Symbol("bad");

/** Throws why a value could not be stored in a field. */
function refuse(error: unknown, slot: Slot, value: unknown): never {
  checkValue(slot.type, value, slot.path);
  throw error;
}

/**
 * An object that throws, when it is added to a number, why the value that
 * `take` gives cannot be stored in a field.
 */
function poison(slot: Slot, take: () => unknown): object {
  return Object.freeze({
    __proto__: null,
    [Symbol.toPrimitive](): never {
      checkValue(slot.type, take(), slot.path);
      throw new TypeError(`Cannot store this value as ${slot.path}`);
    },
  });
}

/** Throws where a value cannot be stored in an atomic. */
function refuseValue(type: LeafType, value: unknown, path: string): void {
  checkValue(type, value, path);
}

/** Throws why there is no element with this index; the error where there is. */
function refuseIndex(
  error: unknown,
  index: unknown,
  length: number,
  path: string,
): never {
  checkIndex(index, length, path);
  throw error;
}

function checkIndex(index: unknown, length: number, path: string): void {
  if (typeof index !== "number" || !Number.isInteger(index)) {
    throw new RangeError(
      `An index of ${path} must be an integer: received ${show(index)}`,
    );
  }
  if (index < 0 || index >= length) {
    throw new BoundsError(
      `Index ${index} is out of bounds: ${path} has ${length} elements`,
    );
  }
}

/** Throws why nothing was found at an index. */
function missing(index: unknown, length: number, path: string): never {
  checkIndex(index, length, path);
  closed();
}

/** The same for an array in a record. */
function missingInRecord(index: unknown, length: number, path: string): never {
  checkIndex(index, length, path);
  recordEnded();
}

/** Throws why a value could not be stored as an element. */
function refuseAt(
  error: unknown,
  type: LeafType,
  value: unknown,
  index: unknown,
  length: number,
  path: string,
): never {
  checkIndex(index, length, path);
  checkValue(type, value, `${path.replace(/\[\]$/, "")}[${index}]`);
  throw error;
}

// ---------------------------------------------------------------- arrays

/** What `TypedArray.prototype.at` makes of an index; -1 outside. */
function relativeIndex(index: unknown, length: number): number {
  const whole = Math.trunc(Number(index)) || 0;
  const absolute = whole < 0 ? whole + length : whole;
  return absolute >= 0 && absolute < length ? absolute : -1;
}

/** What `Array.prototype.slice` makes of its arguments. */
function sliceRange(
  start: unknown,
  end: unknown,
  length: number,
): [number, number] {
  const clamp = (value: unknown, otherwise: number) => {
    if (value === undefined) return otherwise;
    const whole = Math.trunc(Number(value)) || 0;
    return whole < 0 ? Math.max(0, whole + length) : Math.min(whole, length);
  };
  return [clamp(start, 0), clamp(end, length)];
}

/** How many elements both have. */
function shorter(target: unknown, length: number): number {
  if (typeof target !== "object" || target === null) {
    throw new TypeError(
      `Cannot copy to ${show(target)}: must be an array or a typed array`,
    );
  }
  const room = (target as { length?: unknown }).length;
  if (typeof room !== "number") {
    throw new TypeError("Cannot copy to an object without a length");
  }
  return Math.max(0, Math.min(Math.trunc(room) || 0, length));
}

/** How many elements fit the bytes behind an offset. */
function countIn(extent: number, offset: number, stride: number): number {
  return stride === 0 ? 0 : Math.max(0, Math.floor((extent - offset) / stride));
}

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
export const native: Readonly<Record<Lane, MakeNative>> = {
  u8: nativeMaker(NativeUint8Array),
  i8: nativeMaker(NativeInt8Array),
  u16: nativeMaker(NativeUint16Array),
  i16: nativeMaker(NativeInt16Array),
  u32: nativeMaker(NativeUint32Array),
  i32: nativeMaker(NativeInt32Array),
  f32: nativeMaker(NativeFloat32Array),
  f64: nativeMaker(NativeFloat64Array),
  u64: nativeMaker(NativeBigUint64Array),
  i64: nativeMaker(NativeBigInt64Array),
};

/** Makes an object from offsets of the whole region, through a window of it. */
export function windowed(
  made: PointerClass,
  region: Region,
  offset: number,
  size: number,
  ...rest: (number | string)[]
): object {
  const absolute = region.start - region.root.start + offset;
  const window = windowFor(region.root, absolute, size);
  return new made.construct(
    window,
    absolute - (window.start - region.root.start),
    ...rest,
  );
}

/** Makes a flexible array, of the kind that its size calls for. */
export function flexibleArray(
  narrow: PointerClass,
  wide: PointerClass,
  region: Region,
  offset: number,
  extent: number,
  stride: number,
  path: string,
): object {
  const length = countIn(extent, 0, stride);
  const size = length * stride;
  const made = isWide(size) ? wide : narrow;
  return windowed(made, region, offset, size, length, path);
}

// ---------------------------------------------------------------- leaves

/** Checks a value and stores it. */
function checkedStore(
  slot: Slot,
  region: Region,
  offset: number,
  value: unknown,
): void {
  checkValue(slot.type, value, slot.path);
  storeLeaf(slot, region, offset, value);
}

/** A boolean is true for every byte but 0, so any of them may be expected. */
function compareExchangeBool(
  region: Region,
  offset: number,
  expected: boolean,
  replacement: boolean,
): boolean {
  if (region.u8[offset] === undefined) closed(region);
  while (true) {
    const byte = atomics.load(region.u8, offset);
    if ((byte !== 0) !== expected) return !expected;
    const found = atomics.compareExchange(
      region.u8,
      offset,
      byte,
      Number(replacement),
    );
    if (found === byte) return expected;
  }
}

function isShared(region: Region): boolean {
  try {
    sharedBufferLength(region.buffer);
    return true;
  } catch {
    return false;
  }
}

function waitOn(
  region: Region,
  lane: "i32" | "i64",
  index: number,
  expected: number | bigint,
  timeout?: number,
): "ok" | "not-equal" | "timed-out" {
  if (region[lane][index] === undefined) closed(region);
  if (!isShared(region)) {
    throw new NotSupportedError(
      "Cannot wait on memory that no other thread can have: make it with `workers: true`",
    );
  }
  const wait = () =>
    atomics.wait(
      region[lane] as Int32Array,
      index,
      expected as number,
      timeout,
    );
  if (region.sleepers === undefined) return wait();
  const offset = region.start + index * LANE_SIZE[lane];
  const result = region.sleepers.sleep(offset, wait);
  if (result === undefined) {
    region.root.release();
    closed(region);
  }
  return result;
}

function notifyOn(
  region: Region,
  lane: "i32" | "i64",
  index: number,
  count?: number,
): number {
  if (region[lane][index] === undefined) closed(region);
  return atomics.notify(region[lane] as Int32Array, index, count);
}

const { asIntN, asUintN } = BigInt;
const { isSafeInteger } = Number;
const { imul } = Math;

/** The run-time library, by the names that generated code uses. */
export const library = {
  ...atomics,
  asIntN,
  asUintN,
  bad,
  checkedStore,
  closed,
  compareExchangeBool,
  countIn,
  flexibleArray,
  imul,
  isSafeInteger,
  iterator: Symbol.iterator as typeof Symbol.iterator,
  iteratorPrototype: Object.getPrototypeOf(
    Object.getPrototypeOf([][Symbol.iterator]()),
  ) as object,
  loadBits,
  loadUnaligned,
  missing,
  native,
  notifyOn,
  poison,
  readText,
  refuse,
  refuseAt,
  refuseIndex,
  refuseValue,
  relativeIndex,
  safeFromScratch,
  safeToScratch,
  scratch32,
  scratch64,
  shorter,
  sliceRange,
  storeUnaligned,
  swap16,
  swap32,
  swap64,
  waitOn,
  windowed,
  LANE_SIZE,
};

/**
 * What differs for the classes of records, whose code says what has ended
 * without a look at the region: that would make every getter longer.
 */
export const recordLibrary = {
  ...library,
  closed: recordEnded,
  missing: missingInRecord,
};
