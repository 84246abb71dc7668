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

// Every byte but 0 is true: the one that is there stays.
function mergeBool(): (value: boolean, raw: number) => number {
  return (a, raw) => a ? raw || 1 : 0;
}

/** C's `bool`. */
export const bool: LaneLeaf = new LaneLeaf({
  lane: "u8",
  fits: part(fitsBoolean),
  check: checkKind("boolean"),
  decode: part(decodeBool),
  merge: part(mergeBool),
  isVague: (value) => value === true,
  declarator: { base: "_Bool", suffix: "" },
  zero: undefined,
});
