/** Operations on arrays of all kinds, and on columns. */

import { decodeLeaf, Refusal } from "./_codec.ts";
import { randomIndex, strangeValue } from "./_random.ts";
import { pathsIn, type RecordShape } from "./_shape.ts";
import { leafValue, type Loose, storeLeaf } from "./_thing_operations.ts";
import {
  anything,
  leafOf,
  NOTHING,
  show,
  type Thing,
  thingAt,
  type World,
} from "./_world.ts";

const CLOSED = new Refusal("ClosedError");

type Methods = Record<string, (...values: unknown[]) => unknown>;

/** The reason why there is no element with this index. */
function refusedIndex(index: unknown, length: number): Refusal | undefined {
  if (!Number.isInteger(index)) return new Refusal("RangeError");
  return (index as number) < 0 || (index as number) >= length
    ? new Refusal("BoundsError")
    : undefined;
}

function elementAt(world: World, thing: Thing, index: number): unknown {
  if (world.stale(thing)) return CLOSED;
  const place = thing.place + index * thing.stride;
  return decodeLeaf(leafOf(thing), thing.area.store.model, place);
}

/** All values; a {@linkcode Refusal} where one of them cannot be had. */
function allOf(world: World, thing: Thing, indices: number[]): unknown {
  const values = indices.map((index) => elementAt(world, thing, index));
  return values.find((value) => value instanceof Refusal) ?? values;
}

function indicesOf({ length }: Thing): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** `length` */
export function askLength(world: World, thing: Thing): void {
  world.expect(
    `${thing.name}.length`,
    thing.length,
    () => (thing.object as Loose).length,
  );
}

/** `set` of elements and columns */
export function setElement(world: World, thing: Thing): void {
  const { random } = world;
  const { name, length, place, stride, writable } = thing;
  const object = thing.object as Methods;
  if (!writable) {
    return void world.expect(`${name}.set`, undefined, () => object.set);
  }
  const index = randomIndex(random, length);
  const value = leafValue(leafOf(thing), random);
  const what = `${name}.set(${show(index)}, ${show(value)})`;
  const refusal = refusedIndex(index, length);
  if (refusal !== undefined) {
    return void world.expect(what, refusal, () => object.set!(index, value));
  }
  const at = place + (index as number) * stride;
  storeLeaf(
    world,
    thing,
    what,
    [leafOf(thing), at],
    value,
    () => {
      // Index syntax, or the method: they do the same.
      const byIndex = Number.isSafeInteger(index) && Number(index) >= 0 &&
        random.boolean();
      if (byIndex) (object as unknown as unknown[])[Number(index)] = value;
      else object.set!(index, value);
    },
  );
}

/** `at` of elements, which counts as `TypedArray.prototype.at` does */
export function getElement(world: World, thing: Thing): void {
  const index = randomIndex(world.random, thing.length);
  const found = indicesOf(thing).at(index as number);
  world.expect(
    `${thing.name}.at(${show(index)})`,
    found === undefined ? undefined : elementAt(world, thing, found),
    () => (thing.object as Methods).at!(index),
  );
}

/** `at` of columns */
export function getFromColumn(world: World, thing: Thing): void {
  const index = randomIndex(world.random, thing.length);
  world.expect(
    `${thing.name}.at(${show(index)})`,
    refusedIndex(index, thing.length) ??
      elementAt(world, thing, index as number),
    () => (thing.object as Methods).at!(index),
  );
}

/** `slice` of elements */
export function slice(world: World, thing: Thing): void {
  const { random } = world;
  const start = randomIndex(random, thing.length);
  const end = random.boolean() ? undefined : randomIndex(random, thing.length);
  const indices = indicesOf(thing).slice(start as number, end as number);
  world.expect(
    `${thing.name}.slice(${show(start)}, ${show(end)})`,
    allOf(world, thing, indices),
    () => {
      const copy = (thing.object as Methods).slice!(start, end);
      const isTyped = ArrayBuffer.isView(copy);
      return isTyped === leafOf(thing).native
        ? Array.from(copy as ArrayLike<unknown>)
        : `a typed array: ${isTyped}`;
    },
  );
}

