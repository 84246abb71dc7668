/** Reads whole values as plain data, through offsets of the whole region. */

import { loadLeaf } from "../leaves/leaf.ts";
import type { Slot } from "../leaves/leaf_type.ts";
import { library } from "./library.ts";
import {
  type Access,
  accessTo,
  type Length,
  type Plan,
  planOf,
  type Style,
} from "./plan.ts";
import type { Located } from "./private_fields.ts";
import { closed, type Region } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";

/** A stretch of memory that is read or written as a whole. */
export interface Extent {
  /** The whole region. */
  readonly root: Region;
  /** The offset in it, in bytes. */
  readonly base: number;
  /** The bytes there are for what ends in a flexible array. */
  readonly bytes: number;
  /** An array's length in elements. */
  readonly length: number;
}

/** The stretch that an access leads to, within another. */
export function extentOf(
  access: Exclude<Access, { kind: "leaf" }>,
  outer: Extent,
  further = 0,
): Extent {
  const offset = further + access.offset;
  const bytes = outer.bytes - offset;
  return {
    root: outer.root,
    base: outer.base + offset,
    bytes,
    length: countOf(access.length, bytes, access.stride),
  };
}

function countOf(
  length: Length | undefined,
  bytes: number,
  stride: number,
): number {
  if (length === "flexible") return library.countIn(bytes, 0, stride);
  return length ?? 0;
}

/** How much is read at the most: for what is only to be shown. */
export interface Budget {
  /** How many elements of each array. */
  readonly elements: number;
  /** How many elements of all arrays together are left. */
  left: number;
}

const everything: Budget = { elements: Infinity, left: Infinity };

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
 * @param budget How much at the most; everything where it is not given.
 */
export function read(located: Located, budget: Budget = everything): unknown {
  const { made: { type, style }, root, absolute, extent, length } = located;
  // Of an empty array nothing would be read that could tell.
  if (root.closed) closed(root);
  if (located.made.slot !== undefined) {
    return readColumn(located, located.made.slot, budget);
  }
  const plan = planOf(type, { writable: false, aligned: style.aligned });
  const value = readPlan(
    plan,
    { root, base: absolute, bytes: extent, length },
    budget,
  );
  return type.kind === "array" || type.kind === "struct" ||
      type.kind === "union" || type.kind === "atomic"
    ? value
    : (value as { value: unknown }).value;
}

/**
 * Reads a value of a type at an offset of a region, as {@linkcode read} reads
 * what a pointer points to.
 *
 * @param base The offset in bytes, aligned as the type is.
 * @param bytes How many bytes there are for what ends in a flexible array.
 */
export function readValue(
  type: AnyType,
  root: Region,
  base: number,
  bytes: number,
): unknown {
  const access = accessTo(type, type.name, 0, READABLE);
  const extent = { root, base, bytes, length: 0 };
  return readAccess(access, extent, 0, everything);
}

const READABLE: Style = { writable: false, aligned: true };

function readColumn(
  { root, absolute, length, stride }: Located,
  slot: Slot,
  budget: Budget,
): unknown[] {
  return elementsOf(
    length,
    budget,
    (index) => loadLeaf(slot, root, absolute + index * stride),
  );
}

function readPlan(plan: Plan, extent: Extent, budget: Budget): unknown {
  const { root, base, length } = extent;
  switch (plan.kind) {
    case "record":
      return Object.fromEntries(
        plan.properties.map((
          { name, access },
        ) => [name, readAccess(access, extent, 0, budget)]),
      );
    case "atomic":
      return loadLeaf(plan.slot, root, base);
    case "column":
      throw new TypeError("A column is read by its own stride");
    case "elements":
      return elementsOf(
        length,
        budget,
        (index) => loadLeaf(plan.slot, root, base + index * plan.stride),
      );
    case "records":
      return elementsOf(
        length,
        budget,
        (index) =>
          readAccess(plan.element, extent, index * plan.stride, budget),
      );
  }
}

function readAccess(
  access: Access,
  outer: Extent,
  further: number,
  budget: Budget,
): unknown {
  switch (access.kind) {
    case "leaf":
      return loadLeaf(access.slot, outer.root, outer.base + further);
    case "object": {
      const plan = planOf(access.type, access.style);
      return readPlan(plan, extentOf(access, outer, further), budget);
    }
    case "native":
      throw new TypeError("A plan that only reads has no typed arrays");
  }
}
