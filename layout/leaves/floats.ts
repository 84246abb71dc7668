/** Floating-point numbers. */

import { part } from "../../base/specialise.ts";
import { checkKind } from "./checks.ts";
import { type Conversion, type Fits, LaneLeaf } from "./leaf.ts";

function fitsNumber(): Fits {
  return (a) => typeof a === "number";
}

/** The common part of all of them, whatever they look like in memory. */
export function anyNumber(): Pick<
  Conversion,
  "fits" | "check" | "isVague" | "zero"
> {
  return {
    fits: part(fitsNumber),
    check: checkKind("number"),
    isVague: Number.isNaN,
    zero: 0,
  };
}

/** `float`; the lane rounds what is stored as `Math.fround` does. */
export const f32: LaneLeaf = new LaneLeaf({
  ...anyNumber(),
  lane: "f32",
  round: Math.fround,
  isNative: true,
  declarator: { base: "float", suffix: "" },
});

/** `double`. */
export const f64: LaneLeaf = new LaneLeaf({
  ...anyNumber(),
  lane: "f64",
  round: (value: number) => value,
  isNative: true,
  declarator: { base: "double", suffix: "" },
});
