/** The checks of values that say what is wrong with them. */

import { show } from "../../base/show.ts";

/** Checks a value that is to be stored, and names what it was to be stored as. */
export type Check = (value: unknown, path: string) => void;

/** A check that a value is of a kind. */
export function checkKind(kind: "boolean" | "number" | "bigint"): Check {
  return (value, path) => {
    // deno-lint-ignore valid-typeof -- The parameter's type has valid ones alone.
    if (typeof value !== kind) {
      throw new TypeError(
        `Cannot store ${show(value)} as ${path}: must be a ${kind}`,
      );
    }
  };
}

/** The smallest and the largest value of an integer type. */
export type Range = readonly [number, number] | readonly [bigint, bigint];

/** A check that an integer lies within a range. */
export function checkRange([minimum, maximum]: Range): Check {
  const isBig = typeof minimum === "bigint";
  const checkType = checkKind(isBig ? "bigint" : "number");
  return (value, path) => {
    checkType(value, path);
    const number = value as number | bigint;
    const whole = isBig || Number.isInteger(number);
    if (!whole || number < minimum || number > maximum) {
      throw new RangeError(
        `Cannot store ${show(value)} as ${path}: must be ${
          isBig ? "a bigint" : "an integer"
        } from ${minimum} to ${maximum}`,
      );
    }
  };
}
