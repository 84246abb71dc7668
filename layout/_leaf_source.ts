/**
 * The generated code that reads and writes one leaf.
 *
 * A getter is one typed-array access and `?? closed()`, because a typed array
 * whose buffer is detached reads undefined. A setter computes its index through
 * the check: a value that does not fit picks `bad`, a symbol, and adding a
 * symbol throws. That form costs nothing in a hot loop, where a `throw` of our
 * own, inline or in a helper, was measured at four times the bare store. What
 * went wrong is worked out afterwards, out of line.
 */

import type { Style } from "./_plan.ts";
import { bitPlaceOf } from "./_bit_field.ts";
import { LANE_SIZE } from "./_lane.ts";
import { laneOf, type LeafType, type Slot } from "./_leaf_type.ts";
import type { PointerClass } from "./_pointer_class.ts";
import type { AnyType } from "./_registry.ts";

/** Finds the class of a type's pointers. */
export type ClassOf = (
  type: AnyType,
  style: Style,
  wide?: boolean,
) => PointerClass;

/** The names that a piece of code uses, and where it is to find them. */
export class Scope {
  /** Names of the run-time library that the code uses. */
  readonly uses: Set<string> = new Set();
  /** Values of this one class, as `c0`, `c1`, … */
  readonly constants: unknown[] = [];
  /** Where it finds the classes of what it makes. */
  readonly classOf: ClassOf;

