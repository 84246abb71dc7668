/** Operations on what was taken out of memory: structs, atomics, whole values. */

import {
  assign,
  decode as decodeBytes,
  encode as encodeBytes,
  field,
  snapshot,
  type Type,
} from "../../mod.ts";
import { randomValue, type Value } from "../layout/truth/values.ts";
import {
  decode,
  decodeLeaf,
  encode,
  encodeLeaf,
  markUsed,
  Refusal,
  refusalOf,
  refusalOfAll,
} from "./_codec.ts";
import { type FastRandom, strangeValue } from "./_random.ts";
import {
  type Leaf,
  leavesIn,
  pathsIn,
  type PlacedField,
  type RecordShape,
  type Shape,
} from "./_shape.ts";
import {
  anything,
  NOTHING,
  show,
  type Thing,
  thingAt,
  type ThingKind,
  type World,
} from "./_world.ts";

/** An operation on one thing. */
export type ThingOperation = (world: World, thing: Thing) => void;

/** An object of which the type checker knows nothing. */
export type Loose = Record<string, unknown>;

const CLOSED = new Refusal("ClosedError");
const CLOSED_OR_NOTHING = new Refusal("ClosedError", NOTHING);

/** A value of a leaf, or now and then none that it can have. */
export function leafValue(leaf: Leaf, random: FastRandom): unknown {
  return random.chance(0.2)
    ? strangeValue(random)
    : randomValue(leaf.model, random);
}

/** Returns what reading a leaf must give. */
export function wantedLeaf(
  world: World,
  thing: Thing,
  leaf: Leaf,
  place: number,
): unknown {
  return world.stale(thing)
    ? CLOSED
    : decodeLeaf(leaf, thing.area.store.model, place);
}

/**
 * Stores a leaf in memory, and where it fits in the model: a value that does not
 * fit is refused first, in memory that is gone as well.
 */
export function storeLeaf(
  world: World,
  thing: Thing,
  what: string,
  [leaf, place]: [Leaf, number],
  value: unknown,
  act: () => void,
): void {
  const refusal = refusalOf(leaf, value);
  const stale = world.stale(thing);
  world.expect(what, refusal ?? (stale ? CLOSED : anything), act);
  if (refusal === undefined && !stale) {
    encodeLeaf(leaf, thing.area.store.model, place, value);
  }
}

// ---------------------------------------------------------------- structs

function fieldOf(
  { shape }: Thing,
  random: FastRandom,
): PlacedField | undefined {
  if (shape.kind !== "record") return { name: "value", shape, place: 0 };
  return shape.fields.length === 0 ? undefined : random.pick(shape.fields);
}

/** Reads a property, and keeps what it is where it is no plain value. */
export function readField(world: World, thing: Thing): void {
  const found = fieldOf(thing, world.random);
  if (found === undefined) return;
  const { name, shape } = found;
  const object = thing.object as Loose;
  const what = `${thing.name}.${name}`;
  const place = thing.place + found.place;
  if (shape.kind === "leaf" && !shape.atomic) {
    const wanted = wantedLeaf(world, thing, shape, place);
    world.expect(what, wanted, () => object[name]);
    return;
  }
  const stale = world.stale(thing);
  const inner = world.expect(
    what,
    stale ? CLOSED_OR_NOTHING : anything,
    () => object[name],
  );
  if (inner !== undefined) keepField(world, thing, found, what, inner);
}

function keepField(
  world: World,
  thing: Thing,
  { shape, place }: PlacedField,
  name: string,
  object: unknown,
): void {
  const owner = thing.shape;
  const natural = thing.natural && shape.align <= owner.align &&
    place % (shape.align * 8) === 0;
  const made = thingAt(object as object, shape, {
    ...thing,
    name,
    place: thing.place + place,
    extent: thing.extent - place / 8,
    natural,
  });
  const isNative = ArrayBuffer.isView(object);
  world.expect(
    `${name} is a typed array`,
    made.kind === "native",
    () => isNative,
  );
  world.keep(made);
}

