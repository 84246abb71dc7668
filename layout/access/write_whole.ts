/**
 * Writes whole values from plain data: first everything is checked, then
 * everything is written, and no code of the caller's runs in between.
 */

import { BoundsError, InvalidTypeError } from "../../errors.ts";
import { countIn } from "./indices.ts";
import {
  type Access,
  accessTo,
  type ElementsPlan,
  type LeafPlace,
  type ObjectAccess,
  type ObjectsPlan,
  type Plan,
  planOf,
  READABLE,
  type StructPlan,
} from "./plan.ts";
import { type Located, whereIs } from "./private_fields.ts";
import { read } from "./read_whole.ts";
import { reachOf } from "../region/lanes.ts";
import { closed, type Region } from "../region/region.ts";
import { type AnyType, originOf } from "../model/types.ts";
import { show } from "../../base/show.ts";

/** One thing to be written. */
type Step =
  | {
    readonly place: LeafPlace;
    readonly base: number;
    readonly value: unknown;
  }
  | { readonly from: Located; readonly base: number; readonly size: number };

/** A stretch of memory that is written as a whole. */
interface Extent {
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
function extentOf(
  { offset, length, stride }: ObjectAccess,
  outer: Extent,
  further: number,
): Extent {
  const start = further + offset;
  const bytes = outer.bytes - start;
  return {
    root: outer.root,
    base: outer.base + start,
    bytes,
    length: length === "flexible" ? countIn(bytes, stride) : length ?? 0,
  };
}

/**
 * Writes values where a pointer points.
 *
 * @throws {TypeError} If a value is of the wrong kind, or a name is no field.
 * @throws {RangeError} If a value does not fit.
 */
export function write(located: Located, values: unknown): void {
  const { pointerClass, root, absolute, extent, length } = located;
  const { type, mode, place } = pointerClass;
  if (place !== undefined) {
    throw new TypeError(
      "Cannot assign to a column: store its values one by one",
    );
  }
  const plan = planOf(type, { writable: false, aligned: mode.aligned });
  const steps: Step[] = [];
  const target = { root, base: absolute, bytes: extent, length };
  if (
    plan.kind === "struct" && type.kind !== "struct" && type.kind !== "union"
  ) {
    collectAccess(
      plan.properties[0]!.access,
      target,
      0,
      values,
      type.name,
      steps,
    );
  } else {
    collect(type, plan, target, values, type.name, steps);
  }
  applyAll(root, steps);
}

/**
 * Writes values of a type at an offset of a region, as {@linkcode write} writes
 * them where a pointer points.
 *
 * @param base The offset in bytes, aligned as the type is.
 * @param bytes How many bytes there are for what ends in a flexible array.
 */
export function writeValue(
  type: AnyType,
  root: Region,
  base: number,
  bytes: number,
  values: unknown,
): void {
  const access = accessTo(type, type.name, 0, READABLE);
  const steps: Step[] = [];
  const target = { root, base, bytes, length: 0 };
  collectAccess(access, target, 0, values, type.name, steps);
  applyAll(root, steps);
}

function applyAll(root: Region, steps: readonly Step[]): void {
  if (root.closed) closed(root);
  for (const step of steps) {
    if ("from" in step && step.from.root.closed) closed(step.from.root);
  }
  // With more than one step, one may write what another is to copy.
  const copies = steps.length > 1
    ? steps.map((step) => "from" in step ? bytesOf(step).slice() : undefined)
    : [];
  steps.forEach((step, index) => apply(root, step, copies[index]));
}

function apply(
  root: Region,
  step: Step,
  copied: Uint8Array | undefined,
): void {
  if ("place" in step) {
    const { leaf, aligned, offset } = step.place;
    const store = leaf.store(reachOf(aligned, true)).plain();
    store(root, step.base + offset, step.value as never);
  } else {
    root.u8.set(copied ?? bytesOf(step), step.base);
  }
}

/** The bytes that a step copies. */
function bytesOf(
  { from, size }: Extract<Step, { from: unknown }>,
): Uint8Array {
  const { root, absolute } = from;
  return new Uint8Array(root.buffer, root.start + absolute, size);
}

function collect(
  type: AnyType,
  plan: Plan,
  target: Extent,
  values: unknown,
  path: string,
  steps: Step[],
): void {
  const from = whereIs(values);
  if (from !== undefined && plan.kind !== "atomic") {
    const size = copySize(type, from, target, path);
    steps.push({ from, base: target.base, size });
    return;
  }
  switch (plan.kind) {
    case "struct":
      collectFields(type, plan, target, values, path, steps);
      break;
    case "atomic": {
      const same = from !== undefined &&
        originOf(from.pointerClass.type) === originOf(type);
      const value = same ? read(from) : values;
      plan.place.leaf.check(value, path);
      steps.push({ place: plan.place, base: target.base, value });
      break;
    }
    case "column":
      throw new TypeError("A column is no place of its own");
    default:
      collectElements(plan, target, values, path, steps);
  }
}

/** How many bytes to copy of another value of the same type. */
function copySize(
  type: AnyType,
  from: Located,
  target: Extent,
  path: string,
): number {
  const { type: other, place } = from.pointerClass;
  if (place !== undefined) {
    throw new TypeError(`Cannot assign a column to ${path}`);
  }
  if (type.kind === "array" && other.kind === "array") {
    const [element, given] = [type.element, other.element];
    if (originOf(element) === originOf(given)) {
      if (from.length > target.length) tooLong(path, target, from.length);
      return from.length * element.size;
    }
  } else if (originOf(type) === originOf(other)) {
    return type.size;
  }
  throw new InvalidTypeError(
    `Cannot assign a ${other.name} to ${path}: must be of type ${type.name}`,
  );
}

function tooLong(path: string, target: Extent, length: number): never {
  throw new BoundsError(
    `Cannot store ${length} elements as ${path}: there are ${target.length}`,
  );
}

function collectFields(
  type: AnyType,
  plan: StructPlan,
  target: Extent,
  values: unknown,
  path: string,
  steps: Step[],
): void {
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new TypeError(
      `Cannot store ${show(values)} as ${path}: must be an object`,
    );
  }
  const names = Object.keys(values);
  const byName = new Map(
    plan.properties.map((property) => [property.name, property]),
  );
  if (type.kind === "union" && names.length > 1) {
    throw new TypeError(
      `Cannot store ${names.length} members as ${path}: must be one, as they share their bytes`,
    );
  }
  for (const name of names) {
    const property = byName.get(name);
    if (property === undefined) {
      throw new TypeError(
        `Cannot store ${show(name)} in ${path}: ${type.name} has no such field`,
      );
    }
    const value = (values as Record<string, unknown>)[name];
    collectAccess(property.access, target, 0, value, `${path}.${name}`, steps);
  }
}

