/** The methods of the classes that are made of closures. */

import { BoundsError } from "../errors.ts";
import { type Lane, LANE_SIZE } from "./_lane.ts";
import { loadLeaf } from "./_leaf.ts";
import { laneOf, type Slot } from "./_leaf_type.ts";
import { library } from "./_library.ts";
import type { Style } from "./_plan.ts";
import type { Keys } from "./_pointer_class.ts";
import type { AtomicType } from "./types.ts";

/** Methods by their names. */
export type Methods = Record<
  string | symbol,
  (this: object, ...args: never[]) => unknown
>;

/** The offset of an element from the array's, in bytes. */
export function offsetAt(
  array: object,
  index: unknown,
  stride: number,
  keys: Keys,
): number {
  const length = keys.length!(array);
  if (
    Number.isSafeInteger(index) && (index as number) >= 0 &&
    index as number < length
  ) {
    return index as number * stride;
  }
  return library.refuseIndex(
    new BoundsError("An index is out of bounds"),
    index,
    length,
    keys.path!(array),
  );
}

export function arrayMethods(keys: Keys): Methods {
  return {
    [Symbol.iterator](this: object) {
      const array = this as { at(index: number): unknown };
      const length = keys.length!(this);
      let index = 0;
      return {
        __proto__: library.iteratorPrototype,
        next() {
          return index < length
            ? { value: array.at(index++), done: false }
            : { value: undefined, done: true };
        },
      };
    },
  };
}

export function elementMethods(
  slot: Slot,
  stride: number,
  style: Style,
  keys: Keys,
): Methods {
  const load = (array: object, index: number) =>
    loadLeaf(slot, keys.region(array), keys.offset(array) + index * stride);
  return {
    at(this: object, index: unknown) {
      const absolute = library.relativeIndex(index, keys.length!(this));
      return absolute < 0 ? undefined : load(this, absolute);
    },
    slice(this: object, start?: unknown, end?: unknown) {
      const [from, to] = library.sliceRange(start, end, keys.length!(this));
      const copy: unknown[] = [];
      for (let index = from; index < to; index++) {
        copy[index - from] = load(this, index);
      }
      return copy;
    },
    ...setMethod(slot, stride, style, keys),
  };
}

export function columnMethods(
  slot: Slot,
  style: Style,
  keys: Keys,
): Methods {
  const load = (array: object, index: unknown) =>
    loadLeaf(
      slot,
      keys.region(array),
      keys.offset(array) + offsetAt(array, index, keys.stride!(array), keys),
    );
  return {
    at(this: object, index: unknown) {
      return load(this, index);
    },
    copyTo(this: object, target: { [index: number]: unknown }) {
      const count = library.shorter(target, keys.length!(this));
      for (let index = 0; index < count; index++) {
        target[index] = load(this, index);
      }
      return count;
    },
    ...setMethod(slot, undefined, style, keys),
  };
}

function setMethod(
  slot: Slot,
  stride: number | undefined,
  style: Style,
  keys: Keys,
): Methods {
  if (!style.writable) return {};
  return {
    set(this: object, index: unknown, value: unknown) {
      const step = stride ?? keys.stride!(this);
      const at = offsetAt(this, index, step, keys);
      const path = keys.path!(this).replace(/\[\]$/, "");
      const base = keys.offset(this) + at;
      const named = { ...slot, path: `${path}[${index}]` };
      library.checkedStore(named, keys.region(this), base, value);
    },
  };
}

type AtomicArray = Int32Array & BigInt64Array;
type AtomicOperation = (
  lane: AtomicArray,
  index: number,
  ...values: never[]
) => number | bigint;

export function atomicMethods(
  type: AtomicType,
  style: Style,
  keys: Keys,
): Methods {
  const lane = laneOf(type) as Exclude<Lane, "f32" | "f64">;
  const isBool = type.base.kind === "bool";
  const operation = (name: string) =>
    function (this: object, ...values: unknown[]) {
      const count = name === "load" ? 0 : name === "compareExchange" ? 2 : 1;
      const given = Array.from({ length: count }, (_, index) => values[index]);
      for (const value of given) {
        library.refuseValue(type, value, keys.path!(this));
      }
      const region = keys.region(this);
      const offset = keys.offset(this);
      if (region.u8[offset] === undefined) library.closed(region);
      if (isBool && name === "compareExchange") {
        const [expected, replacement] = given as [boolean, boolean];
        return library.compareExchangeBool(
          region,
          offset,
          expected,
          replacement,
        );
      }
      const operate = library[name as "load"] as unknown as AtomicOperation;
      const result = operate(
        region[lane] as unknown as AtomicArray,
        offset / LANE_SIZE[lane],
        ...given.map((value) => isBool ? Number(value) : value) as never[],
      );
      if (name === "store") return undefined;
      return isBool ? result !== 0 : result;
    };
  const names = !style.writable
    ? ["load"]
    : isBool
    ? ["load", "store", "exchange", "compareExchange"]
    : [
      ...["load", "store", "add", "sub", "and", "or", "xor"],
      ...["exchange", "compareExchange"],
    ];
  const methods: Methods = Object.fromEntries(
    names.map((name) => [name, operation(name)]),
  );
  const { kind } = type.base;
  if (style.writable && (kind === "i32" || kind === "i64")) {
    const indexOf = (object: object) => keys.offset(object) / LANE_SIZE[kind];
    methods["wait"] = function (expected: unknown, timeout?: number) {
      library.refuseValue(type, expected, keys.path!(this));
      const value = expected as number;
      const region = keys.region(this);
      return library.waitOn(region, kind, indexOf(this), value, timeout);
    };
    methods["notify"] = function (count?: number) {
      return library.notifyOn(keys.region(this), kind, indexOf(this), count);
    };
  }
  return methods;
}