/** Iteration over elements and columns, to the end */
export function iterate(world: World, thing: Thing): void {
  world.expect(
    `[...${thing.name}]`,
    allOf(world, thing, indicesOf(thing)),
    () => [...(thing.object as Iterable<unknown>)],
  );
}

/** `copyTo` of columns */
export function copyColumn(world: World, thing: Thing): void {
  const { random } = world;
  if (random.chance(0.05)) {
    return void world.expect(
      `${thing.name}.copyTo(7)`,
      new Refusal("TypeError"),
      () => (thing.object as Methods).copyTo!(7),
    );
  }
  const target = Array.from({ length: random.int(12) }, () => 0);
  const indices = indicesOf(thing).slice(0, target.length);
  const wanted = allOf(world, thing, indices);
  world.expect(
    `${thing.name}.copyTo(an array of ${target.length})`,
    wanted instanceof Refusal ? wanted : [indices.length, wanted],
    () => [
      (thing.object as Methods).copyTo!(target),
      target.slice(0, indices.length),
    ],
  );
}

/** An element of an array of objects, by `at` or by iteration */
export function takeRecord(world: World, thing: Thing): void {
  const { random } = world;
  const { length, name } = thing;
  const element = (thing.shape as { element: Thing["shape"] }).element;
  const stale = world.stale(thing);
  const wanted = stale ? new Refusal("ClosedError", NOTHING) : anything;
  let object: unknown;
  let index: unknown;
  if (random.chance(0.2)) {
    const all = world.expect(
      `[...${name}]`,
      wanted,
      () => [...(thing.object as Iterable<unknown>)],
    ) as unknown[] | undefined;
    if (all === undefined) return;
    world.expect(`[...${name}].length`, length, () => all.length);
    index = random.int(length);
    object = all[index as number];
  } else {
    index = randomIndex(random, length);
    const refusal = refusedIndex(index, length);
    object = world.expect(
      `${name}.at(${show(index)})`,
      refusal ?? wanted,
      () => (thing.object as Methods).at!(index),
    );
  }
  if (object === undefined) return;
  world.keep(thingAt(object as object, element, {
    ...thing,
    name: `${name}.at(${show(index)})`,
    place: thing.place + (index as number) * thing.stride,
    extent: element.size,
  }));
}

/** `column` of an array of structs */
export function takeColumn(world: World, thing: Thing): void {
  const { random } = world;
  const element = (thing.shape as { element: Thing["shape"] }).element;
  const object = thing.object as Methods;
  if (element.kind !== "record") return takeRecord(world, thing);
  const paths = pathsIn(element as RecordShape);
  if (paths.length === 0 || random.chance(0.05)) {
    return void world.expect(
      `${thing.name}.column("nowhere.at.all")`,
      new Refusal("InvalidTypeError"),
      () => object.column!("nowhere.at.all"),
    );
  }
  const { name, shape, place } = random.pick(paths);
  const what = `${thing.name}.column("${name}")`;
  const made = world.expect(
    what,
    world.stale(thing) ? new Refusal("ClosedError", NOTHING) : anything,
    () => object.column!(name),
  );
  if (made === undefined) return;
  world.keep({
    ...thing,
    kind: "column",
    name: what,
    object: made as object,
    shape,
    place: thing.place + place,
  });
}

// ---------------------------------------------------------------- typed arrays

type TypedArray = Uint8Array | BigUint64Array;

/** Returns what a typed array must hold, as one of its kind. */
function modelOf(thing: Thing): TypedArray {
  const { model } = thing.area.store;
  const begin = thing.place / 8;
  const bytes = model.slice(begin, begin + thing.length * thing.stride / 8);
  const Native = (thing.object as TypedArray).constructor as new (
    buffer: ArrayBuffer,
  ) => TypedArray;
  return new Native(bytes.buffer);
}

/** Returns the name of an action's error, or its value. */
function outcomeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return new Refusal((error as Error).name);
  }
}