  /** An empty scope. */
  constructor(classOf: ClassOf) {
    this.classOf = classOf;
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
function indexOf(offset: string, size: number, wide: boolean): string {
  if (size === 1) return offset;
  return wide ? `(${offset}) / ${size}` : `${offset} >> ${Math.log2(size)}`;
}

/** The condition under which a value `a` fits an integer or a float. */
function accepts(type: LeafType, scope: Scope): string {
  switch (type.kind) {
    case "bool":
      return `typeof a === "boolean"`;
    case "u8":
      return `(a & 255) === a`;
    case "i8":
      return within(-128, 127);
    case "u16":
    case "be16":
      return `(a & 65535) === a`;
    case "i16":
      return within(-32768, 32767);
    case "u32":
    case "be32":
      return `a >>> 0 === a`;
    case "i32":
      return `(a | 0) === a`;
    case "f32":
    case "f64":
      return `typeof a === "number"`;
    case "u64":
    case "be64":
    case "uintptr":
      return `${scope.use("asUintN")}(64, a) === a`;
    case "i64":
      return `${scope.use("asIntN")}(64, a) === a`;
    case "safe":
      return type.base.kind === "u64"
        ? `${scope.use("isSafeInteger")}(a) && a >= 0`
        : `${scope.use("isSafeInteger")}(a)`;
    case "enumeration":
    case "atomic":
      return accepts(type.base, scope);
    case "bits":
      return acceptsBits(type.base, type.width, scope);
    case "text":
      throw new TypeError("Text is not checked by an expression");
  }
}

/** Twice as fast as shifting there and back: the optimiser knows ranges. */
function within(least: number, most: number): string {
  return `(a | 0) === a && a >= ${least} && a <= ${most}`;
}

function acceptsBits(base: LeafType, width: number, scope: Scope): string {
  const lane = laneOf(base as Exclude<LeafType, { kind: "text" }>);
  if (base.kind === "bool") return `typeof a === "boolean"`;
  if (lane === "u64") return `${scope.use("asUintN")}(${width}, a) === a`;
  if (lane === "i64") return `${scope.use("asIntN")}(${width}, a) === a`;
  if (lane.startsWith("i")) {
    return width === 32
      ? `(a | 0) === a`
      : within(-(2 ** (width - 1)), 2 ** (width - 1) - 1);
  }
  return width === 32 ? `a >>> 0 === a` : `(a & ${2 ** width - 1}) === a`;
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

/** What is stored in a lane for a value `a` that fits. */
function encoded(type: LeafType, scope: Scope): string {
  switch (type.kind) {
    case "bool":
      return "+a";
    case "be16":
      return `${scope.use("swap16")}(a)`;
    case "be32":
      return `${scope.use("swap32")}(a)`;
    case "be64":
      return `${scope.use("swap64")}(a)`;
    case "safe":
      return `${scope.use("safeToScratch")}(a)`;
    default:
      return "a";
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

/**
 * Statements that check a value `a` and store it as a leaf.
 *
 * @param position An expression for the leaf's offset within the base; where it
 * is not given, the slot's own.
 * @param condition What must hold besides: an index within bounds.
 */
export function setSource(
  slot: Slot,
  base: Base,
  scope: Scope,
  element?: { readonly position: string; readonly condition: string },
): string {
  const { type } = slot;
  const place = type.kind === "bits" ? bitPlaceOf(slot) : undefined;
  const lane = place === undefined
    ? type.kind === "text" ? undefined : laneOf(type)
    : place.lane;
  const at = place?.offset ?? slot.offset;
  const position = element === undefined ? `${at}` : sum(element.position, at);
  const condition = element === undefined ? "" : `${element.condition} && `;
  const bad = scope.use("bad");

  if (lane === undefined) {
    // Text and scattered bits: rare enough to go through the library.
    const where = element === undefined
      ? base.offset
      : `${base.offset} + (${element.condition} ? ${element.position} : ${bad})`;
    return `${scope.use("checkedStore")}(${
      scope.constant(slot)
    }, ${base.region}, ${where}, a);`;
  }
  const chosen = `${base.offset} + (${condition}${
    accepts(type, scope)
  } ? ${position} : ${bad})`;
  if (!slot.aligned && place === undefined) {
    return `${scope.use("storeUnaligned")}.${lane}(${base.region}, ${chosen}, ${
      encoded(type, scope)
    });`;
  }
  const size = LANE_SIZE[lane];
  const closed = scope.use("closed");
  const value = place === undefined
    ? encoded(type, scope)
    : mergedSource(slot, "v[k]", scope);
  if (size === 8 && place === undefined) {
    // Reading the lane itself would make a bigint only to look at it.
    return `const r = ${base.region}, k = ${chosen};
if (r.u8[k] === undefined) ${closed}();
r.${lane}[${indexOf("k", 8, base.wide)}] = ${value};`;
  }
  return `const v = ${base.region}.${lane}, k = ${
    size === 1
      ? chosen
      : base.wide
      ? `(${chosen}) / ${size}`
      : `${chosen} >> ${Math.log2(size)}`
  };
if (v[k] === undefined) ${closed}();
v[k] = ${value};`;
}

/** A bit-field's unit with the bits of `a` put into it. */
function mergedSource(slot: Slot, unit: string, scope: Scope): string {
  const { shift, width, wide } = bitPlaceOf(slot);
  if (wide) {
    const bits = (1n << BigInt(width)) - 1n << BigInt(shift);
    const others = BigInt.asUintN(64, ~bits);
    return `${unit} & ${others}n | ${
      scope.use("asUintN")
    }(${width}, a) << ${shift}n`;
  }
  const bits = width === 32 ? -1 : 2 ** width - 1;
  return `${unit} & ${~(bits << shift)} | (a & ${bits}) << ${shift}`;
}

/** A condition that is true where `name` cannot be stored as this type. */
export function refusesSource(
  type: LeafType,
  name: string,
  scope: Scope,
): string {
  const lane = laneOf(type as Exclude<LeafType, { kind: "text" }>);
  const base = type.kind === "atomic" ? type.base : type;
  const kind = base.kind === "bool"
    ? "boolean"
    : LANE_SIZE[lane] === 8 && lane !== "f64"
    ? "bigint"
    : "number";
  const fits = accepts(type, scope).replaceAll(/\ba\b/g, name);
  return kind === "boolean"
    ? `typeof ${name} !== "boolean"`
    : `typeof ${name} !== "${kind}" || !(${fits})`;
}
