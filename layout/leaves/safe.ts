/** 64-bit integers as numbers. */

import { part } from "../../base/specialise.ts";
import { checkRange } from "./checks.ts";
import { integers } from "./integers.ts";
import { type Fits, LaneLeaf } from "./leaf.ts";

function fitsSafe(minimum: number): Fits {
  const { isSafeInteger } = Number;
  return (a) => isSafeInteger(a) && a as number >= minimum;
}

/** Throws that 64 bits are not a safe integer. */
function refuseUnsafe(value: bigint, path: string): never {
  throw new RangeError(`Cannot read ${path}: ${value} is not a safe integer`);
}

type Refuse = typeof refuseUnsafe;

// Two 32-bit loads from the mapping could be of two different values, so all 64
// bits are loaded at once and taken apart in private memory.

function decodeUnsigned(refuse: Refuse): (raw: bigint, path: string) => number {
  const whole = new BigUint64Array(1);
  const halves = new Uint32Array(whole.buffer);
  return (raw, path) => {
    whole[0] = raw;
    return halves[1]! < 2097152
      ? halves[1]! * 4294967296 + halves[0]!
      : refuse(raw, path);
  };
}

function decodeSigned(refuse: Refuse): (raw: bigint, path: string) => number {
  const whole = new BigInt64Array(1);
  const halves = new Uint32Array(whole.buffer);
  const { isSafeInteger } = Number;
  return (raw, path) => {
    whole[0] = raw;
    const value = (halves[1]! | 0) * 4294967296 + halves[0]!;
    // 2^53 and -2^53 come out exact, all beyond them larger: one test suffices.
    return isSafeInteger(value) ? value : refuse(raw, path);
  };
}

function encodeSafe(): (value: number) => bigint {
  const whole = new BigUint64Array(1);
  const halves = new Uint32Array(whole.buffer);
  return (a) => {
    // Both conversions are modulo 2^32, which is two's complement.
    halves[0] = a;
    halves[1] = Math.floor(a / 4294967296);
    return whole[0]!;
  };
}

function safe(kind: "u64" | "i64"): LaneLeaf {
  const { lane, declarator, signed } = integers[kind];
  const minimum = signed ? Number.MIN_SAFE_INTEGER : 0;
  return new LaneLeaf({
    lane,
    fits: part(fitsSafe, minimum),
    check: checkRange([minimum, Number.MAX_SAFE_INTEGER]),
    decode: part(signed ? decodeSigned : decodeUnsigned, refuseUnsafe),
    encode: part(encodeSafe),
    namesErrors: true,
    declarator,
    zero: 0,
  });
}

/** `safe(u64)`. */
export const safeU64: LaneLeaf = safe("u64");
/** `safe(i64)`. */
export const safeI64: LaneLeaf = safe("i64");
