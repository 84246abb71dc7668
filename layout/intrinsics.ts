/**
 * The engine's own functions, captured when this module loads.
 *
 * A typed array over memory that the kernel mapped read-only must never reach
 * code that we did not write: one store through it kills the process. Calling
 * `array.set(…)` or `Atomics.load(array, …)` looks the function up at the call,
 * where a program may have put its own; what is captured here it cannot
 * replace. For the same reason nothing here goes through `Symbol.species`.
 */

// deno-lint-ignore no-explicit-any
type Method = (this: any, ...args: any[]) => any;

const { bind, call } = Function.prototype;

/** Turns a method into a function whose first argument is its receiver. */
export const uncurry = bind.bind(call) as <F extends Method>(
  method: F,
) => (self: ThisParameterType<F>, ...args: Parameters<F>) => ReturnType<F>;

function getterOf(
  prototype: object,
  name: string | symbol,
): (self: unknown) => unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (get === undefined) throw new Error(`No getter ${String(name)}`);
  return uncurry(get as Method);
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** `"Uint8Array"` and so on; undefined for all that is not a typed array. */
export const typedArrayName = getterOf(typedArray, Symbol.toStringTag) as (
  value: unknown,
) => string | undefined;
/** The length of a typed array in elements, 0 when detached. */
export const typedArrayLength = getterOf(typedArray, "length") as (
  array: ArrayBufferView,
) => number;
/** The buffer of a typed array. */
export const typedArrayBuffer = getterOf(typedArray, "buffer") as (
  array: ArrayBufferView,
) => ArrayBufferLike;
/** The byte offset of a typed array in its buffer. */
export const typedArrayOffset = getterOf(typedArray, "byteOffset") as (
  array: ArrayBufferView,
) => number;
/** `target.set(source, offset)`: moves bytes, overlapping or not. */
export const typedArraySet = uncurry(
  Uint8Array.prototype.set as (
    this: ArrayBufferView,
    source: ArrayLike<number>,
    offset?: number,
  ) => void,
);
/** `array.fill(value, start, end)`. */
export const typedArrayFill = uncurry(
  Uint8Array.prototype.fill as (
    this: Uint8Array,
    value: number,
    start?: number,
    end?: number,
  ) => Uint8Array,
);

/** The buffer of a DataView. */
export const dataViewBuffer = getterOf(DataView.prototype, "buffer") as (
  view: ArrayBufferView,
) => ArrayBufferLike;
/** The byte offset of a DataView; throws when detached. */
export const dataViewOffset = getterOf(DataView.prototype, "byteOffset") as (
  view: ArrayBufferView,
) => number;
/** The byte length of a DataView; throws when detached. */
export const dataViewLength = getterOf(DataView.prototype, "byteLength") as (
  view: ArrayBufferView,
) => number;

/** The byte length of an ArrayBuffer; throws for all else. */
export const arrayBufferLength = getterOf(
  ArrayBuffer.prototype,
  "byteLength",
) as (buffer: unknown) => number;
/** Whether an ArrayBuffer is detached; throws for all else. */
export const arrayBufferDetached = getterOf(
  ArrayBuffer.prototype,
  "detached",
) as (buffer: unknown) => boolean;
/** Whether an ArrayBuffer can be resized; throws for all else. */
export const arrayBufferResizable = getterOf(
  ArrayBuffer.prototype,
  "resizable",
) as (buffer: unknown) => boolean;
/** The byte length of a SharedArrayBuffer; throws for all else. */
export const sharedBufferLength = getterOf(
  SharedArrayBuffer.prototype,
  "byteLength",
) as (buffer: unknown) => number;
/** Whether a SharedArrayBuffer can grow; throws for all else. */
export const sharedBufferGrowable = getterOf(
  SharedArrayBuffer.prototype,
  "growable",
) as (buffer: unknown) => boolean;

