/**
 * Floating-point numbers of 16 bits. The oldest engines that this package works
 * on have no Float16Array, so they are converted here, in every engine alike.
 */

import { part } from "../../base/specialise.ts";
import { anyNumber } from "./floats.ts";
import { LaneLeaf } from "./leaf.ts";

function decodeHalf(): (raw: number) => number {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  return (raw) => {
    // As the bits of a float it is too small by 2^112, subnormals as well.
    bits[0] = (raw & 0x7fff) << 13;
    const value = (raw & 0x7c00) !== 0x7c00
      ? single[0]! * 5192296858534827628530496329220096
      : (raw & 0x3ff) === 0
      ? Infinity
      : NaN;
    return (raw & 0x8000) === 0 ? value : -value;
  };
}

function encodeHalf(): (value: number) => number {
  const double = new Float64Array(1);
  const halves = new Uint32Array(double.buffer);
  return (a) => {
    if (a !== a) return 0x7e00;
    double[0] = a;
    const sign = halves[1]! >>> 16 & 0x8000;
    const size = a < 0 ? -a : a;
    if (size >= 65520) return sign | 0x7c00;
    const exponent = (halves[1]! >>> 20 & 0x7ff) - 1023;
    const scale = exponent < -14 ? -14 : exponent;
    // The sum with 2^(scale + 42) has no room for more than ten bits behind
    // 2^scale: the processor rounds it, half to even, and once only.
    halves[0] = 0;
    halves[1] = scale + 1065 << 20;
    const rounded = size + double[0] - double[0];
    halves[1] = 1033 - scale << 20;
    // Without a leading one at the smallest scale, it is a subnormal's.
    return sign | (scale + 14 << 10) + rounded * double[0];
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
