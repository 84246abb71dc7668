/**
 * Writes whole values from plain data: first everything is checked, then
 * everything is written, and no code of the caller's runs in between.
 */

import { BoundsError, InvalidTypeError } from "../../errors.ts";
import { isDetached } from "../../base/bytes.ts";
import { show } from "../../base/show.ts";
import { overlapsIn, shareBits } from "../model/extents.ts";
import { arrayClearer, paddingClearer } from "../model/clear_padding.ts";
import {
  type AnyType,
  flexibleTailOf,
  isAggregate,
  isOnlyField,
  originOf,
} from "../model/types.ts";
import { nameOfArray } from "../language/array.ts";
import { copyFrom, copyTo } from "../region/copy_whole.ts";
import { reachOf } from "../region/lanes.ts";
import { closed, Region } from "../region/region.ts";
import type { StructType, UnionType } from "../static.ts";
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
import { type Located, titleOf, whereIs } from "./private_fields.ts";
import { read, readLeaf } from "./read_whole.ts";

/** One value to be stored. */
interface LeafStep {
  readonly place: LeafPlace;
  readonly base: number;
  readonly value: unknown;
  readonly ground: Ground;
}

/** Bytes to be copied from where a pointer points. */
interface CopyStep {
  readonly from: Located;
  readonly base: number;
  readonly size: number;
  /** Clears the padding of what is copied. */
  readonly clear: ((bytes: Uint8Array, offset: number) => void) | undefined;
}

type Step = LeafStep | CopyStep;

/** Members that share bytes; which of them are written is settled at the end. */
interface SharedStep {
  readonly type: StructType | UnionType;
  readonly claims: readonly Claim[];
  readonly target: Target;
}

type Collected = Step | SharedStep;

/**
 * The contents before a write: a value, or zeros. Members that share bytes and
 * say what is there already have nothing to say; of zeros nobody knows that.
 */
type Ground = "value" | "zeros";

/** A stretch of memory that is written as a whole. */
interface Target {
  /** The whole region. */
  readonly root: Region;
  /** The offset in it, in bytes. */
  readonly base: number;
  /** The bytes there are for what ends in a flexible array. */
  readonly bytes: number;
  /** An array's length in elements. */
  readonly length: number;
  /** The contents before the write. */
  readonly ground: Ground;
}

/** The stretch that an access leads to, within another. */
function targetOf(
  { offset, length, stride }: ObjectAccess,
  outer: Target,
  further: number,
): Target {
  const start = further + offset;
  const bytes = outer.bytes - start;
  return {
    ...outer,
    base: outer.base + start,
    bytes,
    length: length === "flexible" ? countIn(bytes, stride) : length ?? 0,
  };
}

/**
 * Writes values where a pointer points.
 *
 * @param located The place to write to.
 * @param values The values, which may have getters.
 * @param check Called once all values were read, before any is written.
 * @throws {TypeError} if a value is of the wrong kind, or a name is no field.
 * @throws {RangeError} if a value does not fit, or two values that share bytes
 * differ.
 */
export function write(
  located: Located,
  values: unknown,
  check?: () => void,
): void {
  const { pointerClass, root, absolute, extent, length } = located;
  const { type, mode, place } = pointerClass;
  const name = titleOf(located);
  if (place !== undefined) {
    throw new TypeError(
      "Cannot assign to a column: store its values one by one",
    );
  }
  const plan = planOf(type, { writable: false, aligned: mode.aligned });
  const steps: Collected[] = [];
  const target: Target = {
    root,
    base: absolute,
    bytes: extent,
    length,
    ground: "value",
  };
  if (plan.kind === "struct" && plan.isValue) {
    const { access } = plan.properties[0]!;
    collectAccess(access, target, 0, values, name, steps);
  } else {
    collect(type, plan, target, values, name, steps);
  }
  check?.();
  applyAll(root, steps);
}

/**
 * Writes values of a type over zeros at an offset of a region.
 *
 * @param base The offset in bytes, aligned as the type is.
 * @param bytes The number of bytes for what ends in a flexible array.
 * @param check Called once all values were read, before any is written.
 * @throws {TypeError} if a value is of the wrong kind, or a name is no field.
 * @throws {RangeError} if a value does not fit, or two values that share bytes
 * differ.
 */
export function writeValue(
  type: AnyType,
  root: Region,
  base: number,
  bytes: number,
  values: unknown,
  check?: () => void,
): void {
  const access = accessTo(type, type.name, 0, READABLE);
  const steps: Collected[] = [];
  const target: Target = { root, base, bytes, length: 0, ground: "zeros" };
  collectAccess(access, target, 0, values, type.name, steps);
  check?.();
  applyAll(root, steps);
}

// ---------------------------------------------------------------- writing

