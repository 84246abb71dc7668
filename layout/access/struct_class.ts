/**
 * Classes with a property per field: structs, unions, and roots of one value.
 *
 * Their text is put together here, a getter and a setter for each field, from
 * functions that leaves bring along. What is too large to be inlined would cost a
 * call for every field, so all that is not needed stays out of line.
 */

import {
  canCompile,
  type Name,
  Part,
  part,
  sharedPart,
} from "../../base/specialise.ts";
import type { Fits, Leaf, Store } from "../leaves/leaf.ts";
import { lanePut, reachOf } from "../region/lanes.ts";
import type { Region } from "../region/region.ts";
import { type ClassOf, objectMaker } from "./make_object.ts";
import type {
  AccessMode,
  LeafPlace,
  ObjectAccess,
  StructPlan,
} from "./plan.ts";
import type { Construct, Keys } from "./private_fields.ts";
import { bad, poisonOf, refuse } from "./refusals.ts";

/** The parts that a class is made of. */
interface Setting {
  readonly mode: AccessMode;
  readonly wide: boolean;
  readonly classOf: ClassOf;
}

/** The class of a struct, a union, or a root of one value. */
export function structClass(
  plan: StructPlan,
  mode: AccessMode,
  wide: boolean,
  classOf: ClassOf,
): Part<Construct> {
  const setting = { mode, wide, classOf };
  return canCompile
    ? Part.text((name) => classText(plan, setting, name))
    : sharedPart(() => classOfClosures(plan, setting));
}

// ---------------------------------------------------------------- as text

/** `base + offset` without a needless `+ 0`. */
function sum(base: string, offset: number): string {
  return offset === 0 ? base : `${base} + ${offset}`;
}

function classText(plan: StructPlan, setting: Setting, name: Name): string {
  const accessors = plan.properties.map(({ name: property, access }) => {
    const key = `[${JSON.stringify(property)}]`;
    if (access.kind !== "leaf") {
      return `get ${key}() { return ${objectText(access, setting, name)}; }`;
    }
    const { place } = access;
    const getter = `get ${key}() { return ${loadText(place, setting, name)}; }`;
    return setting.mode.writable
      ? `${getter}\n  set ${key}(a) { ${storeText(place, setting, name)} }`
      : getter;
  });
  const extent = plan.isOpenEnded
    ? { field: "#x; ", parameter: ", x", store: " this.#x = x;" }
    : { field: "", parameter: "", store: "" };
  const keys = [
    "owns: (p) => #v in p",
    "region: (p) => p.#v",
    "offset: (p) => p.#o",
    "enter: (p, v) => { p.#v = v; }",
    ...(plan.isOpenEnded
      ? ["extent: (p) => p.#x", "move: (p, o, x) => { p.#o = o; p.#x = x; }"]
      : ["move: (p, o) => { p.#o = o; }"]),
  ];
  return `class {
  #v; #o; ${extent.field}
  constructor(v, o${extent.parameter}) { this.#v = v; this.#o = o;${extent.store} }
  ${accessors.join("\n  ")}
  static keys = {
    ${keys.join(",\n    ")},
  };
}`;
}

function objectText(
  access: ObjectAccess,
  { wide, classOf }: Setting,
  name: Name,
): string {
  const make = name(objectMaker(access, wide, classOf));
  const isOpenEnded = access.length === "flexible" ||
    access.kind === "object" && access.isOpenEnded;
  const rest = isOpenEnded ? `, this.#x - ${access.offset}` : "";
  return `${make}(this.#v, ${sum("this.#o", access.offset)}${rest})`;
}

function loadText(place: LeafPlace, { wide }: Setting, name: Name): string {
  const { leaf, offset, aligned, path } = place;
  const load = name(leaf.load(reachOf(aligned, wide)));
  const rest = leaf.namesErrors ? `, ${JSON.stringify(path)}` : "";
  return `${load}(this.#v, ${sum("this.#o", offset)}${rest})`;
}

