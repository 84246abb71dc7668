/** Floating-point numbers. */

import { part } from "../../base/specialise.ts";
import { checkKind } from "./checks.ts";
import { type Fits, LaneLeaf } from "./leaf.ts";

function fitsNumber(): Fits {
  return (a) => typeof a === "number";
}

function float(lane: "f32" | "f64", cName: string): LaneLeaf {
  return new LaneLeaf({
    lane,
    fits: part(fitsNumber),
    check: checkKind("number"),
    isVague: Number.isNaN,
    isNative: true,
    declarator: { base: cName, suffix: "" },
    zero: 0,
  });
}

/** `float`; the lane rounds what is stored as `Math.fround` does. */
export const f32: LaneLeaf = float("f32", "float");
/** `double`. */
export const f64: LaneLeaf = float("f64", "double");