function applyAll(root: Region, collected: readonly Collected[]): void {
  if (root.closed) closed(root);
  const steps = settleAll(collected);
  for (const step of steps) {
    if ("from" in step && step.from.root.closed) closed(step.from.root);
  }
  // With more than one step, one may write what another is to copy.
  const copies = steps.length > 1
    ? steps.map((step) => "from" in step ? copyOf(step) : undefined)
    : [];
  steps.forEach((step, index) => apply(root, 0, step, copies[index]));
}

/**
 * Does one step.
 *
 * @param shift The bytes by which the value lies before its own offset here.
 */
function apply(
  root: Region,
  shift: number,
  step: Step,
  copied?: Uint8Array,
): void {
  if ("from" in step) {
    copyTo(root, step.base - shift, copied ?? copyOf(step));
    return;
  }
  const { place: { leaf, aligned, offset, path }, value, ground } = step;
  const at = step.base - shift + offset;
  const reach = reachOf(aligned, true);
  // Of what is not a number there are many, which read alike: it stays.
  if (
    value !== value && Number.isNaN(leaf.load(reach).plain()(root, at, path))
  ) {
    return;
  }
  const store = ground === "zeros" && leaf.storeOverZeros ||
    leaf.store(reach).plain();
  store(root, at, value as never);
}

/** The bytes that a step copies, with zeros for padding. */
function copyOf({ from, size, clear }: CopyStep): Uint8Array {
  const bytes = copyFrom(from.root, from.absolute, size);
  clear?.(bytes, 0);
  return bytes;
}

// ---------------------------------------------------------------- shared bytes

/** A value that was given for a member that shares bytes with others. */
interface Claim {
  readonly name: string;
  readonly path: string;
  readonly steps: readonly Collected[];
}

/** The same, where the steps within it are settled. */
interface SettledClaim extends Omit<Claim, "steps"> {
  readonly steps: readonly Step[];
}

/** The steps that are left when all members that share bytes are settled. */
function settleAll(collected: readonly Collected[]): Step[] {
  return collected.flatMap((step) =>
    "claims" in step
      ? settle(
        step.type,
        step.claims.map((claim) => ({
          ...claim,
          steps: settleAll(claim.steps),
        })),
        step.target,
      )
      : step
  );
}

/** Tests whether a step would change nothing that can be read. */
function isThere(step: Step, root: Region, shift: number): boolean {
  if ("from" in step) {
    const start = step.base - shift;
    return copyOf(step).every((byte, index) => root.u8[start + index] === byte);
  }
  return step.place.leaf.readsAs(step.value, valueAt(step, root, shift));
}