function storeText(place: LeafPlace, { wide }: Setting, name: Name): string {
  const { leaf, offset, aligned } = place;
  const reach = reachOf(aligned, wide);
  if (leaf.isQuick) {
    const { check, take } = checksOf(leaf);
    const at = sum("this.#o", offset);
    const poison = name(sharedPart(poisonOf, place, take));
    const checked = `${name(check)}(${at}, a, ${poison}), a`;
    return leaf.isRaw === true && reach === "shift"
      ? `${name(lanePut(leaf.lane!))}(this.#v.${leaf.lane}, ${checked});`
      : `${name(leaf.store(reach))}(this.#v, ${checked});`;
  }
  const store = name(leaf.store(reach));
  const chosen = `${name(leaf.fits)}(a) ? ${offset} : ${name(bad)}`;
  return `try { ${store}(this.#v, this.#o + (${chosen}), a); } catch (e) { ${
    name(refuse)
  }(e, ${name(place)}, a); }`;
}

type Check = (offset: number, value: unknown, poison: object) => number;
type Take = () => unknown;

/** A check, and what takes the value that it last refused. */
interface Checks {
  readonly check: Check;
  readonly take: Take;
}

/**
 * A check without a `try`: what does not fit picks a poison, an object that
 * throws why when it is added. So the setter stays small enough for sixteen of
 * them to be inlined into one function, where with the `try` it is seven. Where
 * nothing was refused yet the engine knows nothing of a call, a `throw` or a
 * property in that branch: any of them makes a hot store three to four times as
 * slow, and a variable does not.
 */
function checks(fits: Fits): Checks {
  let last: unknown;
  return {
    check: (k, a, p) => k + (fits(a) ? 0 : (last = a, p as unknown as number)),
    take: () => {
      const value = last;
      last = undefined;
      return value;
    },
  };
}

function checkIn({ check }: Checks): Check {
  return check;
}

function takeIn({ take }: Checks): Take {
  return take;
}

interface ChecksParts {
  readonly check: Part<Check>;
  readonly take: Part<Take>;
}

const checksOfTests = new WeakMap<Part<Fits>, ChecksParts>();

function checksOf({ fits }: Leaf): ChecksParts {
  let parts = checksOfTests.get(fits);
  if (parts === undefined) {
    const both = part(checks, fits);
    parts = { check: part(checkIn, both), take: part(takeIn, both) };
    checksOfTests.set(fits, parts);
  }
  return parts;
}

// ---------------------------------------------------------------- as closures

/** A class with private fields of its own, and no property. */
function emptyClass(): Construct {
  class Struct {
    #region: Region;
    #offset: number;
    #extent: number;

    constructor(region: Region, offset: number, extent: number) {
      this.#region = region;
      this.#offset = offset;
      this.#extent = extent;
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: Struct) => p.#region,
      offset: (p: Struct) => p.#offset,
      extent: (p: Struct) => p.#extent,
      move: (p: Struct, offset: number, extent: number) => {
        p.#offset = offset;
        p.#extent = extent;
      },
      enter: (p: Struct, region: Region) => {
        p.#region = region;
      },
    };
  }
  return Struct as unknown as Construct;
}

/** The same class where no text can be compiled: slower, not different. */
function classOfClosures(plan: StructPlan, setting: Setting): Construct {
  const construct = emptyClass();
  const { keys, prototype } = construct;
  for (const { name, access } of plan.properties) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      ...access.kind === "leaf"
        ? leafProperty(access.place, setting, keys)
        : objectProperty(access, setting, keys),
    });
  }
  return construct;
}

function leafProperty(
  { leaf, path, offset, aligned }: LeafPlace,
  { mode, wide }: Setting,
  keys: Keys,
): PropertyDescriptor {
  const reach = reachOf(aligned, wide);
  const load = leaf.load(reach).plain();
  const store: Store = leaf.store(reach).plain();
  return {
    get(this: object) {
      return load(keys.region(this), keys.offset(this) + offset, path);
    },
    ...(mode.writable
      ? {
        set(this: object, value: unknown) {
          const region = keys.region(this);
          leaf.check(value, path);
          store(region, keys.offset(this) + offset, value as never);
        },
      }
      : {}),
  };
}

function objectProperty(
  access: ObjectAccess,
  { wide, classOf }: Setting,
  keys: Keys,
): PropertyDescriptor {
  const { offset } = access;
  let make: ReturnType<typeof maker> | undefined;
  const maker = () => objectMaker(access, wide, classOf).plain();
  return {
    get(this: object) {
      make ??= maker();
      return make(
        keys.region(this),
        keys.offset(this) + offset,
        keys.extent!(this) - offset,
      );
    },
  };
}
