/** Adds up values field by field. */

import { InvalidTypeError } from "../../../errors.ts";
import { isLeaf, leafOf } from "../../../layout/leaves/leaf_of.ts";
import { overlapsIn } from "../../../layout/model/extents.ts";
import { aggregateOf, type AnyType } from "../../../layout/model/types.ts";
import type { Type } from "../../../layout/mod.ts";

/** The sum of some values of one type. */
export type Sum = (values: readonly unknown[]) => unknown;

/**
 * Makes the function that adds values of a type.
 *
 * @throws {InvalidTypeError} if something in it cannot be added.
 */
export function sumOf(type: Type): Sum {
  return adder(type as AnyType, type.name);
}

function adder(type: AnyType, path: string): Sum {
  if (type.kind === "array") {
    return addElements(adder(type.element as AnyType, `${path}[]`));
  }
  if (type.kind === "struct") {
    const [shared] = overlapsIn(type);
    if (shared !== undefined) {
      throw new InvalidTypeError(
        `${path}: Fields that share bytes cannot be added up, as ${shared} does`,
      );
    }
    return addFields(
      aggregateOf(type).members
        .filter((member) => member.type.kind !== "padding")
        .map(({ name, type }) => [name, adder(type, `${path}.${name}`)]),
    );
  }
  const zero = isLeaf(type) ? leafOf(type).zero : undefined;
  if (zero === undefined) {
    throw new InvalidTypeError(
      `${path}: Values of type ${type.name} cannot be added up`,
    );
  }
  return (values) =>
    (values as number[]).reduce((sum, value) => sum + value, zero as number);
}

function addElements(add: Sum): Sum {
  return (values) =>
    (values[0] as unknown[]).map((_, index) =>
      add(values.map((value) => (value as unknown[])[index]))
    );
}

function addFields(fields: readonly (readonly [string, Sum])[]): Sum {
  return (values) =>
    Object.fromEntries(fields.map(([name, add]) => [
      name,
      add(values.map((value) => (value as Record<string, unknown>)[name])),
    ]));
}