/** Reads the value where a step writes; undefined for a `safe` that is not. */
function valueAt({ place, base }: LeafStep, root: Region, shift: number) {
  try {
    return readLeaf(place, root, base - shift);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The steps of members that share bytes: without those that say what is there,
 * and only if the others agree.
 *
 * @throws {RangeError} if two of them say different things.
 */
function settle(
  type: StructType | UnionType,
  claims: readonly SettledClaim[],
  target: Target,
): Step[] {
  const { root, base, bytes, ground } = target;
  const open = ground === "zeros"
    ? claims
    : claims.filter(({ steps }) =>
      steps.some((step) => !isThere(step, root, 0))
    );
  const steps = open.flatMap(({ steps }) => steps).sort(vagueFirst);
  if (open.length > 1) {
    const isOpenEnded = flexibleTailOf(type) !== undefined;
    const size = isOpenEnded ? Math.max(bytes, type.size) : type.size;
    const trial = trialOf(root, base, size);
    const shift = base - base % 8;
    for (const step of steps) apply(trial, shift, step);
    const lost = open.find(({ steps }) =>
      steps.some((step) => !isThere(step, trial, shift))
    );
    if (lost !== undefined) {
      const other = open.find((claim) =>
        claim !== lost && shareBits(type, claim.name, lost.name)
      ) ?? open.find((claim) =>
        claim !== lost
      )!;
      throw new RangeError(
        `Cannot store both ${lost.path} and ${other.path}: they share bytes and differ`,
      );
    }
  }
  return steps;
}

/** Orders steps so that what many bytes read as does not undo what one does. */
function vagueFirst(one: Step, other: Step): number {
  return vaguenessOf(other) - vaguenessOf(one);
}

function vaguenessOf(step: Step): number {
  if ("from" in step || !step.place.leaf.isVague(step.value)) return 0;
  // A boolean needs one bit, a text its characters, what is no number most bits.
  return typeof step.value === "boolean"
    ? 1
    : typeof step.value === "string"
    ? 2
    : 3;
}

/** A copy of the bytes from an offset on, as aligned as they are. */
function trialOf(root: Region, base: number, size: number): Region {
  const bytes = new Uint8Array(base % 8 + size);
  if (root.closed) closed(root);
  bytes.set(root.u8.subarray(base, base + size), base % 8);
  return new Region(bytes.buffer, 0, bytes.length, "buffer");
}

// ---------------------------------------------------------------- collecting

function collect(
  type: AnyType,
  plan: Plan,
  target: Target,
  values: unknown,
  path: string,
  steps: Collected[],
): void {
  const from = whereIs(values);
  if (from !== undefined && plan.kind !== "atomic") {
    steps.push(copyStep(type, from, target, target.base, path));
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
      const { base, ground } = target;
      steps.push({ place: plan.place, base, value, ground });
      break;
    }
    case "column":
      throw new TypeError("A column is no place of its own");
    default:
      collectElements(plan, target, values, path, steps);
  }
}

/** Copies another value of the same type. */
function copyStep(
  type: AnyType,
  from: Located,
  target: Target,
  base: number,
  path: string,
): CopyStep {
  const { type: other, place } = from.pointerClass;
  if (place !== undefined) {
    throw new TypeError(`Cannot assign a column to ${path}`);
  }
  if (type.kind === "array" && other.kind === "array") {
    const element = type.element as AnyType;
    if (originOf(element) === originOf(other.element)) {
      const { length } = from;
      if (length > target.length) tooLong(path, target, length);
      const clear = arrayClearer(element, length);
      return { from, base, size: length * element.size, clear };
    }
  } else if (originOf(type) === originOf(other)) {
    return { from, base, size: type.size, clear: paddingClearer(type) };
  }
  throw new InvalidTypeError(
    `Cannot assign a ${nameOf(other, from)} to ${path}: must be of type ${
      nameOf(type, target)
    }`,
  );
}

/** The name of a type; of an array's that of its own length. */
function nameOf(
  type: AnyType,
  { length }: { readonly length: number },
): string {
  return type.kind === "array"
    ? nameOfArray(type.element, `${length}`)
    : type.name;
}

function tooLong(path: string, target: Target, length: number): never {
  throw new BoundsError(
    `Cannot store ${length} elements as ${path}: there are ${target.length}`,
  );
}

function collectFields(
  type: AnyType,
  plan: StructPlan,
  target: Target,
  values: unknown,
  path: string,
  steps: Collected[],
): void {
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new TypeError(
      `Cannot store ${show(values)} as ${path}: must be an object`,
    );
  }
  if (!isAggregate(type)) return;
  const byName = new Map(
    plan.properties.map((property) => [property.name, property]),
  );
  const overlapping = overlapsIn(type);
  const claims: Claim[] = [];
  const names = Object.keys(values);
  if (names.length === 0) requirePlain(values, path);
  for (const name of names) {
    const property = byName.get(name);
    if (property === undefined) {
      throw new TypeError(
        `Cannot store ${show(name)} in ${path}: ${type.name} has no such field`,
      );
    }
    const value = (values as Record<string, unknown>)[name];
    const inner = `${path}.${name}`;
    const isShared = overlapping.has(name);
    const into: Collected[] = isShared ? [] : steps;
    collectAccess(property.access, target, 0, value, inner, into);
    if (isShared) claims.push({ name, path: inner, steps: into });
  }
  if (claims.length > 0) steps.push({ type, claims, target });
}

/**
 * Refuses objects whose values are all somewhere else, so that none is lost
 * without a word: a Map, or a pointer of another copy of this package.
 */
function requirePlain(values: object, path: string): void {
  const prototype = Object.getPrototypeOf(values) as object | null;
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return;
  throw new TypeError(
    `Cannot store an object without properties of its own as ${path}: the fields must be its own, not those of its class`,
  );
}

function collectElements(
  plan: ElementsPlan | ObjectsPlan,
  target: Target,
  values: unknown,
  path: string,
  steps: Collected[],
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
  if (length === 0 && ArrayBuffer.isView(values) && isDetached(values.buffer)) {
    throw new TypeError(
      `Cannot store an array whose buffer is detached as ${path}`,
    );
  }
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
  target: Target,
  further: number,
  value: unknown,
  path: string,
  steps: Collected[],
): void {
  switch (access.kind) {
    case "leaf": {
      const { place } = access;
      const base = target.base + further;
      const from = isOnlyField(place.type) ? undefined : whereIs(value);
      if (from !== undefined) {
        const at = base + place.offset;
        steps.push(copyStep(place.type, from, target, at, path));
        break;
      }
      const { leaf } = place;
      leaf.check(value, path);
      steps.push({
        place,
        base,
        value: leaf.capture === undefined ? value : leaf.capture(value),
        ground: target.ground,
      });
      break;
    }
    case "object": {
      const inner = targetOf(access, target, further);
      const plan = planOf(access.type, access.mode);
      collect(access.type, plan, inner, value, path, steps);
      break;
    }
    case "native":
      throw new TypeError("A plan that only reads has no typed arrays");
  }
}