function collectElements(
  plan: ElementsPlan | ObjectsPlan,
  target: Extent,
  values: unknown,
  path: string,
  steps: Step[],
): void {
  const { length } = (values ?? {}) as { length?: unknown };
  if (
    typeof values !== "object" || typeof length !== "number" ||
    !Number.isSafeInteger(length) || length < 0
  ) {
    throw new TypeError(
      `Cannot store ${show(values)} as ${path}: must be an array`,
    );
  }
  if (length > target.length) tooLong(path, target, length);
  for (let index = 0; index < length; index++) {
    const value = (values as ArrayLike<unknown>)[index];
    const access: Access = plan.kind === "objects"
      ? plan.element
      : { kind: "leaf", place: plan.place };
    const further = index * plan.stride;
    collectAccess(access, target, further, value, `${path}[${index}]`, steps);
  }
}

function collectAccess(
  access: Access,
  target: Extent,
  further: number,
  value: unknown,
  path: string,
  steps: Step[],
): void {
  switch (access.kind) {
    case "leaf": {
      const { place } = access;
      const base = target.base + further;
      const from = place.type.kind === "bits" ? undefined : whereIs(value);
      if (from !== undefined) {
        const size = copySize(place.type, from, target, path);
        steps.push({ from, base: base + place.offset, size });
        break;
      }
      place.leaf.check(value, path);
      steps.push({ place, base, value });
      break;
    }
    case "object": {
      const extent = extentOf(access, target, further);
      const plan = planOf(access.type, access.mode);
      collect(access.type, plan, extent, value, path, steps);
      break;
    }
    case "native":
      throw new TypeError("A plan that only reads has no typed arrays");
  }
}
