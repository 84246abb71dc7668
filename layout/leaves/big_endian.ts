/** Numbers in network byte order. */

import { type Part, part } from "../../base/specialise.ts";
import { anyNumber } from "./floats.ts";
import { type IntegerKind, integers } from "./integers.ts";
import { LaneLeaf } from "./leaf.ts";

/** Turns the bytes of a number around. */
type Swap<V> = (value: V) => V;

function swap16(): Swap<number> {
  return (a) => (a & 0xff) << 8 | a >>> 8;
}

function swapSigned16(): Swap<number> {
  return (a) => ((a & 0xff) << 8 | a >>> 8 & 0xff) << 16 >> 16;
}

function swap32(): Swap<number> {
  return (a) =>
    ((a & 0xff) << 24 | (a & 0xff00) << 8 | a >>> 8 & 0xff00 | a >>> 24) >>> 0;
}

function swapSigned32(): Swap<number> {
  return (a) =>
    (a & 0xff) << 24 | (a & 0xff00) << 8 | a >>> 8 & 0xff00 | a >>> 24;
}

function swap64(
  Whole: BigUint64ArrayConstructor | BigInt64ArrayConstructor,
): Swap<bigint> {
  const whole = new Whole(1);
  const halves = new Uint32Array(whole.buffer);
  const swap = (a: number) =>
    ((a & 0xff) << 24 | (a & 0xff00) << 8 | a >>> 8 & 0xff00 | a >>> 24) >>> 0;
  return (a) => {
    whole[0] = a;
    const low = halves[0]!;
    halves[0] = swap(halves[1]!);
    halves[1] = swap(low);
    return whole[0]!;
  };
}

// The bits of a float must not be looked at as a float before they are turned:
// of those that are not a number, the engine may change some.

function decode32(swap: Swap<number>): (raw: number) => number {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  return (raw) => {
    bits[0] = swap(raw);
    return single[0]!;
  };
}

function encode32(swap: Swap<number>): (value: number) => number {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  return (a) => {
    single[0] = a;
    return swap(bits[0]!);
  };
}

function decode64(swap: Swap<bigint>): (raw: bigint) => number {
  const double = new Float64Array(1);
  const bits = new BigUint64Array(double.buffer);
  return (raw) => {
    bits[0] = swap(raw);
    return double[0]!;
  };
}

function encode64(swap: Swap<bigint>): (value: number) => bigint {
  const double = new Float64Array(1);
  const bits = new BigUint64Array(double.buffer);
  return (a) => {
    double[0] = a;
    return swap(bits[0]!);
  };
}

function integer<V extends number | bigint>(
  kind: IntegerKind,
  swap: Part<Swap<V>>,
): LaneLeaf {
  const { lane, fits, check, zero, width, signed } = integers[kind];
  return new LaneLeaf({
    lane,
    fits,
    check,
    zero,
    decode: swap,
    encode: swap,
    declarator: {
      base: signed ? `__be${width} /* int${width}_t */` : `__be${width}`,
      suffix: "",
    },
  });
}

const swapped32 = part(swap32);
const swapped64 = part(swap64, BigUint64Array);

/** `__be16`. */
export const be16: LaneLeaf = integer("u16", part(swap16));
/** `__be32`. */
export const be32: LaneLeaf = integer("u32", swapped32);
/** `__be64`. */
export const be64: LaneLeaf = integer("u64", swapped64);
/** `__be16` with a sign. */
export const bei16: LaneLeaf = integer("i16", part(swapSigned16));
/** `__be32` with a sign. */
export const bei32: LaneLeaf = integer("i32", part(swapSigned32));
/** `__be64` with a sign. */
export const bei64: LaneLeaf = integer("i64", part(swap64, BigInt64Array));

/** A `float` in network byte order. */
export const bef32: LaneLeaf = new LaneLeaf({
  ...anyNumber(),
  lane: "u32",
  round: Math.fround,
  decode: part(decode32, swapped32),
  encode: part(encode32, swapped32),
  declarator: { base: "__be32 /* float */", suffix: "" },
});

/** A `double` in network byte order. */
export const bef64: LaneLeaf = new LaneLeaf({
  ...anyNumber(),
  lane: "u64",
  round: (value: number) => value,
  decode: part(decode64, swapped64),
  encode: part(encode64, swapped64),
  declarator: { base: "__be64 /* double */", suffix: "" },
});
