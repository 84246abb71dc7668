/** Finds, and at the first use makes, the class of a type's pointers. */

import { define, PrivateMap, PrivateWeakMap, variants } from "../intrinsics.ts";
import { sourceOf } from "./class_source.ts";
import { closureClass } from "./closure_class.ts";
import { describe } from "./inspect.ts";
import { isLeaf } from "../leaves/leaf_type.ts";
import { library, recordLibrary } from "./library.ts";
import { isTampered } from "../tampering.ts";
import { resolve } from "../model/field_path.ts";
import { isWide, type Plan, planOf, type Style } from "./plan.ts";
import {
  type Construct,
  type Keys,
  locate,
  type PointerClass,
  remember,
} from "./private_fields.ts";
import { type AnyType, originOf } from "../model/types.ts";
import { InvalidTypeError } from "../../errors.ts";
import type { ArrayType } from "../types.ts";

const Compile = Function;

/** Whether code can be generated from strings here. */
export const canGenerate: boolean = (() => {
  try {
    new Compile("");
    return true;
  } catch {
    return false;
  }
})();

/** How many classes were made: each has a text of its own by this number. */
let count = 0;

/** How many classes are being made just now, one for the other. */
let building = 0;
let mayGenerate = canGenerate;

const runtime = { ...library, columnOf };
const recordRuntime = { ...recordLibrary, columnOf };

function build(
  plan: Plan,
  type: AnyType,
  style: Style,
  wide: boolean,
  moving = false,
): PointerClass {
  // Once for a class and all those it is made of.
  const generate = building === 0
    ? mayGenerate = canGenerate && !isTampered()
    : mayGenerate;
  building++;
  let made: { construct: Construct; keys: Keys };
  try {
    made = generate
      ? generatedClass(plan, style, wide, moving)
      : closureClass(plan, style, wide, classOf);
  } finally {
    building--;
  }
  const { construct, keys } = made;
  const { prototype } = construct;
  const names = plan.kind === "record"
    ? plan.properties.map(({ name }) => name)
    : [];
  // Nobody but the library makes pointers.
  if (!names.includes("constructor")) delete prototype.constructor;
  describe(prototype, names);
  if (!generate && plan.kind === "records" && plan.hasColumns) {
    define(prototype, "column", {
      value(this: object, path: unknown) {
        return columnOf(this, path);
      },
    });
  }
  const slot = plan.kind === "column" ? plan.slot : undefined;
  const pointerClass = {
    type,
    style,
    wide,
    construct,
    slot,
    moving: moving ? keys : undefined,
  };
  remember(prototype, pointerClass, keys);
  return pointerClass;
}

function generatedClass(
  plan: Plan,
  style: Style,
  wide: boolean,
  moving: boolean,
): { construct: Construct; keys: Keys } {
  const { text, scope } = sourceOf(plan, style, wide, classOf, moving);
  let keys: Keys | undefined;
  // The engine keeps what it learns about a function with the function's text:
  // without the number, two types of one shape would spoil it for each other.
  const make = new Compile(
    "library",
    "constants",
    "expose",
    `${text}// ${++count}`,
  );
  const construct = make(
    moving ? recordRuntime : runtime,
    scope.constants,
    (given: Keys) => {
      keys = given;
    },
  ) as Construct;
  return { construct, keys: keys! };
}

type Variants = Record<number, PointerClass | undefined>;

function variantOf(style: Style, wide: boolean, moving = false): number {
  return Number(style.writable) | Number(style.aligned) << 1 |
    Number(wide) << 2 | Number(moving) << 3;
}

const ofTypes = new PrivateWeakMap<object, Variants>();
/** Arrays of all lengths share the class of their elements. */
const ofElements = new PrivateWeakMap<object, Variants>();

/**
 * The class of the pointers to a type, or of the views.
 *
 * @param wide Whether offsets may lie beyond 31 bits; by the type's size where
 * it is not said.
 * @param moving Whether its objects show records: they can be pointed elsewhere,
 * by its `move`, and say of themselves that a record has ended.
 */
export function classOf(
  type: AnyType,
  style: Style,
  wide: boolean = isWide(type.size),
  moving = false,
): PointerClass {
  const cache = type.kind === "array" ? ofElements : ofTypes;
  const key = originOf(type.kind === "array" ? type.element : type);
  let made = cache.get(key);
  if (made === undefined) cache.set(key, made = variants());
  return made[variantOf(style, wide, moving)] ??= build(
    planOf(type, style),
    type,
    style,
    wide,
    moving,
  );
}

/** One field of every struct of an array, for `column`. */
function columnOf(array: object, path: unknown): object {
  const located = locate(array);
  if (located === undefined) throw new TypeError("Not an array of structs");
  const { made, region, offset, length } = located;
  let columns = columnsOf.get(made);
  if (columns === undefined) columnsOf.set(made, columns = new PrivateMap());
  let column = columns.get(path as string);
  if (column === undefined) {
    column = findColumn(made, path);
    columns.set(path as string, column);
  }
  return new column.made.construct(
    region,
    offset + column.offset,
    length,
    `${located.path.replace(/\[\]$/, "")}[].${path}`,
    column.stride,
  );
}

/** A column of an array's class: its own class, offset and stride. */
interface FoundColumn {
  readonly made: PointerClass;
  readonly offset: number;
  readonly stride: number;
}

const columnsOf = new PrivateWeakMap<PointerClass, Map<string, FoundColumn>>();
const ofColumns = new PrivateWeakMap<object, Variants>();

function findColumn(array: PointerClass, path: unknown): FoundColumn {
  const element = (array.type as ArrayType).element as AnyType;
  const found = resolve(element, path);
  const type = found.type.kind === "atomic" ? found.type.base : found.type;
  if (!isLeaf(type)) {
    throw new InvalidTypeError(
      `A column must be of values: ${element.name}.${path} is ${type.name}`,
    );
  }
  const aligned = array.style.aligned && found.aligned;
  const style = { ...array.style, aligned };
  const offset = found.bit === undefined ? found.offset : found.owner;
  const slot = {
    type,
    path: type.name,
    offset: 0,
    aligned,
    bit: found.bit,
  };
  const plan: Plan = { kind: "column", slot };
  const stride = element.size;
  if (found.bit !== undefined) {
    // A bit-field's place is its own: there is no class to share.
    const made = build(plan, type, style, array.wide);
    return { made, offset, stride };
  }
  const key = originOf(type);
  let known = ofColumns.get(key);
  if (known === undefined) ofColumns.set(key, known = variants());
  const made = known[variantOf(style, array.wide)] ??= build(
    plan,
    type,
    style,
    array.wide,
  );
  return { made, offset, stride };
}
