/** Bit-fields: integers that share a unit, or bytes, with others. */

import { type Part, part, sharedPart } from "../../base/specialise.ts";
import type { Reach } from "../region/lanes.ts";
import { closed, type Region } from "../region/region.ts";
import { checkRange, type Range } from "./checks.ts";
import { fitsWidth, type IntegerKind, integers, rangeOf } from "./integers.ts";
import {
  type Conversion,
  type Declarator,
  type Fits,
  LaneLeaf,
  type Leaf,
  type Load,
  type Store,
} from "./leaf.ts";

/** A bit-field in its place. */
export interface PlacedBits {
  /** The leaf that reads and writes it there. */
  readonly leaf: Leaf;
  /** The offset in bytes of its unit, or of its first byte. */
  readonly offset: number;
}

/**
 * Tests whether the unit of a bit-field ends within its struct. It need not
 * where the size is no multiple of the alignment, as that of a packed struct
 * that is made `aligned`: what lies behind belongs to others.
 *
 * @param size The size of the unit in bytes.
 * @param bit The offset of the bit-field in bits.
 */
export function unitEndsWithin(
  size: number,
  bit: number,
  structSize: number,
): boolean {
  return (Math.floor(bit / (size * 8)) + 1) * size <= structSize;
}

/**
 * A bit-field of a struct.
 *
 * @param base The leaf of the type that it is declared with.
 * @param bit Its offset in bits.
 * @param aligned True if its unit is certain to be aligned, and to be there.
 */
export function placeBits(
  base: LaneLeaf,
  width: number,
  bit: number,
  aligned: boolean,
): PlacedBits {
  const { signed, width: unit } = integers[base.lane as IntegerKind];
  const shift = bit % unit;
  return aligned && shift + width <= unit
    ? {
      leaf: new LaneLeaf(conversionOf(base, width, shift)),
      offset: (bit - shift) / 8,
    }
    : {
      leaf: new ScatteredBits(base, width, bit % 8, signed),
      offset: Math.floor(bit / 8),
    };
}

type Numeric = Pick<Conversion, "fits" | "check"> & { readonly range: Range };

/** Finds the values that can be stored in so many bits of an integer. */
function numericOf(lane: IntegerKind, width: number): Numeric {
  const { signed, isBig } = integers[lane];
  const range = rangeOf(signed, width, isBig);
  const fits = fitsWidth(signed, width, isBig);
  return { fits, check: checkRange(range), range };
}

function isBoolean({ conversion }: LaneLeaf): boolean {
  return conversion.decode !== undefined;
}

/** Makes the conversion of a unit that holds the bits to a value. */
function conversionOf(
  base: LaneLeaf,
  width: number,
  shift: number,
): Conversion {
  const lane = base.lane as IntegerKind;
  const { signed, isBig } = integers[lane];
  const common = { lane, declarator: base.declarator, zero: base.zero };
  const merge = isBig
    ? part(mergeBig, BigInt(shift), (1n << BigInt(width)) - 1n)
    : part(mergeBits, shift, width === 32 ? -1 : 2 ** width - 1);
  if (isBoolean(base)) {
    const { fits, check } = base;
    return { ...common, fits, check, merge, decode: part(isBitSet, shift) };
  }
  const decode = isBig
    ? part(signed ? signedBig : unsignedBig, BigInt(shift), width)
    : signed
    ? part(signedBits, 32 - shift - width, 32 - width)
    : width === 32
    ? part(wholeWord)
    : part(unsignedBits, shift, 2 ** width - 1);
  return { ...common, ...numericOf(lane, width), merge, decode };
}

function isBitSet(shift: number): (unit: number) => boolean {
  return (unit) => (unit >>> shift & 1) !== 0;
}

function signedBits(up: number, down: number): (unit: number) => number {
  return (unit) => unit << up >> down;
}

function unsignedBits(shift: number, mask: number): (unit: number) => number {
  return (unit) => unit >>> shift & mask;
}

function wholeWord(): (unit: number) => number {
  return (unit) => unit >>> 0;
}

function signedBig(shift: bigint, width: number): (unit: bigint) => bigint {
  const { asIntN } = BigInt;
  return (unit) => asIntN(width, unit >> shift);
}

function unsignedBig(shift: bigint, width: number): (unit: bigint) => bigint {
  const { asUintN } = BigInt;
  return (unit) => asUintN(width, unit >> shift);
}

function mergeBits(
  shift: number,
  mask: number,
): (value: number, unit: number) => number {
  return (a, unit) => unit & ~(mask << shift) | (+a & mask) << shift;
}

function mergeBig(
  shift: bigint,
  mask: bigint,
): (value: bigint, unit: bigint) => bigint {
  return (a, unit) => unit & ~(mask << shift) | (a & mask) << shift;
}

/** A bit-field that lies in bytes to be gathered: it can tear. */
class ScatteredBits implements Leaf {
  readonly #load: Part<Load>;
  readonly #store: Part<Store>;
  readonly fits: Part<Fits>;
  readonly isQuick = false;
  readonly check: (value: unknown, path: string) => void;
  readonly alignment = 1;
  readonly lane = undefined;
  readonly isNative = false;
  readonly namesErrors = false;
  readonly declarator: Declarator;
  readonly zero: 0 | 0n | undefined;

  constructor(base: LaneLeaf, width: number, shift: number, signed: boolean) {
    const isBool = isBoolean(base);
    const isBig = integers[base.lane as IntegerKind].isBig;
    const { fits, check } = isBool
      ? base
      : numericOf(base.lane as IntegerKind, width);
    const cut = signed ? BigInt.asIntN : BigInt.asUintN;
    this.fits = fits;
    this.check = check;
    this.declarator = base.declarator;
    this.zero = base.zero;
    this.#load = sharedPart(() => (region, offset) => {
      const value = cut(
        width,
        gather(region, offset, shift, width) >> BigInt(shift),
      );
      return isBool ? value !== 0n : isBig ? value : Number(value);
    });
    this.#store = sharedPart(() => (region, offset, value) => {
      scatter(region, offset, shift, width, BigInt(value));
    });
  }

  isVague(): boolean {
    return false;
  }

  readsAs(value: unknown, read: unknown): boolean {
    return Object.is(typeof value === "number" ? value + 0 : value, read);
  }

  load(_reach: Reach): Part<Load> {
    return this.#load;
  }

  store(_reach: Reach): Part<Store> {
    return this.#store;
  }
}

/** Reads the bytes that a bit-field lies in, as one integer. */
function gather(
  region: Region,
  offset: number,
  shift: number,
  width: number,
): bigint {
  let bytes = 0n;
  for (let index = Math.ceil((shift + width) / 8) - 1; index >= 0; index--) {
    const byte = region.u8[offset + index] ?? closed(region);
    bytes = bytes << 8n | BigInt(byte);
  }
  return bytes;
}

/** Writes the bytes that a bit-field lies in, with its own bits changed. */
function scatter(
  region: Region,
  offset: number,
  shift: number,
  width: number,
  value: bigint,
): void {
  if (region.u8[offset] === undefined) closed(region);
  const mask = (1n << BigInt(width)) - 1n << BigInt(shift);
  let merged = gather(region, offset, shift, width) & ~mask |
    BigInt.asUintN(width, value) << BigInt(shift);
  const count = Math.ceil((shift + width) / 8);
  for (let index = 0; index < count; index++) {
    region.u8[offset + index] = Number(merged & 0xffn);
    merged >>= 8n;
  }
}
