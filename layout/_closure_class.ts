/**
 * The same classes as generated code makes, from closures: for a runtime where
 * code generation from strings is switched off. Slower, not different.
 */

import { BoundsError } from "../errors.ts";
import type { Lane } from "./_lane.ts";
import { LANE_SIZE } from "./_lane.ts";
import type { ClassOf } from "./_leaf_source.ts";
import { loadLeaf } from "./_leaf.ts";
import { laneOf, type Slot } from "./_leaf_type.ts";
import { library } from "./_library.ts";
import {
  isWide,
  type Length,
  type ObjectAccess,
  type Plan,
  type Style,
} from "./_plan.ts";
import type { Construct, Keys } from "./_pointer_class.ts";
import type { Region } from "./_region.ts";
import type { AtomicType } from "./types.ts";

/** The private fields of one class. */
interface Made {
  readonly construct: Construct;
  readonly keys: Keys;
}

/**
 * A class with private fields of its own. Each call evaluates the class anew,
 * which gives it private names that no other class has: a setter taken from a
 * pointer does not accept a view.
 */
function emptyClass(
  third: "extent" | "length" | "path" | undefined,
  hasStride = false,
): Made {
  class Pointer {
    readonly #region: Region;
    readonly #offset: number;
    readonly #third: number | string | undefined;
    readonly #path: number | string | undefined;
    readonly #stride: number | string | undefined;

    constructor(
      region: Region,
      offset: number,
      ...rest: (number | string)[]
    ) {
      this.#region = region;
      this.#offset = offset;
      this.#third = rest[0];
      this.#path = rest[1];
      this.#stride = rest[2];
    }

    static keys(): Keys {
      return {
        owns: (object) => #region in object,
        region: (object) => (object as Pointer).#region,
        offset: (object) => (object as Pointer).#offset,
        ...(third === "extent"
          ? { extent: (object: object) => (object as Pointer).#third as number }
          : {}),
        ...(third === "length"
          ? {
            length: (object: object) => (object as Pointer).#third as number,
            path: (object: object) => (object as Pointer).#path as string,
          }
          : {}),
        ...(third === "path"
          ? { path: (object: object) => (object as Pointer).#third as string }
          : {}),
        ...(hasStride
          ? {
            stride: (object: object) => (object as Pointer).#stride as number,
          }
          : {}),
      };
    }
  }
  return { construct: Pointer, keys: Pointer.keys() };
}

/** Makes the class that does what a plan says. */
export function closureClass(
  plan: Plan,
  style: Style,
  wide: boolean,
  classOf: ClassOf,
): Made {
  switch (plan.kind) {
    case "record": {
      const made = emptyClass(plan.extends ? "extent" : undefined);
      for (const { name, access } of plan.properties) {
        const descriptor = access.kind === "leaf"
          ? leafProperty(access.slot, style, made.keys)
          : {
            get(this: object) {
              return objectAt(access, this, 0, made.keys, wide, classOf);
            },
          };
        Object.defineProperty(made.construct.prototype, name, {
          configurable: true,
          ...descriptor,
        });
      }
      return made;
    }
    case "atomic": {
      const made = emptyClass("path");
      addMethods(made, atomicMethods(plan.type, style, made.keys));
      return made;
    }
    case "elements": {
      const made = emptyClass("length");
      addMethods(made, {
        ...arrayMethods(made.keys),
        ...elementMethods(plan.slot, plan.stride, style, made.keys),
      });
      return made;
    }
    case "records": {
      const made = emptyClass("length");
      addMethods(made, {
        ...arrayMethods(made.keys),
        at(this: object, index: number) {
          const at = offsetAt(this, index, plan.stride, made.keys);
          return objectAt(plan.element, this, at, made.keys, wide, classOf);
        },
      });
      return made;
    }
    case "column": {
      const made = emptyClass("length", true);
      addMethods(made, {
        ...arrayMethods(made.keys),
        ...columnMethods(plan.slot, style, made.keys),
      });
      return made;
    }
  }
}

type Methods = Record<
  string | symbol,
  (this: object, ...args: never[]) => unknown
>;

function addMethods(made: Made, methods: Methods): void {
  for (const name of Reflect.ownKeys(methods)) {
    Object.defineProperty(made.construct.prototype, name, {
      configurable: true,
      writable: true,
      value: methods[name],
    });
  }
  if (made.keys.length !== undefined) {
    const { length } = made.keys;
    Object.defineProperty(made.construct.prototype, "length", {
      configurable: true,
      get(this: object) {
        return length(this);
      },
    });
  }
}

function leafProperty(
  slot: Slot,
  style: Style,
  keys: Keys,
): PropertyDescriptor {
  return {
    get(this: object) {
      return loadLeaf(slot, keys.region(this), keys.offset(this));
    },
    ...(style.writable
      ? {
        set(this: object, value: unknown) {
          const region = keys.region(this);
          library.checkedStore(slot, region, keys.offset(this), value);
        },
      }
      : {}),
  };
}

/** The object that an access makes, `further` bytes behind a pointer's offset. */
function objectAt(
  access: ObjectAccess,
  owner: object,
  further: number,
  keys: Keys,
  wide: boolean,
  classOf: ClassOf,
): object {
  const region = keys.region(owner);
  const offset = keys.offset(owner) + further + access.offset;
  const extent = keys.extent?.(owner) ?? 0;
  if (access.kind === "native") {
    const length = lengthOf(access.length, extent, access);
    return library.native[access.lane](region, offset, length);
  }
  const made = classOf(access.type, access.style);
  if (access.length === "flexible") {
    return library.flexibleArray(
      made,
      classOf(access.type, access.style, true),
      region,
      offset,
      extent - access.offset,
      access.stride,
      access.path,
    );
  }
  const rest = access.length !== undefined
    ? [access.length, access.path]
    : access.type.kind === "atomic"
    ? [access.path]
    : access.extends
    ? [extent - access.offset]
    : [];
  return wide && !isWide(access.size)
    ? library.windowed(made, region, offset, access.size, ...rest)
    : new made.construct(region, offset, ...rest);
}

function lengthOf(
  length: Length,
  extent: number,
  { offset, stride }: { readonly offset: number; readonly stride: number },
): number {
  return length === "flexible"
    ? library.countIn(extent, offset, stride)
    : length;
}

/** The offset of an element from the array's, in bytes. */
function offsetAt(
  array: object,
  index: unknown,
  stride: number,
  keys: Keys,
): number {
  const length = keys.length!(array);
  if (
    Number.isSafeInteger(index) && index as number >= 0 &&
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

function arrayMethods(keys: Keys): Methods {
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

function elementMethods(
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

function columnMethods(
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

function atomicMethods(type: AtomicType, style: Style, keys: Keys): Methods {
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
      if (region.u8[offset] === undefined) library.closed();
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
