/** How leaves are read and written where no code was generated for them. */

import { bitPlaceOf, loadBits, storeBits } from "./bits.ts";
import {
  safeFromScratch,
  safeToScratch,
  scratch64,
  swap16,
  swap32,
  swap64,
} from "./convert.ts";
import { atomics } from "../intrinsics.ts";
import { type Lane, LANE_SIZE, loadLane, storeLane } from "../region/lanes.ts";
import { laneOf, type LeafType, type Slot } from "./leaf_type.ts";
import { closed, type Region } from "../region/region.ts";
import { readText, textBytes, writeBytes } from "./text.ts";
import type { AtomicType, Bits, Text } from "../types.ts";

/** Reads a leaf. */
export function loadLeaf(slot: Slot, region: Region, base: number): unknown {
  const { type, aligned } = slot;
  const offset = base + slot.offset;
  if (type.kind === "text") return readText(region, offset, type.length);
  if (type.kind === "bits") {
    const value = loadBits(region, bitPlaceOf(slot), base);
    return type.base.kind === "bool" ? value !== 0 : value;
  }
  const lane = laneOf(type);
  if (type.kind === "atomic") {
    const value = loadAtomic(region, lane, offset);
    return type.base.kind === "bool" ? value !== 0 : value;
  }
  const raw = loadLane(region, lane, offset, aligned);
  switch (type.kind) {
    case "bool":
      return raw !== 0;
    case "be16":
      return swap16(raw as number);
    case "be32":
      return swap32(raw as number);
    case "be64":
      return swap64(raw as bigint);
    case "safe":
      scratch64[0] = raw as bigint;
      return safeFromScratch(type.base.kind === "i64", slot.path);
    default:
      return raw;
  }
}

/** Writes a leaf whose value was checked. */
export function storeLeaf(
  slot: Slot,
  region: Region,
  base: number,
  value: unknown,
): void {
  const { type, aligned } = slot;
  const offset = base + slot.offset;
  if (type.kind === "text") {
    return writeBytes(region, offset, textBytes(value, type.length, slot.path));
  }
  if (type.kind === "bits") {
    return storeBits(
      region,
      bitPlaceOf(slot),
      base,
      integerOf(value),
    );
  }
  const lane = laneOf(type);
  if (type.kind === "atomic") {
    return storeAtomic(region, lane, offset, integerOf(value));
  }
  storeLane(region, lane, offset, aligned, encode(type, value));
}

/** A checked integer or boolean as an integer. */
function integerOf(value: unknown): number | bigint {
  return typeof value === "boolean" ? Number(value) : value as number | bigint;
}

/** What lies in memory for a value that was checked. */
function encode(
  type: Exclude<LeafType, Text | Bits | AtomicType>,
  value: unknown,
): number | bigint {
  switch (type.kind) {
    case "bool":
      return integerOf(value);
    case "be16":
      return swap16(value as number);
    case "be32":
      return swap32(value as number);
    case "be64":
      return swap64(value as bigint);
    case "safe":
      return safeToScratch(value as number);
    default:
      return value as number | bigint;
  }
}

type IntegerArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

function loadAtomic(
  region: Region,
  lane: Lane,
  offset: number,
): number | bigint {
  if (region.u8[offset] === undefined) closed(region);
  return atomics.load(
    region[lane] as IntegerArray,
    offset / LANE_SIZE[lane],
  );
}

function storeAtomic(
  region: Region,
  lane: Lane,
  offset: number,
  value: number | bigint,
): void {
  if (region.u8[offset] === undefined) closed(region);
  atomics.store(
    region[lane] as IntegerArray,
    offset / LANE_SIZE[lane],
    value as number,
  );
}