/** `view.getUint8(…)` and its kin, as functions of the view. */
export const dataView = {
  getInt16: uncurry(DataView.prototype.getInt16),
  getUint16: uncurry(DataView.prototype.getUint16),
  getInt32: uncurry(DataView.prototype.getInt32),
  getUint32: uncurry(DataView.prototype.getUint32),
  getBigInt64: uncurry(DataView.prototype.getBigInt64),
  getBigUint64: uncurry(DataView.prototype.getBigUint64),
  getFloat32: uncurry(DataView.prototype.getFloat32),
  getFloat64: uncurry(DataView.prototype.getFloat64),
  setInt16: uncurry(DataView.prototype.setInt16),
  setUint16: uncurry(DataView.prototype.setUint16),
  setInt32: uncurry(DataView.prototype.setInt32),
  setUint32: uncurry(DataView.prototype.setUint32),
  setBigInt64: uncurry(DataView.prototype.setBigInt64),
  setBigUint64: uncurry(DataView.prototype.setBigUint64),
  setFloat32: uncurry(DataView.prototype.setFloat32),
  setFloat64: uncurry(DataView.prototype.setFloat64),
} as const;

/** `Atomics`, as it was. */
export const atomics = Object.freeze({
  add: Atomics.add,
  and: Atomics.and,
  compareExchange: Atomics.compareExchange,
  exchange: Atomics.exchange,
  load: Atomics.load,
  notify: Atomics.notify,
  or: Atomics.or,
  store: Atomics.store,
  sub: Atomics.sub,
  wait: Atomics.wait,
  xor: Atomics.xor,
});

/** The constructors, as they were. */
export const {
  ArrayBuffer: NativeArrayBuffer,
  BigInt64Array: NativeBigInt64Array,
  BigUint64Array: NativeBigUint64Array,
  DataView: NativeDataView,
  Float32Array: NativeFloat32Array,
  Float64Array: NativeFloat64Array,
  Int16Array: NativeInt16Array,
  Int32Array: NativeInt32Array,
  Int8Array: NativeInt8Array,
  Uint16Array: NativeUint16Array,
  Uint32Array: NativeUint32Array,
  Uint8Array: NativeUint8Array,
} = globalThis;

/** `Object.getPrototypeOf`, as it was. */
export const { getPrototypeOf } = Object;
const { defineProperty, setPrototypeOf } = Object;

/** Defines a property by what its descriptor has, and no prototype of it. */
export function define(
  object: object,
  name: PropertyKey,
  descriptor: PropertyDescriptor,
): void {
  setPrototypeOf(descriptor, null);
  defineProperty(object, name, descriptor);
}

const element: PropertyDescriptor = {
  value: undefined,
  configurable: true,
  enumerable: true,
  writable: true,
};
setPrototypeOf(element, null);

/**
 * Puts a value behind the last of an array, where `array[length] = value` would
 * call what a program has defined on `Array.prototype`.
 */
export function append<T>(array: T[], value: T): void {
  element.value = value;
  defineProperty(array, array.length, element);
  element.value = undefined;
}

const from = Array.from.bind(Array) as <T>(
  items: ArrayLike<undefined>,
  make: (none: undefined, index: number) => T,
) => T[];

/** An array of so many values, made by index; see {@linkcode append}. */
export function generate<T>(
  length: number,
  make: (none: undefined, index: number) => T,
): T[] {
  const items = { __proto__: null, length } as unknown as ArrayLike<undefined>;
  return from(items, make);
}

/**
 * What was made for each variant of something, by small numbers. Without a
 * prototype: what was not made yet must not be found on one.
 */
export function variants<T>(): Record<number, T | undefined> {
  return { __proto__: null } as unknown as Record<number, T | undefined>;
}

/** Gives a subclass methods of its base, where no program can replace them. */
function keepMethods(
  subclass: { prototype: object },
  base: object,
  names: readonly string[],
): void {
  for (const name of names) {
    const value = (base as Record<string, unknown>)[name];
    Object.defineProperty(subclass.prototype, name, { value });
  }
  Object.freeze(subclass.prototype);
}

const MAP_METHODS = ["get", "set", "has"];

/** A WeakMap that a program cannot look into by replacing WeakMap's methods. */
export class PrivateWeakMap<K extends WeakKey, V> extends WeakMap<K, V> {}
keepMethods(PrivateWeakMap, WeakMap.prototype, MAP_METHODS);

/** A Map that a program cannot look into by replacing Map's methods. */
export class PrivateMap<K, V> extends Map<K, V> {}
keepMethods(PrivateMap, Map.prototype, MAP_METHODS);

/**
 * A FinalizationRegistry whose `unregister` a program cannot replace: what was
 * freed would be freed once more when it is collected.
 */
export class PrivateRegistry<T> extends FinalizationRegistry<T> {}
keepMethods(PrivateRegistry, FinalizationRegistry.prototype, [
  "register",
  "unregister",
]);
