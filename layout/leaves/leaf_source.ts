/**
 * The generated code that reads one leaf: one typed-array access and
 * `?? closed()`, because a typed array whose buffer is detached reads undefined.
 */

import type { Style } from "../access/plan.ts";
import { bitPlaceOf } from "./bits.ts";
import { LANE_SIZE } from "../region/lanes.ts";
import { laneOf, type Slot } from "./leaf_type.ts";
import type { PointerClass } from "../access/private_fields.ts";
import type { AnyType } from "../model/types.ts";

/** Finds the class of a type's pointers. */
export type ClassOf = (
  type: AnyType,
  style: Style,
  wide?: boolean,
  moving?: boolean,
) => PointerClass;

/** The names that a piece of code uses, and where it is to find them. */
export class Scope {
  /** Names of the run-time library that the code uses. */
  readonly uses: Set<string> = new Set();
  /** Values of this one class, as `c0`, `c1`, … */
  readonly constants: unknown[] = [];
  /** Statements that stand before the class, each once. */
  readonly prelude: Set<string> = new Set();
  /** Where it finds the classes of what it makes. */
  readonly classOf: ClassOf;

  /** Whether the objects of the class can be pointed elsewhere. */
  readonly moving: boolean;

  /** An empty scope. */
  constructor(classOf: ClassOf, moving: boolean) {
    this.classOf = (type, style, wide) => classOf(type, style, wide, moving);
    this.moving = moving;
  }

  /** Uses a name of the run-time library. */
  use(name: string): string {
    this.uses.add(name);
    return name;
  }

  /** Names a value. */
  constant(value: unknown): string {
    const known = this.constants.indexOf(value);
    return `c${known < 0 ? this.constants.push(value) - 1 : known}`;
  }
}

/** How code names the region and the offset that it starts from. */
export interface Base {
  /** The region. */
  readonly region: string;
  /** The offset in bytes. */
  readonly offset: string;
  /** Whether offsets may lie beyond 31 bits, so that `>>` would be wrong. */
  readonly wide: boolean;
}

/** `base + offset` without a needless `+ 0`. */
export function sum(base: string, offset: number): string {
  return offset === 0 ? base : `${base} + ${offset}`;
}

/** The index in a lane of an offset in bytes. */
export function indexOf(offset: string, size: number, wide: boolean): string {
  if (size === 1) return offset;
  return wide ? `(${offset}) / ${size}` : `${offset} >> ${Math.log2(size)}`;
}

/** The value that a program sees for what was read from a lane. */
function decoded(slot: Slot, raw: string, scope: Scope): string {
  const { type } = slot;
  switch (type.kind) {
    case "bool":
      return `(${raw}) !== 0`;
    case "be16":
      return `${scope.use("swap16")}(${raw})`;
    case "be32":
      return `${scope.use("swap32")}(${raw})`;
    case "be64":
      return `${scope.use("swap64")}(${raw})`;
    case "safe": {
      // Two 32-bit loads from the mapping could be of two different values, so
      // all 64 bits are loaded at once and taken apart in private memory.
      const whole = `${scope.use("scratch64")}[0] = ${raw}`;
      const path = JSON.stringify(slot.path);
      const halves = scope.use("scratch32");
      const slow = scope.use("safeFromScratch");
      return type.base.kind === "i64"
        ? `(${whole}, ${slow}(true, ${path}))`
        : `(${whole}, ${halves}[1] < 2097152 ? ${halves}[1] * 4294967296 + ${halves}[0] : ${slow}(false, ${path}))`;
    }
    default:
      return raw;
  }
}

/** A condition for reading an element, and what to do where it does not hold. */
export interface Guard {
  /** What must hold. */
  readonly condition: string;
  /** An expression that throws. */
  readonly otherwise: string;
}

/** Whether a leaf is read by a single access, which can be guarded. */
export function isSingle(slot: Slot): boolean {
  return slot.aligned && slot.type.kind !== "text" && slot.type.kind !== "bits";
}

/**
 * An expression that reads a leaf.
 *
 * @param guard For single accesses by shift: where the condition does not hold
 * the index becomes -1, which no typed array has. That is a third cheaper in a
 * scan than any way to throw.
 */
export function getSource(
  slot: Slot,
  base: Base,
  scope: Scope,
  guard?: Guard,
): string {
  const { type } = slot;
  const { region, wide } = base;
  const offset = sum(base.offset, slot.offset);
  if (type.kind === "text") {
    return `${scope.use("readText")}(${region}, ${offset}, ${type.length})`;
  }
  if (type.kind === "bits") return getBitsSource(slot, base, scope);
  const lane = laneOf(type);
  const index = indexOf(offset, LANE_SIZE[lane], wide);
  const raw = slot.aligned
    ? guard === undefined
      ? `${region}.${lane}[${index}] ?? ${scope.use("closed")}()`
      : `${region}.${lane}[${index} | (${guard.condition} ? 0 : -1)] ?? ${guard.otherwise}`
    : `${scope.use("loadUnaligned")}.${lane}(${region}, ${offset})`;
  return decoded(slot, raw, scope);
}

function getBitsSource(slot: Slot, base: Base, scope: Scope): string {
  const place = bitPlaceOf(slot);
  const { lane, shift, width } = place;
  const isBool = slot.type.kind === "bits" && slot.type.base.kind === "bool";
  if (lane === undefined) {
    const value = `${scope.use("loadBits")}(${base.region}, ${
      scope.constant(place)
    }, ${base.offset})`;
    return isBool ? `${value} !== 0` : value;
  }
  const index = indexOf(
    sum(base.offset, place.offset),
    LANE_SIZE[lane],
    base.wide,
  );
  const raw = `(${base.region}.${lane}[${index}] ?? ${scope.use("closed")}())`;
  if (isBool) return `(${raw} >>> ${shift} & 1) !== 0`;
  if (place.wide) {
    const cut = scope.use(place.signed ? "asIntN" : "asUintN");
    return `${cut}(${width}, ${raw} >> ${shift}n)`;
  }
  if (place.signed) {
    return `${raw} << ${32 - shift - width} >> ${32 - width}`;
  }
  return width === 32
    ? `${raw} >>> 0`
    : `${raw} >>> ${shift} & ${2 ** width - 1}`;
}
