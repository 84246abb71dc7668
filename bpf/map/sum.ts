/** Adds up values field by field. */

import { InvalidTypeError } from "../../errors.ts";
import { aggregateOf, type AnyType } from "../../layout/model/types.ts";
import type { Type } from "../../layout/mod.ts";

/** The sum of some values of one type. */
export type Sum = (values: readonly unknown[]) => unknown;

/**
 * How values of a type are added.
 *
 * @throws {InvalidTypeError} if something in it cannot be added.
 */
export function sumOf(type: Type): Sum {
  return adder(type as AnyType, type.name);
}

function adder(type: AnyType, path: string): Sum {
  switch (type.kind) {
    case "u8":
    case "i8":
    case "u16":
    case "i16":
    case "u32":
    case "i32":
    case "be16":
    case "be32":
    case "f32":
    case "f64":
    case "safe":
      return addNumbers;
    case "u64":
    case "i64":
    case "be64":
      return addBigints;
    case "bits":
    case "atomic":
      return adder(type.base as AnyType, path);
    case "array":
      return addElements(adder(type.element as AnyType, `${path}[]`));
    case "struct":
      return addFields(
        aggregateOf(type).members
          .filter((member) => member.type.kind !== "padding")
          .map(({ name, type }) => [name, adder(type, `${path}.${name}`)]),
      );
    default:
      throw new InvalidTypeError(
        `${path}: Values of type ${type.name} cannot be added up`,
      );
  }
}

function addNumbers(values: readonly unknown[]): number {
  return (values as number[]).reduce((sum, value) => sum + value, 0);
}

function addBigints(values: readonly unknown[]): bigint {
  return (values as bigint[]).reduce((sum, value) => sum + value, 0n);
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
