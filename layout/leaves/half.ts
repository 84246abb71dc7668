/**
 * Floating-point numbers of 16 bits. The oldest engines that this package works
 * on have no Float16Array, so they are converted here, in every engine alike.
 */

import { part } from "../../base/specialise.ts";
import { anyNumber } from "./floats.ts";
import { LaneLeaf } from "./leaf.ts";

function decodeHalf(): (raw: number) => number {
  // What the last bit is worth, by sign and exponent.
  const worth = Float64Array.from({ length: 64 }, (_, top) => {
    const exponent = top & 31;
    const size = exponent === 31 ? Infinity : 2 ** ((exponent || 1) - 25);
    return top < 32 ? size : -size;
  });
  return (raw) => {
    const top = raw >>> 10;
    const rest = raw & 1023;
    const exponent = top & 31;
    if (exponent === 31 && rest !== 0) return NaN;
    return (exponent === 0 ? rest : rest + 1024) * worth[top]!;
  };
}

function encodeHalf(): (value: number) => number {
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  return (a) => {
    if (a !== a) return 0x7e00;
    double[0] = a;
    const high = words[1]!;
    const sign = high >>> 16 & 0x8000;
    const size = a < 0 ? -a : a;
    if (size >= 65520) return sign | 0x7c00;
    // A subnormal is a multiple of 2^-24. Beside 2^52 there is no room for a part
    // of one: the processor rounds it, half to even.
    if (size < 2 ** -14) {
      return sign | size * 16777216 + 4503599627370496 - 4503599627370496;
    }
    // The exponent, and the upper ten of its bits; one more than they hold carries
    // into the exponent, which is right.
    const half = (high >>> 10 & 0x1fffff) - 1032192;
    const rest = high & 0x3ff;
    const isUp = rest > 0x200 ||
      rest === 0x200 && (words[0] !== 0 || (half & 1) === 1);
    return sign | (isUp ? half + 1 : half);
  };
}

/** A number as it is after it was stored. */
function round(value: number): number {
  return toNumber(toBits(value));
}

const toBits = encodeHalf();
const toNumber = decodeHalf();

/** `_Float16`: rounded to the nearest, half to even, when it is stored. */
export const f16: LaneLeaf = new LaneLeaf({
  ...anyNumber(),
  lane: "u16",
  decode: part(decodeHalf),
  encode: part(encodeHalf),
  round,
  declarator: { base: "_Float16", suffix: "" },
});
