/** Leaves: the types whose value is one JavaScript value. */

import type { Lane } from "../region/lanes.ts";
import type { AnyType } from "../model/types.ts";
import type {
  AtomicType,
  Be16,
  Be32,
  Be64,
  Bits,
  Bool,
  Enumeration,
  F32,
  F64,
  IntegerType,
  Safe,
  Text,
  Uintptr,
} from "../types.ts";

/** A type whose value is one JavaScript value. */
export type LeafType =
  | Bool
  | IntegerType
  | Uintptr
  | F32
  | F64
  | Be16
  | Be32
  | Be64
  | Safe
  | Text
  | Enumeration
  | Bits
  | AtomicType;

/** A leaf in its place. */
export interface Slot {
  /** Its type. */
  readonly type: LeafType;
  /** What error messages call it: `Stats.bytes`. */
  readonly path: string;
  /** Its offset in bytes from what the pointer points to. */
  readonly offset: number;
  /** Whether it is certain to be naturally aligned. */
  readonly aligned: boolean;
  /** A bit-field's offset in bits; undefined for all else. */
  readonly bit: number | undefined;
}

/** The lane that a leaf's bytes, or a bit-field's unit, are reached through. */
export function laneOf(type: Exclude<LeafType, Text>): Lane {
  switch (type.kind) {
    case "bool":
      return "u8";
    case "uintptr":
    case "be64":
      return "u64";
    case "be16":
      return "u16";
    case "be32":
      return "u32";
    case "safe":
    case "enumeration":
      return type.base.kind;
    case "bits":
    case "atomic":
      return laneOf(type.base);
    default:
      return type.kind;
  }
}

/** Whether this is a leaf. */
export function isLeaf(type: AnyType): type is LeafType {
  switch (type.kind) {
    case "array":
    case "struct":
    case "union":
    case "padding":
    case "marker":
      return false;
    default:
      return true;
  }
}
