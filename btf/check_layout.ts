/** Types written by hand against BTF. */

import { declarationOf } from "../layout/declaration.ts";
import { isLeaf } from "../layout/leaves/leaf_of.ts";
import { bitsOf } from "../layout/model/extents.ts";
import {
  aggregateOf,
  type AnyType,
  isAggregate,
  isFlexible,
  type Member,
  requireType,
} from "../layout/model/types.ts";
import type { StructType, Type, UnionType } from "../layout/static.ts";
import type { Btf } from "./btf.ts";
import type { BtfKind } from "./types.ts";

/** One thing in which a type differs from BTF. */
export interface LayoutDifference {
  /** The path of the member: `"sk_buff.len"`. */
  readonly path: string;
  /**
   * The difference: `offset` and `size` are in bits for bit-fields and in bytes
   * for all else, `length` in elements; `sign` is that of an integer, `kind`
   * tells integers, floats, arrays and structs apart. `missing` is a field of
   * BTF whose bytes the type leaves as a gap, `unknown` one of the type that
   * BTF does not have.
   */
  readonly what:
    | "offset"
    | "size"
    | "sign"
    | "kind"
    | "length"
    | "missing"
    | "unknown";
  /** The value that the type has. */
  readonly actual: string;
  /** The value that BTF has. */
  readonly expected: string;
}

/** The result of {@linkcode checkLayout}. */
export interface LayoutCheck {
  /** True if there is no difference. */
  readonly ok: boolean;
  /** All differences, in the order of the fields. */
  readonly differences: readonly LayoutDifference[];
  /** The differences, and both layouts side by side. */
  toString(): string;
}

/**
 * Compares a type that was written by hand with what BTF says: offsets, sizes,
 * signs, and which fields there are. Fields that BTF has may be left out of the
 * type where padding, or another member, stands in their place. Structs that
 * other structs are made of are compared as well; what pointers point to is not.
 *
 * An `atomic`, `safe` or enumeration is compared as the integer that it is; text
 * may stand for bytes, `u8` for a boolean, and `u64` for a pointer. The differences
 * of a struct that is there several times are told once, at its first path.
 *
 * @param type The type.
 * @param btf The BTF to compare it with.
 * @param nameOrId Its name or id there, as in {@linkcode Btf.layout}; by default a
 * type of the same name.
 * @param kind The kind that it must be of there.
 * @throws {InvalidTypeError} if it is not a type made by this package.
 * @throws {BtfError} if BTF has no such type, or no layout of it.
 *
 * @example A field that was forgotten
 * ```ts
 * import { HostLayout, struct, uintptr } from "@hostmem/hostmem";
 * import { Btf, checkLayout } from "@hostmem/hostmem/btf";
 *
 * const list = struct("list_head", { _: HostLayout, next: uintptr });
 * try {
 *   const check = checkLayout(list, Btf.kernel());
 *   if (!check.ok) console.log(String(check));
 *   // list_head: size is 8, BTF has 16
 *   // list_head.prev: missing, BTF has struct list_head * at 8
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * ```
 */
export function checkLayout(
  type: Type,
  btf: Btf,
  nameOrId: string | number = type.name,
  kind?: BtfKind,
): LayoutCheck {
  const own = requireType(type, "checkLayout()");
  const told = btf.layout(nameOrId, kind) as AnyType;
  const differences: LayoutDifference[] = [];
  compare(own, told, own.name, { found: differences, compared: new Map() });
  return Object.freeze({
    ok: differences.length === 0,
    differences: Object.freeze(differences),
    toString: () => describe(own, told, differences),
  });
}

/** Describes the kind of a value, as far as its bytes tell. */
function shapeOf(type: AnyType): string {
  switch (type.kind) {
    case "safe":
    case "enumeration":
    case "bits":
    case "atomic":
      return shapeOf(type.base);
    case "f16":
    case "f32":
    case "f64":
    case "bef32":
    case "bef64":
      return "a float";
    case "struct":
    case "union":
      return `a ${type.kind}`;
    case "array":
      return "an array";
    case "text":
    case "text16":
      return "text";
    case "bytes":
      return "an array";
    default:
      return "an integer";
  }
}

/**
 * Tests whether an integer is signed; undefined where it makes no difference.
 */
function signOf(type: AnyType): "signed" | "unsigned" | undefined {
  switch (type.kind) {
    case "i8":
    case "i16":
    case "i32":
    case "i64":
    case "i128":
    case "bei16":
    case "bei32":
    case "bei64":
      return "signed";
    case "safe":
    case "enumeration":
    case "bits":
    case "atomic":
      return signOf(type.base);
    case "bool":
      return undefined;
    default:
      return shapeOf(type) === "an integer" ? "unsigned" : undefined;
  }
}

/** The state of one comparison. */
interface Comparison {
  /** The differences so far. */
  readonly found: LayoutDifference[];
  /**
   * Pairs of structs that were looked at, and whose differences were told at their
   * first path: a few structs, each with two of the next, are reached on millions.
   */
  readonly compared: Map<AnyType, Set<AnyType>>;
}

