/** The bits that the members of structs and unions take up. */

import {
  aggregateOf,
  type AnyType,
  bitFieldOf,
  flexibleTailOf,
  type Member,
} from "./types.ts";
import type { StructType, UnionType } from "../static.ts";

/** A member, and the bits that it takes up. */
export interface Extent {
  /** The member. */
  readonly member: Member;
  /** The first bit. */
  readonly start: number;
  /** The bit behind the last; infinite for what ends in a flexible array. */
  readonly end: number;
}

/**
 * The first bit of a member, and the one behind its last. Elements of a flexible
 * array at its end do not count.
 */
export function bitsOf(
  { type, offset, bit }: Member,
): readonly [start: number, end: number] {
  const start = bit ?? offset * 8;
  return [start, start + (bitFieldOf(type)?.width ?? type.size * 8)];
}

function extentOf(member: Member): Extent {
  const [start, end] = bitsOf(member);
  const isOpenEnded = flexibleTailOf(member.type) !== undefined;
  return { member, start, end: isOpenEnded ? Infinity : end };
}

/** The members that are no padding, by where they begin. */
export function extentsOf(type: StructType | UnionType): Extent[] {
  return aggregateOf(type).members
    .filter(({ type }) => type.kind !== "padding")
    .map(extentOf)
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
}

const overlapping = new WeakMap<AnyType, ReadonlySet<string>>();

/** The names of the members that share bits with others. */
export function overlapsIn(type: StructType | UnionType): ReadonlySet<string> {
  let names = overlapping.get(type);
  if (names === undefined) {
    overlapping.set(type, names = new Set(findOverlaps(extentsOf(type))));
  }
  return names;
}

function* findOverlaps(extents: readonly Extent[]): Generator<string> {
  let last: Extent | undefined;
  for (const extent of extents) {
    if (last !== undefined && extent.start < last.end) {
      yield last.member.name;
      yield extent.member.name;
    }
    if (last === undefined || extent.end > last.end) last = extent;
  }
}

/** Tests whether two members share bits. */
export function shareBits(
  type: StructType | UnionType,
  one: string,
  other: string,
): boolean {
  const find = (name: string) =>
    extentsOf(type).find(({ member }) => member.name === name);
  const [a, b] = [find(one), find(other)];
  return a !== undefined && b !== undefined && a.start < b.end &&
    b.start < a.end;
}
