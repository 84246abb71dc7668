/** Finds, and at the first use makes, the class of a type's pointers. */

import { InvalidTypeError } from "../../errors.ts";
import { type Part, specialise, textOf } from "../../base/specialise.ts";
import { isLeaf } from "../leaves/leaf_of.ts";
import { resolve } from "../model/field_path.ts";
import { type AnyType, originOf } from "../model/types.ts";
import type { ArrayType } from "../static.ts";
import { atomicClass, missingMethods } from "./atomic_class.ts";
import { columnClass } from "./column_class.ts";
import { elementsClass } from "./elements_class.ts";
import { describe } from "./inspect.ts";
import { objectsClass } from "./objects_class.ts";
import {
  type AccessMode,
  isWide,
  placeOf,
  type Plan,
  planOf,
  variantOf,
} from "./plan.ts";
import {
  type Construct,
  type PointerClass,
  remember,
  whereIs,
} from "./private_fields.ts";
import { structClass } from "./struct_class.ts";
import { ofArrays, ofObjects } from "./unknown_names.ts";

/** The class that does what a plan says, to be made. */
export function classPart(
  plan: Plan,
  mode: AccessMode,
  wide: boolean,
): Part<Construct> {
  switch (plan.kind) {
    case "struct":
      return structClass(plan, mode, wide, classOf);
    case "atomic":
      return atomicClass(plan.type, wide);
    case "elements":
      return elementsClass(plan, wide);
    case "objects":
      return objectsClass(plan, wide, classOf, columnOf);
    case "column":
      return columnClass(plan.place, wide);
  }
}

/** The methods of a class's factory that its objects do not have. */
function withoutMethods(plan: Plan, mode: AccessMode): readonly string[] {
  switch (plan.kind) {
    case "struct":
      return [];
    case "atomic":
      return missingMethods(plan.type, mode);
    case "objects":
      return plan.hasColumns ? [] : ["column"];
    default:
      return mode.writable ? [] : ["set"];
  }
}

function build(
  plan: Plan,
  type: AnyType,
  mode: AccessMode,
  wide: boolean,
): PointerClass {
  const construct = specialise(classPart(plan, mode, wide));
  const prototype = construct.prototype as Record<string, unknown>;
  const names = plan.kind === "struct"
    ? plan.properties.map(({ name }) => name)
    : [];
  // Nobody but the library makes pointers.
  if (!names.includes("constructor")) delete prototype["constructor"];
  for (const name of withoutMethods(plan, mode)) delete prototype[name];
  describe(prototype, names);
  const isArray = plan.kind !== "struct" && plan.kind !== "atomic";
  Object.setPrototypeOf(prototype, isArray ? ofArrays : ofObjects);
  const place = plan.kind === "column" ? plan.place : undefined;
  const pointerClass = { type, mode, wide, construct, place };
  remember(pointerClass);
  return pointerClass;
}

/** The classes that were made for each variant of a key. */
class Variants<K extends WeakKey> {
  readonly #made = new WeakMap<K, Map<number, PointerClass>>();

  /** Finds a variant, or makes it. */
  find(
    key: K,
    mode: AccessMode,
    wide: boolean,
    moving: boolean,
    make: () => PointerClass,
  ): PointerClass {
    let variants = this.#made.get(key);
    if (variants === undefined) this.#made.set(key, variants = new Map());
    const variant = variantOf(mode) | Number(wide) << 2 | Number(moving) << 3;
    let made = variants.get(variant);
    if (made === undefined) variants.set(variant, made = make());
    return made;
  }
}

const ofTypes = new Variants<AnyType>();
/** Arrays of all lengths share the class of their elements. */
const ofElements = new Variants<AnyType>();
const ofColumns = new Variants<AnyType>();

/**
 * The class of the pointers to a type, or of the views.
 *
 * @param wide True if offsets may lie beyond 31 bits; by the type's size where
 * it is not said.
 * @param moving True if its objects will be pointed elsewhere. They have a
 * class of their own: the engine reads fields faster that never change.
 */
export function classOf(
  type: AnyType,
  mode: AccessMode,
  wide: boolean = isWide(type.size),
  moving = false,
): PointerClass {
  const cache = type.kind === "array" ? ofElements : ofTypes;
  const key = originOf(type.kind === "array" ? type.element : type);
  return cache.find(
    key,
    mode,
    wide,
    moving,
    () => build(planOf(type, mode), type, mode, wide),
  );
}

/** The text of the class of a type's pointers, or of its views. */
export function classTextOf(type: AnyType, mode: AccessMode): string {
  return textOf(classPart(planOf(type, mode), mode, isWide(type.size))).text;
}

/** A column of an array's class: its own class, offset and stride. */
interface FoundColumn {
  readonly pointerClass: PointerClass;
  readonly offset: number;
  readonly stride: number;
}

const columnsOf = new WeakMap<PointerClass, Map<unknown, FoundColumn>>();

/** One field of every struct of an array, for `column`. */
function columnOf(array: object, path: unknown): object {
  const located = whereIs(array);
  if (located === undefined) throw new TypeError("Not an array of structs");
  const { pointerClass, region, offset, length } = located;
  let columns = columnsOf.get(pointerClass);
  if (columns === undefined) columnsOf.set(pointerClass, columns = new Map());
  let column = columns.get(path);
  if (column === undefined) {
    columns.set(path, column = findColumn(pointerClass, path));
  }
  return new column.pointerClass.construct(
    region,
    offset + column.offset,
    length,
    `${located.path.replace(/\[\]$/, "")}[].${path}`,
    column.stride,
  );
}

function findColumn(array: PointerClass, path: unknown): FoundColumn {
  const element = (array.type as ArrayType).element as AnyType;
  const found = resolve(element, path);
  const type = found.type.kind === "atomic" ? found.type.base : found.type;
  if (!isLeaf(type)) {
    throw new InvalidTypeError(
      `A column must be of values: ${element.name}.${path} is ${type.name}`,
    );
  }
  const mode = { ...array.mode, aligned: array.mode.aligned && found.aligned };
  const stride = element.size;
  const start = found.bit === undefined ? found.offset : found.owner;
  const placed = placeOf(type, type.name, start, mode.aligned, found.bit);
  const { offset } = placed;
  const plan: Plan = { kind: "column", place: { ...placed, offset: 0 } };
  const make = () => build(plan, type, mode, array.wide);
  // A bit-field's place is its own: there is no class to share.
  const pointerClass = found.bit !== undefined
    ? make()
    : ofColumns.find(originOf(type), mode, array.wide, false, make);
  return { pointerClass, offset, stride };
}
