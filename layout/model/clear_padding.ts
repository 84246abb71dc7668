/** Clears the padding in copies of values. */

import { type Extent, extentsOf, overlapsIn } from "./extents.ts";
import { type AnyType, flexibleTailOf } from "./types.ts";
import type { StructType, UnionType } from "../static.ts";

/** Clears the padding of a value that begins at an offset. */
type Clear = (bytes: Uint8Array, offset: number) => void;

const clearers = new WeakMap<AnyType, { clear: Clear | undefined }>();

/**
 * Makes the function that clears the padding of a type's values; undefined for
 * types without padding.
 */
export function paddingClearer(type: AnyType): Clear | undefined {
  let known = clearers.get(type);
  if (known === undefined) {
    clearers.set(type, known = { clear: makeClearer(type) });
  }
  return known.clear;
}

function makeClearer(type: AnyType): Clear | undefined {
  switch (type.kind) {
    case "array":
      return arrayClearer(type.element as AnyType, type.length);
    case "struct":
    case "union":
      return overlapsIn(type).size > 0
        ? maskClearer(type)
        : structClearer(type);
    default:
      return undefined;
  }
}

/** Clears the padding of some elements. */
export function arrayClearer(
  element: AnyType,
  length: number,
): Clear | undefined {
  const clear = paddingClearer(element);
  if (clear === undefined) return undefined;
  return (bytes, offset) => {
    for (let index = 0; index < length; index++) {
      clear(bytes, offset + index * element.size);
    }
  };
}

/** A range of bits that belong to no member. */
interface Gap {
  readonly start: number;
  readonly end: number;
}

/** Bits between members, and behind them up to the end of the struct. */
function gapsIn(extents: readonly Extent[], bits: number): Gap[] {
  const gaps: Gap[] = [];
  let end = 0;
  for (const extent of [...extents, { start: bits, end: bits }]) {
    if (extent.start > end) gaps.push({ start: end, end: extent.start });
    end = Math.max(end, extent.end);
  }
  return gaps;
}

/** The bits of a struct whose padding is known: what is flexible has none. */
function bitsOf(type: StructType | UnionType): number {
  return (flexibleTailOf(type)?.offset ?? type.size) * 8;
}

function structClearer(type: StructType | UnionType): Clear | undefined {
  const extents = extentsOf(type);
  const gaps = gapsIn(extents, bitsOf(type));
  const inner = extents.flatMap(({ member: { type, offset } }) => {
    const clear = paddingClearer(type);
    return clear === undefined ? [] : [{ clear, offset }];
  });
  if (gaps.length === 0 && inner.length === 0) return undefined;
  return (bytes, at) => {
    for (const gap of gaps) clearBits(bytes, at * 8, gap);
    for (const { clear, offset } of inner) clear(bytes, at + offset);
  };
}

/** Clears bits; the first and the last byte may have others. */
function clearBits(bytes: Uint8Array, at: number, gap: Gap): void {
  const first = Math.floor((at + gap.start) / 8);
  const last = Math.floor((at + gap.end) / 8);
  const below = 2 ** (gap.start % 8) - 1;
  const above = 255 ^ (2 ** (gap.end % 8) - 1);
  if (first === last) {
    bytes[first]! &= below | above;
    return;
  }
  bytes[first]! &= below;
  bytes.fill(0, first + 1, last);
  if (gap.end % 8 !== 0) bytes[last]! &= above;
}

/**
 * Clears the padding of types whose members share bytes: the bits that no
 * member uses.
 */
function maskClearer(type: StructType | UnionType): Clear | undefined {
  const mask = new Uint8Array(bitsOf(type) / 8);
  markUsed(type, mask, 0);
  if (mask.every((byte) => byte === 255)) return undefined;
  return (bytes, offset) => {
    for (let index = 0; index < mask.length; index++) {
      bytes[offset + index]! &= mask[index]!;
    }
  };
}

/** Sets the bits that are no padding. */
function markUsed(type: AnyType, mask: Uint8Array, offset: number): void {
  switch (type.kind) {
    case "array": {
      const element = type.element as AnyType;
      for (let index = 0; index < type.length; index++) {
        markUsed(element, mask, offset + index * element.size);
      }
      break;
    }
    case "struct":
    case "union":
      for (const { member, start, end } of extentsOf(type)) {
        if (member.bit !== undefined) {
          for (let bit = offset * 8 + start; bit < offset * 8 + end; bit++) {
            mask[Math.floor(bit / 8)]! |= 1 << bit % 8;
          }
        } else markUsed(member.type, mask, offset + member.offset);
      }
      break;
    default:
      mask.fill(255, offset, offset + type.size);
  }
}
