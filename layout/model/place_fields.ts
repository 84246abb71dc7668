/**
 * The offsets of the fields of a struct or union: the rules of C on 64-bit
 * Linux.
 *
 * System V ABI, AMD64 supplement, section 3.1.2 ("Data Representation"), and
 * AAPCS64, "Composite Types" and "Bit-fields". The two differ in one thing:
 * whether an unnamed bit-field aligns the struct that it is in.
 */

import { InvalidTypeError } from "../../errors.ts";
import {
  type AnyType,
  atomicAlignOf,
  bitFieldOf,
  declaredAlignOf,
  flexibleTailOf,
  type Member,
} from "./types.ts";
import type { Bits } from "../static.ts";

/** The layout options of a struct or union. */
export interface StructOptions {
  /**
   * True if every field follows the one before without a gap, as with
   * `__attribute__((packed))`, except fields that are `aligned`. By default
   * false.
   */
  readonly packed?: boolean;
  /** The least alignment in bytes; a power of two. */
  readonly align?: number;
  /**
   * The least size in bytes, a multiple of the alignment; the bytes that no
   * field takes are padding.
   */
  readonly size?: number;
  /**
   * The offsets in bytes of fields that do not follow the one before, by name.
   * Fields may overlap.
   */
  readonly offsets?: { readonly [name: string]: number };
}

/** Fields in their places. */
export interface Placement {
  /** The fields in declaration order, markers left out. */
  readonly members: readonly Member[];
  /** The size in bytes. */
  readonly size: number;
  /** The alignment in bytes. */
  readonly align: number;
}

const unnamedBitsAlign =
  (globalThis as { Deno?: { build?: { arch?: string } } }).Deno?.build?.arch ===
    "aarch64";

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Tests whether a bit-field aligns the struct that it is in. */
function bitsAlign(type: AnyType, bits: Bits, packed: boolean): boolean {
  if (type === bits) return !packed;
  // GCC and Clang let an end of unit, `: 0`, align even a packed struct where
  // unnamed bit-fields align at all.
  return unnamedBitsAlign && (!packed || bits.width === 0);
}

/** A field's place, and what follows from it. */
interface Place extends Pick<Member, "offset" | "bit"> {
  /** The bit behind it. */
  readonly end: number;
  /** The alignment that it asks of the struct, in bytes. */
  readonly align: number;
}

/** Places a bit-field at a bit, or at the next unit. */
function placeBits(
  type: AnyType,
  bits: Bits,
  next: number,
  packed: boolean,
): Place {
  const unit = bits.size * 8;
  const straddles = next % unit + bits.width > unit;
  const bit = bits.width === 0 || (straddles && !packed)
    ? roundUp(next, bits.align * 8)
    : next;
  return {
    offset: Math.floor(bit / 8),
    bit,
    end: bit + bits.width,
    align: bitsAlign(type, bits, packed) ? bits.align : 1,
  };
}

/** Places a field behind a bit, or where it was said to be. */
function placeBytes(
  type: AnyType,
  next: number,
  explicit: number | undefined,
  packed: boolean,
): Place {
  const wanted = packed ? declaredAlignOf(type) ?? 1 : type.align;
  const offset = explicit ?? roundUp(Math.ceil(next / 8), wanted);
  return {
    offset,
    bit: undefined,
    end: (offset + type.size) * 8,
    align: offset % wanted === 0 ? wanted : 1,
  };
}

/**
 * Places fields one after the other, or all at 0 for a union.
 *
 * @param name The struct's name, for errors.
 * @param fields The fields in declaration order, without markers.
 * @param options The options of the layout; checked already.
 * @param overlay True if it is a union.
 */
export function place(
  name: string,
  fields: readonly (readonly [string, AnyType])[],
  options: StructOptions,
  overlay: boolean,
): Placement {
  const packed = options.packed ?? false;
  const members: Member[] = [];
  let align = 1;
  let next = 0; // in bits
  let end = 0; // in bytes

  for (const [field, type] of fields) {
    const explicit = options.offsets !== undefined &&
        Object.hasOwn(options.offsets, field)
      ? options.offsets[field]
      : undefined;
    if (explicit !== undefined) next = explicit * 8;
    else if (overlay) next = 0;

    const bits = bitFieldOf(type);
    const placed = bits === undefined
      ? placeBytes(type, next, explicit, packed)
      : placeBits(type, bits, next, packed);
    const { offset, bit } = placed;
    members.push({ name: field, type, offset, bit });
    align = Math.max(align, placed.align);
    next = placed.end;
    end = Math.max(end, Math.ceil(next / 8));
    if (!Number.isSafeInteger(end * 8)) {
      throw new InvalidTypeError(
        `${name}.${field}: The field ends beyond 2^50 bytes`,
      );
    }
  }

  align = Math.max(align, options.align ?? 1);
  const least = roundUp(end, align);
  const size = options.size ?? least;
  if (size < end) {
    throw new InvalidTypeError(
      `${name}: The size must hold all fields, ${end} bytes: received ${size}`,
    );
  }
  if (size % align !== 0) {
    throw new InvalidTypeError(
      `${name}: The size must be a multiple of the alignment, ${align} bytes: received ${size}`,
    );
  }
  checkTails(name, members, options, overlay);
  checkAtomics(name, members, align);
  return { members, size, align };
}

/**
 * A flexible array has no end, so nothing follows it but fields that were given
 * an offset: those that share its bytes, as the members of an anonymous union
 * do.
 */
function checkTails(
  name: string,
  members: readonly Member[],
  options: StructOptions,
  overlay: boolean,
): void {
  if (overlay) return;
  members.forEach((member, index) => {
    if (flexibleTailOf(member.type) === undefined) return;
    const follows = members.slice(index + 1).some(({ name }) =>
      options.offsets === undefined || !Object.hasOwn(options.offsets, name)
    );
    if (follows) {
      throw new InvalidTypeError(
        `${name}.${member.name}: A flexible array must be the last field`,
      );
    }
  });
}

/** An atomic that can lie across two cache lines would not be one. */
function checkAtomics(
  name: string,
  members: readonly Member[],
  align: number,
): void {
  for (const { name: field, type, offset } of members) {
    const needed = atomicAlignOf(type);
    if (needed > align || offset % needed !== 0) {
      throw new InvalidTypeError(
        `${name}.${field}: An atomic must be aligned to ${needed} bytes: it is at offset ${offset} of a struct aligned to ${align}`,
      );
    }
  }
}
