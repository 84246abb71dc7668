/**
 * The same classes as generated code makes, from closures: for a runtime where
 * code generation from strings is switched off. Slower, not different.
 */

import {
  arrayMethods,
  atomicMethods,
  columnMethods,
  elementMethods,
  type Methods,
  offsetAt,
} from "./closure_methods.ts";
import { loadLeaf } from "../leaves/leaf.ts";
import type { ClassOf } from "../leaves/leaf_source.ts";
import type { Slot } from "../leaves/leaf_type.ts";
import { define } from "../intrinsics.ts";
import { library } from "./library.ts";
import {
  isWide,
  type Length,
  type ObjectAccess,
  type Plan,
  type Style,
} from "./plan.ts";
import type { Construct, Keys } from "./private_fields.ts";
import type { Region } from "../region/region.ts";

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
  let keys: Keys | undefined;

  class Pointer {
    #region: Region;
    #offset: number;
    #third: number | string | undefined;
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

    static {
      // Without a prototype: what is missing must not be found on Object's.
      keys = {
        __proto__: null,
        owns: (object: object) => #region in object,
        region: (object: object) => (object as Pointer).#region,
        offset: (object: object) => (object as Pointer).#offset,
        extent: third === "extent"
          ? (object: object) => (object as Pointer).#third as number
          : undefined,
        length: third === "length"
          ? (object: object) => (object as Pointer).#third as number
          : undefined,
        path: third === "length"
          ? (object: object) => (object as Pointer).#path as string
          : third === "path"
          ? (object: object) => (object as Pointer).#third as string
          : undefined,
        stride: hasStride
          ? (object: object) => (object as Pointer).#stride as number
          : undefined,
        move: (object: object, offset: number, extent: number) => {
          (object as Pointer).#offset = offset;
          if (third === "extent") (object as Pointer).#third = extent;
        },
        enter: (object: object, region: Region) => {
          (object as Pointer).#region = region;
        },
      } as Keys;
    }
  }
  // Nobody but the library makes pointers.
  delete (Pointer.prototype as { constructor?: unknown }).constructor;
  return { construct: Pointer, keys: keys! };
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
        define(made.construct.prototype, name, {
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

function addMethods(made: Made, methods: Methods): void {
  for (const name of Reflect.ownKeys(methods)) {
    define(made.construct.prototype, name, {
      configurable: true,
      writable: true,
      value: methods[name],
    });
  }
  if (made.keys.length !== undefined) {
    const { length } = made.keys;
    define(made.construct.prototype, "length", {
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
