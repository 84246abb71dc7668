/** Booleans: a byte that is true where it is not zero. */

import { part } from "../../base/specialise.ts";
import { checkKind } from "./checks.ts";
import { type Fits, LaneLeaf } from "./leaf.ts";

function fitsBoolean(): Fits {
  return (a) => typeof a === "boolean";
}

function decodeBool(): (raw: number) => boolean {
  return (raw) => raw !== 0;
}

function encodeBool(): (value: boolean) => number {
  return (a) => +a;
}

/** C's `bool`. */
export const bool: LaneLeaf = new LaneLeaf({
  lane: "u8",
  fits: part(fitsBoolean),
  check: checkKind("boolean"),
  decode: part(decodeBool),
  encode: part(encodeBool),
  declarator: { base: "_Bool", suffix: "" },
  zero: undefined,
});
