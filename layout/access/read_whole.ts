/** Reads whole values as plain data, through offsets of the whole region. */

import { reachOf } from "../region/lanes.ts";
import { closed, type Region } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";
import { countIn } from "./indices.ts";
import { type LeafPlace, type Length, planOf } from "./plan.ts";
import type { Located } from "./private_fields.ts";
import { type Emitter, walkPlan, walkType } from "./walk.ts";

/** The most that is read, for values that are only shown. */
export interface Budget {
  /** The most elements of each array. */
  readonly elements: number;
  /** The number of elements of all arrays together that are left. */
  left: number;
}

const everything: Budget = { elements: Infinity, left: Infinity };

/**
 * Reads a value at an offset of the whole region.
 *
 * @param bytes The number of bytes for what ends in a flexible array.
 */
type Read = (
  root: Region,
  offset: number,
  bytes: number,
  budget: Budget,
) => unknown;

/** Reads one leaf at an offset of the whole region. */
export function readLeaf(
  { leaf, aligned, offset, path }: LeafPlace,
  root: Region,
  base: number,
): unknown {
  return leaf.load(reachOf(aligned, true)).plain()(root, base + offset, path);
}

const reading: Emitter<Read> = {
  leaf({ leaf, aligned, offset, path }) {
    const load = leaf.load(reachOf(aligned, true)).plain();
    return (root, base) => load(root, base + offset, path);
  },
  shifted(inner, offset) {
    if (offset === 0) return inner;
    return (root, base, bytes, budget) =>
      inner(root, base + offset, bytes - offset, budget);
  },
  fields(fields) {
    return (root, base, bytes, budget) =>
      Object.fromEntries(
        fields.map(([name, read]) => [name, read(root, base, bytes, budget)]),
      );
  },
  elements(element, stride, length) {
    return (root, base, bytes, budget) =>
      elementsOf(
        lengthIn(bytes, stride, length),
        budget,
        (index) => {
          const offset = index * stride;
          return element(root, base + offset, bytes - offset, budget);
        },
      );
  },
};

function lengthIn(bytes: number, stride: number, length: Length): number {
  return length === "flexible" ? countIn(bytes, stride) : length;
}

/**
 * An array of the elements that a budget allows; the rest are holes, so that the
 * length is right.
 */
function elementsOf(
  length: number,
  budget: Budget,
  read: (index: number) => unknown,
): unknown[] {
  const count = Math.min(length, budget.elements, budget.left);
  budget.left -= count;
  const elements = Array.from({ length: count }, (_, index) => read(index));
  if (count < length) elements.length = Math.min(length, 2 ** 32 - 1);
  return elements;
}

/**
 * Reads what a pointer or view points to.
 *
 * @param budget The most to read; everything where it is not given.
 */
export function read(located: Located, budget: Budget = everything): unknown {
  const { pointerClass, root, absolute, extent, length, stride } = located;
  const { type, mode, place } = pointerClass;
  // Of an empty array nothing would be read that could tell.
  if (root.closed) closed(root);
  if (place !== undefined) {
    return elementsOf(
      length,
      budget,
      (index) => readLeaf(place, root, absolute + index * stride),
    );
  }
  const plan = planOf(type, { writable: false, aligned: mode.aligned });
  const value = walkPlan(plan, reading, length)(
    root,
    absolute,
    extent,
    budget,
  );
  return plan.kind === "struct" && plan.isValue
    ? (value as { value: unknown }).value
    : value;
}

const readers = new WeakMap<AnyType, Read>();

/**
 * Reads a value of a type at an offset of a region, as {@linkcode read} reads
 * what a pointer points to.
 *
 * @param base The offset in bytes, aligned as the type is.
 * @param bytes The number of bytes for what ends in a flexible array.
 */
export function readValue(
  type: AnyType,
  root: Region,
  base: number,
  bytes: number,
): unknown {
  let reader = readers.get(type);
  if (reader === undefined) readers.set(type, reader = walkType(type, reading));
  return reader(root, base, bytes, everything);
}
