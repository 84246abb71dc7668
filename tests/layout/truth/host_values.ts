/** Values stored and read through properties, elements and atomics. */

import {
  type Aggregate,
  type Field,
  type Model,
  unaligned,
} from "./declarations.ts";
import type { Value } from "./values.ts";

type Live = Record<string, unknown>;
type LiveElements = ArrayLike<unknown> & {
  at(index: number): unknown;
  set(index: number, value: unknown): void;
};

/** Stores the value of each field through a pointer. */
export function storeFields(
  record: unknown,
  model: Aggregate,
  value: Value,
): void {
  for (const [name, type, item] of valuesIn(model, value)) {
    const bare = unaligned(type);
    if (isComposed(bare)) store((record as Live)[name], bare, item);
    else (record as Live)[name] = item;
  }
}

/** Stores into what is an object of its own. */
function store(target: unknown, type: Composed, value: Value): void {
  switch (type.kind) {
    case "atomic":
      (target as { store(value: Value): void }).store(value);
      break;
    case "struct":
    case "union":
      storeFields(target, type, value);
      break;
    case "array": {
      const element = unaligned(type.element);
      const elements = target as LiveElements;
      (value as Value[]).forEach((item, index) => {
        if (isComposed(element)) store(elements.at(index), element, item);
        else if (ArrayBuffer.isView(elements)) {
          (elements as unknown as Value[])[index] = item;
        } else elements.set(index, item);
      });
    }
  }
}

/** Checks that a pointer, a view or a snapshot has each value. */
export function checkFields(
  record: unknown,
  model: Aggregate,
  value: Value,
  path: string,
): void {
  for (const [name, type, item] of valuesIn(model, value)) {
    const inner = (record as Live)[name];
    check(inner, unaligned(type), item, `${path}.${name}`);
  }
}

function check(
  found: unknown,
  type: ReturnType<typeof unaligned>,
  value: Value,
  path: string,
): void {
  switch (type.kind) {
    case "struct":
    case "union":
      checkFields(found, type, value, path);
      break;
    case "array": {
      const elements = found as LiveElements;
      const element = unaligned(type.element);
      if (type.length !== undefined) {
        same(`${path}.length is`, elements.length, "declared was", type.length);
      }
      (value as Value[]).forEach((item, index) =>
        check(elements.at(index), element, item, `${path}[${index}]`)
      );
      break;
    }
    case "atomic": {
      const loaded = typeof found === "object"
        ? (found as { load(): unknown }).load()
        : found;
      same(`${path} is`, loaded, "stored was", value);
      break;
    }
    default:
      same(`${path} is`, found, "stored was", value);
  }
}

type Composed = Extract<
  Model,
  { kind: "array" | "struct" | "union" | "atomic" }
>;

function isComposed(type: ReturnType<typeof unaligned>): type is Composed {
  return type.kind === "array" || type.kind === "struct" ||
    type.kind === "union" || type.kind === "atomic";
}

function valuesIn(
  model: Aggregate,
  value: Value,
): [string, Field["type"], Value][] {
  const values = value as Record<string, Value>;
  return model.fields
    .filter(({ name }) => Object.hasOwn(values, name))
    .map(({ name, type }) => [name, type, values[name]!]);
}

/** Checks that two things are the same value. */
export function same(
  what: string,
  actual: unknown,
  than: string,
  other: unknown,
) {
  if (!Object.is(actual, other)) {
    throw new Error(`${what} ${show(actual)}, ${than} ${show(other)}`);
  }
}

function show(value: unknown): string {
  return typeof value === "bigint" ? `${value}n` : String(value);
}
