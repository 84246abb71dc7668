/** Errors of accesses, worked out when one has failed. */

import { BoundsError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import type { Leaf } from "../leaves/leaf.ts";
import type { LeafPlace } from "./plan.ts";

/** Added to an offset it throws, which is how a check fails cheaply. */
export const bad: unique symbol = Symbol("bad");

/** Throws why a value could not be stored in a field. */
export function refuse(
  error: unknown,
  place: LeafPlace,
  value: unknown,
): never {
  place.leaf.check(value, place.path);
  throw error;
}

/**
 * An object that throws, when it is added to a number, why the value that `take`
 * gives cannot be stored in a field.
 */
export function poisonOf(place: LeafPlace, take: () => unknown): object {
  return Object.freeze({
    __proto__: null,
    [Symbol.toPrimitive](): never {
      place.leaf.check(take(), place.path);
      throw new TypeError(`Cannot store this value as ${place.path}`);
    },
  });
}

/** Throws why there is no element with this index; the error where there is. */
export function refuseIndex(
  error: unknown,
  index: unknown,
  length: number,
  path: string,
): never {
  checkIndex(index, length, path);
  throw error;
}

function checkIndex(index: unknown, length: number, path: string): void {
  if (typeof index !== "number" || !Number.isInteger(index)) {
    throw new RangeError(
      `An index of ${path} must be an integer: received ${show(index)}`,
    );
  }
  if (index < 0 || index >= length) {
    throw new BoundsError(
      `Index ${index} is out of bounds: ${path} has ${length} elements`,
    );
  }
}

/** Throws why a value could not be stored as an element. */
export function refuseAt(
  error: unknown,
  leaf: Leaf,
  value: unknown,
  index: unknown,
  length: number,
  path: string,
): never {
  checkIndex(index, length, path);
  leaf.check(value, elementPath(path, index));
  throw error;
}

/** The name that error messages give an element. */
function elementPath(path: string, index: unknown): string {
  return `${path.replace(/\[\]$/, "")}[${index}]`;
}