function compare(
  own: AnyType,
  told: AnyType,
  path: string,
  comparison: Comparison,
): void {
  const { found } = comparison;
  function differ(
    what: LayoutDifference["what"],
    actual: unknown,
    expected: unknown,
  ): void {
    found.push({ path, what, actual: `${actual}`, expected: `${expected}` });
  }

  const [shape, toldShape] = [shapeOf(own), shapeOf(told)];
  if (own.kind === "array" && told.kind === "array") {
    if (lengthOf(own) !== lengthOf(told)) {
      differ("length", lengthOf(own), lengthOf(told));
    }
    compare(
      own.element as AnyType,
      told.element as AnyType,
      `${path}[]`,
      comparison,
    );
    return;
  }
  if (own.size !== told.size && own.kind !== "bits") {
    differ("size", own.size, told.size);
  }
  if (isAggregate(own) && isAggregate(told)) {
    compareOnce(own, told, path, comparison);
  } else if (shape !== toldShape && !areUnits(own, told)) {
    differ("kind", shape, toldShape);
  } else {
    const [sign, toldSign] = [signOf(own), signOf(told)];
    if (sign !== toldSign && sign !== undefined && toldSign !== undefined) {
      differ("sign", sign, toldSign);
    }
  }
}

/**
 * Tests whether both are lists of bytes, or both of UTF-16: one of them may call
 * text what the other calls an array.
 */
function areUnits(own: AnyType, told: AnyType): boolean {
  const unit = unitOf(own);
  return unit !== undefined && unit === unitOf(told);
}

/** The size in bytes of the units that text, or an array like it, consists of. */
function unitOf(type: AnyType): number | undefined {
  switch (type.kind) {
    case "text":
    case "bytes":
      return 1;
    case "text16":
      return 2;
    case "array": {
      const element = type.element as AnyType;
      const isUnit = isLeaf(element) && (element.size === 1 ||
        element.size === 2 && shapeOf(element) === "an integer");
      return isUnit ? element.size : undefined;
    }
    default:
      return undefined;
  }
}

function lengthOf(type: AnyType): string {
  return isFlexible(type)
    ? "flexible"
    : `${(type as { length?: number }).length}`;
}

function compareOnce(
  own: AnyType & (StructType | UnionType),
  told: AnyType & (StructType | UnionType),
  path: string,
  comparison: Comparison,
): void {
  const { compared } = comparison;
  const others = compared.get(own);
  if (others?.has(told)) return;
  if (others === undefined) compared.set(own, new Set([told]));
  else others.add(told);
  compareMembers(own, told, path, comparison);
}

function compareMembers(
  own: StructType | UnionType,
  told: StructType | UnionType,
  path: string,
  comparison: Comparison,
): void {
  const { found } = comparison;
  const members = aggregateOf(own).members;
  const others = new Map(
    aggregateOf(told).members.map((member) => [member.name, member]),
  );
  for (const member of members) {
    if (member.type.kind === "padding") continue;
    const at = `${path}.${member.name}`;
    const other = others.get(member.name);
    others.delete(member.name);
    if (other === undefined) {
      found.push({
        path: at,
        what: "unknown",
        actual: placeOf(member),
        expected: "nothing",
      });
    } else {
      comparePlaces(member, other, at, found);
      compare(member.type, other.type, at, comparison);
    }
  }
  for (const other of others.values()) {
    const [start, end] = bitsOf(other);
    const covered = members.some((member) => {
      const [from, to] = bitsOf(member);
      return from < end && start < to;
    });
    if (covered || start === end) continue;
    found.push({
      path: `${path}.${other.name}`,
      what: "missing",
      actual: "nothing",
      expected: placeOf(other),
    });
  }
}

function comparePlaces(
  own: Member,
  told: Member,
  path: string,
  found: LayoutDifference[],
): void {
  const bits = own.bit !== undefined || told.bit !== undefined;
  const [start, end] = bitsOf(own);
  const [from, to] = bitsOf(told);
  const unit = bits ? 1 : 8;
  if (start !== from) {
    found.push({
      path,
      what: "offset",
      actual: `${start / unit}`,
      expected: `${from / unit}`,
    });
  }
  if (bits && end - start !== to - from) {
    found.push({
      path,
      what: "size",
      actual: `${end - start}`,
      expected: `${to - from}`,
    });
  }
}

function placeOf({ type, offset, bit }: Member): string {
  return bit === undefined
    ? `${type.name} at ${offset}`
    : `${type.name} at bit ${bit}`;
}

function lineOf({ path, what, actual, expected }: LayoutDifference): string {
  switch (what) {
    case "missing":
      return `${path}: missing, BTF has ${expected}`;
    case "unknown":
      return `${path}: BTF has no such field, the type has ${actual}`;
    default:
      return `${path}: ${what} is ${actual}, BTF has ${expected}`;
  }
}

function describe(
  own: AnyType,
  told: AnyType,
  differences: readonly LayoutDifference[],
): string {
  if (differences.length === 0) return `${own.name}: as in BTF`;
  return [
    ...differences.map(lineOf),
    "",
    ...sideBySide(declarationOf(own), declarationOf(told)),
  ].join("\n");
}

function sideBySide(left: string, right: string): string[] {
  const lefts = ["as written", ...left.replaceAll("\t", "  ").split("\n")];
  const rights = ["BTF", ...right.replaceAll("\t", "  ").split("\n")];
  const width = Math.max(...lefts.map((line) => line.length));
  return Array.from(
    { length: Math.max(lefts.length, rights.length) },
    (_, index) =>
      `${(lefts[index] ?? "").padEnd(width)} | ${rights[index] ?? ""}`
        .trimEnd(),
  );
}
