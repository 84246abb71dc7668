/** Where bit-fields lie, and how they are read and written. */

import { LANE_SIZE, loadLane, storeLane } from "../region/lanes.ts";
import { laneOf, type Slot } from "./leaf_type.ts";
import { closed, type Region } from "../region/region.ts";
import type { Bits, IntegerType } from "../types.ts";

// A program may replace them; how many bytes are written depends on them.
const toBigInt = BigInt;
const toNumber = Number;
const { asIntN, asUintN } = BigInt;
const { ceil, floor } = Math;

/** Where a bit-field lies: in one aligned unit, or in bytes to be gathered. */
export interface BitPlace {
  /** The lane of its unit; undefined where its bytes must be gathered. */
  readonly lane: IntegerType["kind"] | undefined;
  /** The offset in bytes of its unit, or of its first byte. */
  readonly offset: number;
  /** How many bits of the unit, or of the first byte, lie below it. */
  readonly shift: number;
  /** Its width in bits. */
  readonly width: number;
  /** Whether its value is signed. */
  readonly signed: boolean;
  /** Whether its value is a bigint. */
  readonly wide: boolean;
}

/**
 * Whether the unit of a bit-field ends within its struct. It need not where the
 * size is no multiple of the alignment, as that of a packed struct that is made
 * `aligned`: what lies behind belongs to others.
 */
export function unitEndsWithin(
  { size }: Bits,
  bit: number,
  structSize: number,
): boolean {
  return (floor(bit / (size * 8)) + 1) * size <= structSize;
}

/** Finds the unit through which a bit-field is reached. */
export function bitPlaceOf(slot: Slot): BitPlace {
  const { base, width } = slot.type as Bits;
  const bit = slot.bit!;
  const lane = laneOf(base) as IntegerType["kind"];
  const size = LANE_SIZE[lane];
  const shift = bit % (size * 8);
  const offset = (bit - shift) / 8;
  const common = {
    width,
    signed: lane.startsWith("i"),
    wide: size === 8,
  };
  return slot.aligned && shift + width <= size * 8
    ? { ...common, lane, offset, shift }
    : {
      ...common,
      lane: undefined,
      offset: floor(bit / 8),
      shift: bit % 8,
    };
}

/** Reads the bytes that a bit-field lies in, as one integer. */
function gather(region: Region, place: BitPlace, base: number): bigint {
  let bytes = 0n;
  const count = ceil((place.shift + place.width) / 8);
  for (let index = count - 1; index >= 0; index--) {
    const byte = region.u8[base + place.offset + index] ?? closed(region);
    bytes = bytes << 8n | toBigInt(byte);
  }
  return bytes;
}

/** Reads a bit-field, signed or not, as an integer. */
export function loadBits(
  region: Region,
  place: BitPlace,
  base: number,
): number | bigint {
  const unit = place.lane === undefined
    ? gather(region, place, base)
    : toBigInt(loadLane(region, place.lane, base + place.offset, true));
  const bits = unit >> toBigInt(place.shift);
  const value = place.signed
    ? asIntN(place.width, bits)
    : asUintN(place.width, bits);
  return place.wide ? value : toNumber(value);
}

/** Writes a bit-field by reading and writing all that shares its unit. */
export function storeBits(
  region: Region,
  place: BitPlace,
  base: number,
  value: number | bigint,
): void {
  const bits = asUintN(place.width, toBigInt(value)) <<
    toBigInt(place.shift);
  const mask = (1n << toBigInt(place.width)) - 1n << toBigInt(place.shift);
  if (place.lane !== undefined) {
    const offset = base + place.offset;
    const unit = toBigInt(loadLane(region, place.lane, offset, true));
    const merged = unit & ~mask | bits;
    storeLane(
      region,
      place.lane,
      offset,
      true,
      // A typed array keeps the low bits of any integer it is given.
      place.wide ? merged : toNumber(asUintN(32, merged)),
    );
    return;
  }
  let merged = gather(region, place, base) & ~mask | bits;
  const count = ceil((place.shift + place.width) / 8);
  for (let index = 0; index < count; index++) {
    region.u8[base + place.offset + index] = toNumber(merged & 0xffn);
    merged >>= 8n;
  }
}