/** Stores a property. */
export function writeField(world: World, thing: Thing): void {
  const { random } = world;
  const found = fieldOf(thing, random);
  if (found === undefined) return;
  const { name, shape } = found;
  const object = thing.object as Loose;
  if (shape.kind !== "leaf" || shape.atomic || !thing.writable) {
    // There is no setter.
    return void world.expect(
      `${thing.name}.${name} = 1`,
      new Refusal("TypeError"),
      () => object[name] = 1,
    );
  }
  const value = leafValue(shape, random);
  const place = thing.place + found.place;
  storeLeaf(
    world,
    thing,
    `${thing.name}.${name} = ${show(value)}`,
    [shape, place],
    value,
    () => object[name] = value,
  );
}

/** `field(T, path).of(pointer)` */
export function pointToField(world: World, thing: Thing): void {
  const shape = thing.shape as RecordShape;
  const choices = [...shape.fields, ...pathsIn(shape)];
  const { random } = world;
  if (choices.length === 0 || random.chance(0.05)) {
    return void world.expect(
      `field(${shape.type.name}, "nowhere.at.all")`,
      new Refusal("InvalidTypeError"),
      () => field(shape.type, "nowhere.at.all" as never),
    );
  }
  const found = random.pick(choices);
  const { name, shape: inner, place } = found;
  const what = `field(${shape.type.name}, "${name}")`;
  if (inner.kind === "leaf" && inner.bitField) {
    return void world.expect(
      what,
      new Refusal("InvalidTypeError"),
      () => field(shape.type, name as never),
    );
  }
  const made = field(shape.type, name as never) as unknown as {
    type: Type;
    offset: number;
    of(pointer: unknown): object;
  };
  world.expect(`${what}.offset`, place / 8, () => made.offset);
  const stale = world.stale(thing);
  const object = world.expect(
    `${what}.of(${thing.name})`,
    stale ? CLOSED_OR_NOTHING : anything,
    () => made.of(thing.object),
  );
  // How a path through packed structs is aligned is not worked out here.
  if (object === undefined || name.includes(".")) return;
  keepField(world, thing, found, `${what}.of(${thing.name})`, object);
}

// ---------------------------------------------------------------- wholes

/** `snapshot`, `Deno.inspect`, `JSON.stringify` */
export function readWhole(world: World, thing: Thing): void {
  if (thing.kind === "native") return;
  const { name, object, shape } = thing;
  const stale = world.stale(thing);
  const wanted = stale
    ? leavesIn(shape, thing.extent) === 0 ? CLOSED_OR_NOTHING : CLOSED
    : wholeOf(thing);
  switch (world.random.int(4)) {
    case 0:
      world.expect(
        `typeof Deno.inspect(${name})`,
        "string",
        () => typeof Deno.inspect(object),
      );
      break;
    case 1:
      world.expect(
        `JSON.stringify(${name})`,
        wanted instanceof Refusal ? wanted : toJson(wanted),
        () => JSON.stringify(object),
      );
      break;
    default:
      world.expect(
        `snapshot(${name})`,
        wanted,
        () => snapshot(object as never),
      );
  }
}

function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) => typeof part === "bigint" ? String(part) : part,
  );
}

/** The value of a thing. */
function wholeOf(thing: Thing): unknown {
  const { shape, place, extent, area, kind, length, stride } = thing;
  const { model } = area.store;
  if (kind !== "column") return decode(shape, model, place, extent);
  const values: unknown[] = [];
  for (let i = 0; i < length; i++) {
    const value = decodeLeaf(shape as Leaf, model, place + i * stride);
    if (value instanceof Refusal) return value;
    values.push(value);
  }
  return values;
}

/** `assign` of plain data. */
export function assignValues(world: World, thing: Thing): void {
  const { random } = world;
  const { name, object, shape, area, place, extent } = thing;
  let values: unknown = randomValue(shape.model, random);
  if (random.chance(0.3)) values = spoiled(values as Value, random);
  const refusal = thing.kind === "native"
    ? new Refusal("TypeError")
    : !thing.writable
    ? new Refusal("ReadOnlyError")
    : thing.kind === "column"
    ? new Refusal("TypeError")
    : refusalOfAll(shape, values, extent);
  const stale = world.stale(thing);
  world.expect(
    () => `assign(${name}, ${show(values)})`,
    refusal ?? (stale ? CLOSED : undefined),
    () => assign(object as never, values as never),
  );
  if (refusal === undefined && !stale) {
    encode(shape, area.store.model, place, values);
  }
}

