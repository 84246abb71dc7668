/** Integers of a fixed width, and `uintptr_t`. */

import { type Part, part } from "../../base/specialise.ts";
import { cDeclaration } from "./c_name.ts";
import { checkRange, type Range } from "./checks.ts";
import { type Fits, LaneLeaf } from "./leaf.ts";

/** The kinds of integers of a fixed width. */
export type IntegerKind =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "u64"
  | "i64";

// With the value on the left a comparison takes three bytecodes less, and every
// one counts for inlining.

// Masks that are written out: the optimiser then knows the range.

function fitsU8(): Fits {
  return (a) => typeof a === "number" && a === (a & 255);
}

function fitsU16(): Fits {
  return (a) => typeof a === "number" && a === (a & 65535);
}

function fitsMask(mask: number): Fits {
  return (a) => typeof a === "number" && a === (a & mask);
}

function fitsU32(): Fits {
  return (a) => typeof a === "number" && a === a >>> 0;
}

function fitsI32(): Fits {
  return (a) => typeof a === "number" && a === (a | 0);
}

// Twice as fast as shifting there and back: the optimiser knows ranges.
function fitsRange(minimum: number, maximum: number): Fits {
  return (a) =>
    typeof a === "number" && a === (a | 0) && a >= minimum && a <= maximum;
}

// Another `typeof` would double what these cost; of a number they throw.

function fitsBigUnsigned(width: number): Fits {
  const { asUintN } = BigInt;
  return (a) => asUintN(width, a as bigint) === a;
}

function fitsBigSigned(width: number): Fits {
  const { asIntN } = BigInt;
  return (a) => asIntN(width, a as bigint) === a;
}

/** The range of an integer of a sign and a width in bits. */
export function rangeOf(
  signed: boolean,
  width: number,
  isBig: boolean,
): Range {
  const half = 2n ** BigInt(width - 1);
  const minimum = signed ? -half : 0n;
  const maximum = signed ? half - 1n : 2n * half - 1n;
  return isBig ? [minimum, maximum] : [Number(minimum), Number(maximum)];
}

/** The test of integers of a sign and a width in bits. */
export function fitsWidth(
  signed: boolean,
  width: number,
  isBig: boolean,
): Part<Fits> {
  if (isBig) return part(signed ? fitsBigSigned : fitsBigUnsigned, width);
  if (width === 32) return part(signed ? fitsI32 : fitsU32);
  if (!signed && width === 8) return part(fitsU8);
  if (!signed && width === 16) return part(fitsU16);
  return signed
    ? part(fitsRange, -(2 ** (width - 1)), 2 ** (width - 1) - 1)
    : part(fitsMask, 2 ** width - 1);
}

/** Integers as they lie in memory. */
export class IntegerLeaf extends LaneLeaf {
  /** True if it can be negative. */
  readonly signed: boolean;
  /** Its width in bits. */
  readonly width: number;
  /** True if its values are bigints. */
  readonly isBig: boolean;
  /** Its smallest and its largest value. */
  readonly range: Range;

  /** The integers of a lane. */
  constructor(kind: IntegerKind, cName = cNameOf(kind), adds = true) {
    const signed = kind.startsWith("i");
    const width = Number(kind.slice(1));
    const isBig = width === 64;
    const range = rangeOf(signed, width, isBig);
    super({
      lane: kind,
      fits: fitsWidth(signed, width, isBig),
      check: checkRange(range),
      isNative: true,
      declarator: { base: cName, suffix: "" },
      zero: !adds ? undefined : isBig ? 0n : 0,
    });
    this.signed = signed;
    this.width = width;
    this.isBig = isBig;
    this.range = range;
  }
}

function cNameOf(kind: IntegerKind): string {
  return `${kind.startsWith("u") ? "uint" : "int"}${kind.slice(1)}_t`;
}

/** The integers by their kinds. */
export const integers: Readonly<Record<IntegerKind, IntegerLeaf>> = {
  u8: new IntegerLeaf("u8"),
  i8: new IntegerLeaf("i8"),
  u16: new IntegerLeaf("u16"),
  i16: new IntegerLeaf("i16"),
  u32: new IntegerLeaf("u32"),
  i32: new IntegerLeaf("i32"),
  u64: new IntegerLeaf("u64"),
  i64: new IntegerLeaf("i64"),
};

/**
 * An address, under its name. BTF names a pointer by its declaration without
 * what it declares, `int (*)(void)`: that is C's own name for it.
 */
export function uintptrLeaf(name: string): IntegerLeaf {
  if (name !== "uintptr") return new AddressLeaf(name);
  return uintptr;
}

class AddressLeaf extends IntegerLeaf {
  override readonly declarator;

  constructor(type: string) {
    const name = cDeclaration(type);
    super("u64", name, false);
    const at = name.indexOf("(*)") + 2;
    this.declarator = at < 2
      ? { base: name, suffix: "" }
      : { base: name.slice(0, at), suffix: name.slice(at) };
  }
}

const uintptr = new IntegerLeaf("u64", "uintptr_t", false);
