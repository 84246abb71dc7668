/** A batch: some hundred random operations, and the comparison at their end. */

import {
  alignOf,
  array,
  bits,
  HostLayout,
  padding,
  sizeOf,
  struct,
  type Type,
  u32,
  u8,
} from "../../mod.ts";
import {
  type Aggregate,
  aggregatesIn,
  type Model,
} from "../layout/truth/declarations.ts";
import { make } from "../layout/truth/host_types.ts";
import { randomDeclaration } from "../layout/truth/random_declaration.ts";
import * as arrays from "./_array_operations.ts";
import * as memory from "./_memory_operations.ts";
import { FastRandom } from "./_random.ts";
import { type Shape, shapeOf } from "./_shape.ts";
import * as things from "./_thing_operations.ts";
import { Disagreement, type ThingKind, World } from "./_world.ts";

/** The number of operations of a batch. */
export const BATCH_SIZE = 400;

// ---------------------------------------------------------------- types

/** The number of declarations of a batch, whose types several batches use. */
const DECLARATIONS_PER_BATCH = 4;
/** The number of batches after which others are used. */
const BATCHES_PER_DECLARATION = 40;

const made = new Map<number, Shape[]>();

/** The types of a declaration of its own, and of its parts. */
function typesOf(seed: number, number: number): Shape[] {
  let shapes = made.get(number);
  if (shapes !== undefined) return shapes;
  const random = new FastRandom(seed, 1, number);
  const declaration = randomDeclaration(random);
  const models: Model[] = [declaration];
  for (const { fields } of aggregatesIn(declaration)) {
    for (const { type } of fields) {
      const isField = type.kind === "bits" || type.kind === "unnamed" ||
        type.kind === "padding";
      if (!isField && random.chance(0.3)) models.push(type);
    }
  }
  models.push({ kind: "array", element: elementOf(declaration), length: 3 });
  const types = new Map<Aggregate, Type>();
  shapes = models.map((model) => shapeOf(model, make(model, types)));
  for (const { type, size, align } of shapes) {
    if (sizeOf(type) === size && alignOf(type) === align) continue;
    throw new Disagreement(
      `${type.name}: ${sizeOf(type)} bytes aligned to ${
        alignOf(type)
      }, must be ${size} aligned to ${align}`,
    );
  }
  if (made.size > 32) made.clear();
  made.set(number, shapes);
  return shapes;
}

/** There is no array of what ends in a flexible array. */
function elementOf(declaration: Aggregate): Model {
  const fields = declaration.fields.filter(({ name }) => name !== "tail");
  return { ...declaration, fields };
}

const BAD_TYPES: readonly unknown[] = [
  HostLayout,
  padding(4),
  bits(u8, 3),
  struct("Unmarked", { x: u32 }),
  array(struct("Unmarked", { x: u32 }), 2),
  struct("Empty", { _: HostLayout }),
  array(u8, 0),
  {},
  { ...u32 },
  null,
  "u32",
];

// ---------------------------------------------------------------- operations

function weighted<T>(choices: readonly (readonly [number, T])[]): readonly T[] {
  return choices.flatMap(([weight, choice]) =>
    Array.from({ length: weight }, () => choice)
  );
}

const MEMORY_OPERATIONS = weighted<memory.Operation>([
  [4, memory.create],
  [4, memory.map],
  [1, memory.open],
  [2, memory.makeBuffer],
  [2, memory.attach],
  [3, memory.close],
  [1, memory.drop],
  [2, memory.detach],
  [1, memory.collectGarbage],
  [6, memory.readAt],
  [6, memory.writeAt],
  [4, memory.writeOutside],
  [2, memory.writeWebAssembly],
  [2, memory.ask],
  [30, memory.point],
  [1, (world) => memory.pointBadly(world, BAD_TYPES)],
]);

const RECORD_OPERATIONS = weighted<things.ThingOperation>([
  [6, things.readField],
  [6, things.writeField],
  [2, things.pointToField],
  [1, things.readWhole],
  [2, things.assignValues],
  [1, things.assignThing],
  [1, things.assignBack],
  [1, things.encodeAndDecode],
  [1, things.useUnknownName],
]);