/** A value with something wrong at some depth, most of the time. */
function spoiled(value: Value, random: FastRandom): unknown {
  if (typeof value !== "object" || random.chance(0.1)) {
    return strangeValue(random);
  }
  const keys = Object.keys(value);
  if (Array.isArray(value)) {
    if (random.chance(0.3)) {
      return random.boolean()
        ? value.slice(0, random.int(keys.length + 1))
        : [...value, ...value];
    }
    const index = random.int(keys.length);
    return value.map((item, i) => i === index ? spoiled(item, random) : item);
  }
  if (keys.length === 0 || random.chance(0.1)) {
    return { ...value, unknown: strangeValue(random) };
  }
  const key = random.pick(keys);
  return { ...value, [key]: spoiled(value[key]!, random) };
}

const COPIED: readonly ThingKind[] = [
  "record",
  "box",
  "atomic",
  "elements",
  "records",
];

/** `assign` of another pointer or view of the same type. */
export function assignThing(world: World, thing: Thing): void {
  const { random } = world;
  if (!COPIED.includes(thing.kind)) return assignValues(world, thing);
  const others = world.things.filter((other) =>
    other.shape.type === thing.shape.type && other.kind === thing.kind &&
    other !== thing && !overlaps(thing, other)
  );
  if (others.length === 0) return assignValues(world, thing);
  const from = random.pick(others);
  const bytes = sizeOfCopy(from);
  const refusal = !thing.writable
    ? new Refusal("ReadOnlyError")
    : thing.kind === "atomic" && world.stale(from)
    ? CLOSED
    : from.length > thing.length
    ? new Refusal("BoundsError")
    : world.stale(thing) || world.stale(from)
    ? CLOSED
    : undefined;
  world.expect(
    `assign(${thing.name}, ${from.name})`,
    refusal,
    () => assign(thing.object as never, from.object as never),
  );
  if (refusal !== undefined) return;
  const source = from.area.store.model;
  const target = thing.area.store.model;
  if (thing.kind === "atomic") {
    const leaf = thing.shape as Leaf;
    const value = decodeLeaf(leaf, source, from.place);
    encode(leaf, target, thing.place, value);
    return;
  }
  const begin = from.place / 8;
  const mask = new Uint8Array(bytes);
  if (from.shape.kind === "array") {
    const { element } = from.shape;
    for (let i = 0; i < from.length; i++) {
      markUsed(element, mask, i * element.size * 8);
    }
  } else markUsed(from.shape, mask, 0);
  // Padding is not copied: it becomes zero.
  const copy = source.slice(begin, begin + bytes)
    .map((byte, index) => byte & mask[index]!);
  target.set(copy, thing.place / 8);
}

/** Writes back unchanged what was read, which changes no byte. */
export function assignBack(world: World, thing: Thing): void {
  if (thing.kind === "native" || thing.kind === "column") return;
  if (!thing.writable || world.stale(thing)) return;
  if (wholeOf(thing) instanceof Refusal) return;
  world.expect(
    `assign(${thing.name}, snapshot(${thing.name}))`,
    undefined,
    () => assign(thing.object as never, snapshot(thing.object as never)),
  );
}

function isOpenEnded(shape: Shape): boolean {
  return shape.kind === "array"
    ? shape.length === undefined
    : shape.kind === "record" &&
      shape.fields.some((field) => isOpenEnded(field.shape));
}

/** Bytes of a value, and the value of its bytes. */
export function encodeAndDecode(world: World, thing: Thing): void {
  if (thing.kind !== "record" || world.stale(thing)) return;
  // Padding behind a flexible array reads as elements of it.
  if (isOpenEnded(thing.shape)) return;
  const wanted = wholeOf(thing);
  if (wanted instanceof Refusal) return;
  const type = thing.shape.type;
  world.expect(
    `decode(…, encode(…, ${thing.name}))`,
    wanted,
    () => decodeBytes(type, encodeBytes(type, thing.object as never)),
  );
}

/** A name that no field has: it reads undefined, and no store of it is lost. */
export function useUnknownName(world: World, thing: Thing): void {
  if (thing.kind === "native") return;
  const object = thing.object as Loose;
  world.expect(
    `${thing.name}["no such field"]`,
    undefined,
    () => object["no such field"],
  );
  world.expect(
    `${thing.name}["no such field"] = 1`,
    new Refusal("TypeError"),
    () => {
      object["no such field"] = 1;
    },
  );
}