/** Does the same to a typed array in memory and to one of the model's. */
function mirror(
  world: World,
  thing: Thing,
  what: string,
  act: (array: TypedArray) => unknown,
): void {
  const { object, area } = thing;
  if (world.stale(thing)) {
    // It is empty, or reads what is nobody's: whatever comes of it, nothing
    // that is anybody's memory changes, which `verify` finds out.
    const errors = ["TypeError", "RangeError", "SyntaxError", NOTHING];
    world.expect(
      what,
      new Refusal(...errors),
      () => act(object as TypedArray),
    );
    return;
  }
  const copy = modelOf(thing);
  const wanted = outcomeOf(() => act(copy));
  world.expect(what, wanted, () => act(object as TypedArray));
  const bytes = new Uint8Array(copy.buffer as ArrayBuffer);
  area.store.model.set(bytes, thing.place / 8);
}

/** Something that a program does to a typed array. */
export function useNative(world: World, thing: Thing): void {
  const { random } = world;
  const { name, length } = thing;
  const index = randomIndex(random, length) as number;
  const other = randomIndex(random, length) as number;
  const value =
    (random.chance(0.3)
      ? strangeValue(random)
      : leafValue(leafOf(thing), random)) as never;
  const at = show(index);
  switch (random.int(9)) {
    case 0:
    case 1:
      return mirror(world, thing, `${name}[${at}]`, (array) => array[index]);
    case 2:
    case 3:
      return mirror(
        world,
        thing,
        `${name}[${at}] = ${show(value)}`,
        // Conversions may throw, and no index but an integer stores anything.
        (array) => {
          if (Number.isInteger(index)) array[index] = value;
        },
      );
    case 4:
      return mirror(
        world,
        thing,
        `${name}.fill(${show(value)}, ${at})`,
        (array) => void array.fill(value, index),
      );
    case 5:
      return mirror(
        world,
        thing,
        `${name}.copyWithin(${at}, ${show(other)})`,
        (array) => void array.copyWithin(index, other),
      );
    case 6: {
      const method = random.pick(["reverse", "sort"] as const);
      return mirror(
        world,
        thing,
        `${name}.${method}()`,
        (array) => void array[method](),
      );
    }
    case 7:
      return mirror(
        world,
        thing,
        `[...${name}.slice(${at}, ${show(other)})]`,
        (array) => [...array.slice(index, other)],
      );
    case 8:
      return closeWhileStoring(world, thing, index);
  }
}

/** A store whose value, when it is converted, closes the memory. */
function closeWhileStoring(world: World, thing: Thing, index: number): void {
  const { area, name, object } = thing;
  if (
    area.memory === undefined || !area.open || !Number.isInteger(index) ||
    !world.random.chance(0.2)
  ) return;
  const big = leafOf(thing).big;
  const closer = {
    valueOf() {
      area.memory!.close();
      return big ? 7n : 7;
    },
  };
  world.expect(
    `${name}[${index}] = { valueOf() { ${area.name}.close(); return 7; } }`,
    anything,
    () => (object as unknown[])[index] = closer,
  );
  for (const member of area.group) {
    member.open = false;
    world.expect(`${member.name}.closed`, true, () => member.memory!.closed);
  }
}

/** Iteration in the midst of which the memory is closed */
export function closeWhileIterating(world: World, thing: Thing): void {
  const { area, name, object, length } = thing;
  if (area.memory === undefined || world.stale(thing) || length < 2) return;
  if (!world.random.chance(0.1)) return iterate(world, thing);
  const iterator = (object as Iterable<unknown>)[Symbol.iterator]();
  const wanted = elementAt(world, thing, 0);
  world.expect(
    `${name}[Symbol.iterator]().next()`,
    wanted,
    () => iterator.next().value,
  );
  area.memory.close();
  for (const member of area.group) {
    member.open = false;
    world.expect(`${member.name}.closed`, true, () => member.memory!.closed);
  }
  world.expect("… the next, after close()", CLOSED, () => iterator.next());
}