const OPERATIONS: Readonly<
  Record<ThingKind, readonly things.ThingOperation[]>
> = {
  record: RECORD_OPERATIONS,
  box: weighted([
    [2, things.readField],
    [2, things.writeField],
    [1, things.readWhole],
    [1, things.assignValues],
    [1, things.assignThing],
    [1, things.assignBack],
    [1, things.useUnknownName],
  ]),
  atomic: weighted([
    [6, things.useAtomic],
    [1, things.readWhole],
    [1, things.assignValues],
    [1, things.assignThing],
    [1, things.assignBack],
    [1, things.useUnknownName],
  ]),
  elements: weighted([
    [1, arrays.askLength],
    [4, arrays.getElement],
    [4, arrays.setElement],
    [1, arrays.slice],
    [1, arrays.iterate],
    [1, arrays.closeWhileIterating],
    [1, things.readWhole],
    [1, things.assignValues],
    [1, things.assignThing],
    [1, things.assignBack],
    [1, things.useUnknownName],
  ]),
  records: weighted([
    [1, arrays.askLength],
    [4, arrays.takeRecord],
    [3, arrays.takeColumn],
    [1, things.readWhole],
    [1, things.assignValues],
    [1, things.assignThing],
    [1, things.assignBack],
    [1, things.useUnknownName],
  ]),
  native: weighted([
    [8, arrays.useNative],
    [1, things.assignValues],
  ]),
  column: weighted([
    [1, arrays.askLength],
    [4, arrays.getFromColumn],
    [4, arrays.setElement],
    [1, arrays.iterate],
    [1, arrays.closeWhileIterating],
    [1, arrays.copyColumn],
    [1, things.readWhole],
    [1, things.assignValues],
  ]),
};

function step(world: World): void {
  const { random } = world;
  // A batch begins with memory, and soon has things to use.
  const enough = Math.min(0.75, world.things.length / 10);
  if (!random.chance(enough)) return random.pick(MEMORY_OPERATIONS)(world);
  let thing = random.pick(world.things);
  if (world.stale(thing) && random.chance(0.7)) {
    // What is gone stays of interest, but not all there is.
    world.things.splice(world.things.indexOf(thing), 1);
    if (world.things.length > 0) thing = random.pick(world.things);
  }
  random.pick(OPERATIONS[thing.kind])(world, thing);
}

/** The numbers of comparisons in a batch, and of errors among them. */
export interface BatchCounts {
  readonly expected: number;
  readonly refused: number;
}

/** The operations of a batch to do, and the listener that is told of each. */
export interface BatchOptions {
  /** Their numbers; all of them where it is not given. */
  readonly only?: readonly number[];
  /** Gets a line for each thing that is done. */
  readonly trace?: (line: string) => void;
}

/** All operations of a batch, by number. */
export function allOperations(): number[] {
  return Array.from({ length: BATCH_SIZE }, (_, index) => index);
}

/**
 * Does a batch of operations. They depend on the seed and on the batch's number
 * alone, each of them on its own number too: so a batch can be repeated, and its
 * operations be left out one by one.
 *
 * @throws {Disagreement} where the module does not do what it must.
 */
export function runBatch(
  seed: number,
  batch: number,
  { only = allOperations(), trace }: BatchOptions = {},
): BatchCounts {
  const first = Math.floor(batch / BATCHES_PER_DECLARATION) *
    DECLARATIONS_PER_BATCH;
  const types: Shape[] = [];
  for (let i = 0; i < DECLARATIONS_PER_BATCH; i++) {
    types.push(...typesOf(seed, first + i));
  }
  const world = new World(types, trace);
  try {
    for (const operation of only) {
      world.random = new FastRandom(seed, 2, batch, operation);
      step(world);
    }
    world.verify();
    // Not the world, which would keep what is to be dropped.
    const { expected, refused } = world;
    return { expected, refused };
  } finally {
    world.release();
  }
}
