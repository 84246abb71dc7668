/** The types beneath typedefs and qualifiers of BTF, and their sizes. */

import { BtfError } from "../../errors.ts";
import { decode } from "./decode.ts";
import type { TypeTable } from "./type_table.ts";
import type { BtfModifier, BtfType } from "../types.ts";

/** The most types that may be nested: libbpf stops at 32. */
export const MOST_DEPTH = 64;

/** A type without typedefs and qualifiers. */
export interface Resolved {
  /** The type. */
  readonly type: Exclude<BtfType, BtfModifier>;
  /** The typedefs on the way, the outermost first. */
  readonly typedefs: readonly BtfModifier[];
}

/**
 * Goes through typedefs, qualifiers, tags and variables to what they are of.
 *
 * @throws {BtfError} if there is no end of them.
 */
export function resolveType(table: TypeTable, id: number): Resolved {
  const typedefs: BtfModifier[] = [];
  let type = decode(table, id);
  for (let depth = 0; depth <= MOST_DEPTH; depth++) {
    switch (type.kind) {
      case "typedef":
        typedefs.push(type);
        break;
      case "volatile":
      case "const":
      case "restrict":
      case "type_tag":
      case "var":
        break;
      default:
        return { type, typedefs };
    }
    type = decode(table, type.type);
  }
  throw tooDeep(table, id);
}

/** The error for types that lie too deep in each other, or in themselves. */
export function tooDeep(table: TypeTable, id: number): BtfError {
  return new BtfError(
    `Type ${id} must not consist of types that nest deeper than ${MOST_DEPTH} levels`,
    placeOf(table, id),
  );
}

/**
 * The size in bytes of what a value of a type takes; undefined where there are
 * no values of it.
 */
export function sizeOfType(
  table: TypeTable,
  id: number,
  depth = 0,
): number | undefined {
  const { type } = resolveType(table, id);
  switch (type.kind) {
    case "ptr":
      return 8;
    case "array": {
      if (depth > MOST_DEPTH) throw tooDeep(table, id);
      const size = sizeOfType(table, type.element, depth + 1);
      if (size === undefined) return undefined;
      const total = size * type.length;
      if (!Number.isSafeInteger(total)) {
        throw new BtfError(
          `Type ${type.id} must be smaller than 2^53 bytes: it is an array of ${type.length} times ${size} bytes`,
          placeOf(table, type.id),
        );
      }
      return total;
    }
    case "int":
    case "float":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
      return type.size;
    default:
      return undefined;
  }
}

/** The offset in bytes of a type, for errors. */
export function placeOf(table: TypeTable, id: number): number | undefined {
  if (id === 0) return undefined;
  const owner = table.ownerOf(id);
  return owner.offsetOf(owner.startOf(id));
}

/** The offset in bytes of the n-th member of a type, for errors. */
export function placeOfMember(
  table: TypeTable,
  id: number,
  index: number,
): number {
  const owner = table.ownerOf(id);
  return owner.offsetOf(owner.startOf(id) + 3 + index * 3);
}

/** The name that error messages give a type: `"struct file"`, `"type 7"`. */
export function titleOf(type: BtfType): string {
  if (type.kind === "void") return "void";
  return type.name === ""
    ? `type ${type.id}, an anonymous ${type.kind},`
    : `${type.kind} ${type.name}`;
}

/**
 * Tests whether values of a type without typedefs have a layout of their own.
 */
export function hasLayout(type: BtfType): boolean {
  switch (type.kind) {
    case "int":
    case "float":
    case "ptr":
    case "array":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
    case "datasec":
      return true;
    default:
      return false;
  }
}