function sizeOfCopy({ shape, length, stride }: Thing): number {
  return shape.kind === "array" ? length * stride / 8 : shape.size;
}

/**
 * Tests whether two things share bytes through different mappings: which of
 * them are copied first is then anybody's guess.
 */
function overlaps(a: Thing, b: Thing): boolean {
  if (a.area === b.area || a.area.store !== b.area.store) return false;
  const size = Math.max(sizeOfCopy(a), sizeOfCopy(b)) * 8;
  return Math.abs(a.place - b.place) < size;
}

// ---------------------------------------------------------------- atomics

type Arithmetic = (old: bigint, value: bigint) => bigint;

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  add: (old, value) => old + value,
  sub: (old, value) => old - value,
  and: (old, value) => old & value,
  or: (old, value) => old | value,
  xor: (old, value) => old ^ value,
};

/** One operation of an atomic. */
export function useAtomic(world: World, thing: Thing): void {
  const { random } = world;
  const { object, name, place, area } = thing;
  const leaf = thing.shape as Leaf;
  const { model } = area.store;
  const call = (
    method: string,
    values: unknown[],
    wanted: () => unknown,
    replacement?: () => unknown,
  ) => {
    const refusal = values.map((value) => refusalOf(leaf, value))
      .find((refusal) => refusal !== undefined);
    const stale = world.stale(thing);
    world.expect(
      `${name}.${method}(${values.map(show).join(", ")})`,
      refusal ?? (stale ? CLOSED : wanted()),
      () =>
        (object as Record<string, (...values: unknown[]) => unknown>)[
          method
        ]!(...values),
    );
    if (refusal !== undefined || stale) return;
    const stored = replacement?.();
    if (stored === undefined) return;
    // What is exchanged becomes 1, whatever was true before.
    if (stored === true) model[place >> 3] = 0;
    encodeLeaf(leaf, model, place, stored);
  };
  const old = decodeLeaf(leaf, model, place) as number | bigint | boolean;
  const value = leafValue(leaf, random);
  const other = leafValue(leaf, random);
  const bool = leaf.encoding === "bool";
  if (!thing.writable || random.chance(0.3)) {
    return call("load", [], () => old);
  }
  switch (random.int(5)) {
    case 0:
      return call("store", [value], () => undefined, () => value);
    case 1:
      return call("exchange", [value], () => old, () => value);
    case 2: {
      const expected = random.boolean() ? old : other;
      return call(
        "compareExchange",
        [expected, value],
        () => old,
        () => old === expected ? value : undefined,
      );
    }
    case 3: {
      if (bool) return call("load", [], () => old);
      const method = random.pick(Object.keys(ARITHMETIC));
      return call(method, [value], () => old, () => {
        const result = ARITHMETIC[method]!(
          BigInt(old),
          BigInt(value as number),
        );
        const cut = leaf.signed
          ? BigInt.asIntN(leaf.bits, result)
          : BigInt.asUintN(leaf.bits, result);
        return leaf.big ? cut : Number(cut);
      });
    }
    case 4: {
      const type = (leaf.type as unknown as { base: Type }).base.kind;
      if (type !== "i32" && type !== "i64") {
        return call("load", [], () => old);
      }
      if (random.boolean()) return notify(world, thing);
      const expected = random.boolean() ? old : other;
      return wait(world, thing, expected, old);
    }
  }
}

function notify(world: World, thing: Thing): void {
  world.expect(
    `${thing.name}.notify()`,
    world.stale(thing) ? CLOSED : 0,
    () => (thing.object as unknown as { notify(): number }).notify(),
  );
}

function wait(
  world: World,
  thing: Thing,
  expected: unknown,
  old: unknown,
): void {
  const wanted = refusalOf(thing.shape as Leaf, expected) ??
    (world.stale(thing)
      ? CLOSED
      : !thing.area.shared
      ? new Refusal("NotSupportedError")
      : expected === old
      ? "timed-out"
      : "not-equal");
  world.expect(
    `${thing.name}.wait(${show(expected)}, 0)`,
    wanted,
    () =>
      (thing.object as unknown as {
        wait(expected: unknown, timeout: number): string;
      }).wait(expected, 0),
  );
}
