/**
 * Types that are shared structures: structs in whose bytes threads of several
 * processes meet.
 */

import { InvalidTypeError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import {
  type AnyType,
  originOf,
  requireType,
} from "../../layout/model/types.ts";
import type { Region } from "../../layout/region/region.ts";
import type { Type } from "../../layout/mod.ts";

/** The kind of structure: the name of the function that makes its types. */
export type StructureKind = "SpscRing" | "ByteRing" | "Seqlock" | "Latest";

/** A type that is a shared structure. */
export interface Structure {
  /** The kind of structure. */
  readonly kind: StructureKind;
  /** The type's name. */
  readonly name: string;
  /** The type of its elements. */
  readonly element: AnyType;
  /** The number of them. */
  readonly capacity: number;
}

/** A structure in memory. */
export interface Placed extends Structure {
  /** The whole region. */
  readonly region: Region;
  /** The offset in the region, in bytes. */
  readonly at: number;
}

/** The unit in which the contents of a structure are counted. */
export interface Unit {
  /** The size of an element in bytes; 0 where they are messages of any length. */
  readonly size: number;
  /** The power of two that every index is a multiple of. */
  readonly grain: number;
}

/** The alignment of messages of any length, in bytes. */
export const GRAIN = 8;

/** The unit in which the contents of a structure are counted. */
export function unitOf({ kind, element }: Structure): Unit {
  return kind === "ByteRing"
    ? { size: 0, grain: GRAIN }
    : { size: element.size, grain: 1 };
}

/** Processors fetch lines of 64 bytes in pairs; some have lines of 128. */
export const ALIGN = 128;
/** With more, indices of 32 bits could not tell full from empty. */
const CAPACITY_MAX = 2 ** 30;
/** Larger elements would need offsets of more than 31 bits. */
const SIZE_MAX = 2 ** 30;

const structures = new WeakMap<object, Structure>();

/** Makes a type known as a shared structure. */
export function registerStructure(type: Type, structure: Structure): void {
  structures.set(type, structure);
}

/** The structure that a type is; undefined where it is none. */
export function structureOf(type: Type): Structure | undefined {
  return structures.get(originOf(type));
}

/** @throws {InvalidTypeError} unless it can be the capacity of a ring. */
export function requireCapacity(
  capacity: unknown,
  least: number,
): asserts capacity is number {
  if (
    Number.isSafeInteger(capacity) && (capacity as number) >= least &&
    (capacity as number) <= CAPACITY_MAX &&
    Number.isInteger(Math.log2(capacity as number))
  ) return;
  throw new InvalidTypeError(
    `The capacity of a ring must be a power of two from ${least} to ${CAPACITY_MAX}: received ${
      show(capacity)
    }`,
  );
}

/**
 * @throws {InvalidTypeError} unless it is a type that can be the element of a
 * structure. That there can be arrays of it is for `array` to say.
 */
export function requireElement(kind: StructureKind, element: Type): AnyType {
  requireType(element, `${kind}()`);
  const { name, size, align } = element;
  const refused = `There is no ${kind} of ${name}:`;
  if (size === 0) throw new InvalidTypeError(`${refused} its size is zero`);
  if (size > SIZE_MAX) {
    throw new InvalidTypeError(
      `${refused} its size must be at most ${SIZE_MAX} bytes and is ${size}`,
    );
  }
  if (align > ALIGN) {
    throw new InvalidTypeError(
      `${refused} its alignment must be at most ${ALIGN} bytes and is ${align}`,
    );
  }
  return element as AnyType;
}

/**
 * The structure that a pointer points to.
 *
 * @param reads True if a view of it is enough.
 * @throws {TypeError} if it is not a pointer to such a structure.
 */
export function structureAt(
  kind: StructureKind,
  pointer: unknown,
  reads: boolean = false,
): Placed {
  const located = whereIs(pointer);
  if (located === undefined) throw notOne(kind, show(pointer));
  const { type, mode } = located.pointerClass;
  const structure = structureOf(type);
  if (structure?.kind !== kind || !(mode.writable || reads)) {
    const side = mode.writable ? "a pointer to" : "a view of";
    throw notOne(kind, `${side} ${type.name}`);
  }
  return { ...structure, region: located.root, at: located.absolute };
}

function notOne(kind: StructureKind, what: string): TypeError {
  return new TypeError(`Cannot open ${what}: must be a pointer to a ${kind}`);
}
