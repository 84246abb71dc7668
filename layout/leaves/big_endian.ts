/** Integers in network byte order. */

import { part } from "../../base/specialise.ts";
import { LaneLeaf } from "./leaf.ts";
import { type IntegerLeaf, integers } from "./integers.ts";

function swap16(): (value: number) => number {
  return (a) => (a & 0xff) << 8 | a >>> 8;
}

function swap32(): (value: number) => number {
  return (a) =>
    ((a & 0xff) << 24 | (a & 0xff00) << 8 | a >>> 8 & 0xff00 | a >>> 24) >>> 0;
}

function swap64(): (value: bigint) => bigint {
  const whole = new BigUint64Array(1);
  const halves = new Uint32Array(whole.buffer);
  const swap = (a: number) =>
    ((a & 0xff) << 24 | (a & 0xff00) << 8 | a >>> 8 & 0xff00 | a >>> 24) >>> 0;
  return (a) => {
    whole[0] = a;
    const low = halves[0]!;
    halves[0] = swap(halves[1]!);
    halves[1] = swap(low);
    return whole[0];
  };
}

function bigEndian<V extends number | bigint>(
  kind: "u16" | "u32" | "u64",
  swap: () => (value: V) => V,
): LaneLeaf {
  const { lane, fits, check, zero, width }: IntegerLeaf = integers[kind];
  const swapped = part(swap);
  return new LaneLeaf({
    lane,
    fits,
    check,
    zero,
    decode: swapped,
    encode: swapped,
    declarator: { base: `__be${width}`, suffix: "" },
  });
}

/** `__be16`. */
export const be16: LaneLeaf = bigEndian("u16", swap16);
/** `__be32`. */
export const be32: LaneLeaf = bigEndian("u32", swap32);
/** `__be64`. */
export const be64: LaneLeaf = bigEndian("u64", swap64);
