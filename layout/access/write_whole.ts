/**
 * Writes whole values from plain data: first everything is checked, then
 * everything is written, and no code of the caller's runs in between.
 */

import { BoundsError, InvalidTypeError } from "../../errors.ts";
import { checkValue } from "../leaves/check_value.ts";
import { NativeUint8Array, typedArraySet } from "../intrinsics.ts";
import { storeLeaf } from "../leaves/leaf.ts";
import type { Slot } from "../leaves/leaf_type.ts";
import { type Access, accessTo, type Plan, planOf } from "./plan.ts";
import { locate, type Located } from "./private_fields.ts";
import { type Extent, extentOf, read } from "./read_whole.ts";
import { closed, type Region } from "../region/region.ts";
import { type AnyType, originOf } from "../model/types.ts";
import { show } from "../../base/show.ts";

/** One thing to be written. */
type Step =
  | { readonly slot: Slot; readonly base: number; readonly value: unknown }
  // The object, not where it points: steps go through arrays, whose methods a
  // program can replace, and a region must not.
  | { readonly from: unknown; readonly base: number; readonly size: number };

/**
 * Writes values where a pointer points.
 *
 * @throws {TypeError} If a value is of the wrong kind, or a name is no field.
 * @throws {RangeError} If a value does not fit.
 */
export function write(located: Located, values: unknown): void {
  const { made: { type, style, slot }, root, absolute, extent, length } =
    located;
  if (slot !== undefined) {
    throw new TypeError(
      "Cannot assign to a column: store its values one by one",
    );
  }
  const plan = planOf(type, { writable: false, aligned: style.aligned });
  const steps: Step[] = [];
  const target = { root, base: absolute, bytes: extent, length };
  if (
    plan.kind === "record" && type.kind !== "struct" && type.kind !== "union"
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
  const access = accessTo(type, type.name, 0, {
    writable: false,
    aligned: true,
  });
  const steps: Step[] = [];
  const target = { root, base, bytes, length: 0 };
  collectAccess(access, target, 0, values, type.name, steps);
  applyAll(root, steps);
}

function applyAll(root: Region, steps: readonly Step[]): void {
  if (root.closed) closed(root);
  for (const step of steps) {
    if ("from" in step && locate(step.from)!.root.closed) closed();
  }
  // With more than one step, one may write what another is to copy.
  const copies = steps.length > 1
    ? steps.map((step) => "from" in step ? bytesOf(step, true) : undefined)
    : [];
  steps.forEach((step, index) => apply(root, step, copies[index]));
}

function apply(
  root: Region,
  step: Step,
  copied: Uint8Array | undefined,
): void {
  if ("slot" in step) {
    storeLeaf(step.slot, root, step.base, step.value);
  } else {
    typedArraySet(root.u8, copied ?? bytesOf(step, false), step.base);
  }
}

/** The bytes that a step copies, or a copy of them. */
function bytesOf(
  { from, size }: Extract<Step, { from: unknown }>,
  apart: boolean,
): Uint8Array {
  const { root, absolute } = locate(from)!;
  const bytes = new NativeUint8Array(root.buffer, root.start + absolute, size);
  if (!apart) return bytes;
  const copy = new NativeUint8Array(size);
  typedArraySet(copy, bytes);
  return copy;
}

function collect(
  type: AnyType,
  plan: Plan,
  target: Extent,
  values: unknown,
  path: string,
  steps: Step[],
): void {
  const from = locate(values);
  if (from !== undefined && plan.kind !== "atomic") {
    const size = copySize(type, from, target, path);
    steps.push({ from: values, base: target.base, size });
    return;
  }
  switch (plan.kind) {
    case "record":
      collectFields(type, plan, target, values, path, steps);
      break;
    case "atomic": {
      const same = from !== undefined &&
        originOf(from.made.type) === originOf(type);
      const value = same ? read(from) : values;
      checkValue(plan.type, value, path);
      steps.push({ slot: plan.slot, base: target.base, value });
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
  const other = from.made.type;
  if (from.made.slot !== undefined) {
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
  plan: Extract<Plan, { kind: "record" }>,
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
  plan: Extract<Plan, { kind: "elements" | "records" }>,
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
    const access: Access = plan.kind === "records"
      ? plan.element
      : { kind: "leaf", slot: plan.slot };
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
      const { slot } = access;
      const base = target.base + further;
      const from = slot.bit === undefined ? locate(value) : undefined;
      if (from !== undefined) {
        const size = copySize(slot.type, from, target, path);
        steps.push({ from: value, base: base + slot.offset, size });
        break;
      }
      checkValue(slot.type, value, path);
      steps.push({ slot, base, value });
      break;
    }
    case "object": {
      const extent = extentOf(access, target, further);
      const plan = planOf(access.type, access.style);
      collect(access.type, plan, extent, value, path, steps);
      break;
    }
    case "native":
      throw new TypeError("A plan that only reads has no typed arrays");
  }
}
