/**
 * Lanes: the typed arrays of a region, through which a naturally aligned value
 * is read and written by exactly one access. The engine's DataView goes byte by
 * byte in code that it has not optimised yet, and was seen to tear against a
 * concurrent writer; it serves misaligned values only.
 */

import { dataView } from "../intrinsics.ts";
import { closed, type Region } from "./region.ts";

/** The view of a region that a value is read through. */
export type Lane =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "f32"
  | "f64"
  | "u64"
  | "i64";

/** The width of each lane in bytes. */
export const LANE_SIZE: Readonly<Record<Lane, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  f64: 8,
  u64: 8,
  i64: 8,
};

/** A region's lane, as one type that all of them fit. */
type AnyLane = { [index: number]: number | bigint };

function laneView(region: Region, lane: Lane): AnyLane {
  return region[lane] as unknown as AnyLane;
}

/** Reads a lane's value, by one access where it is aligned. */
export function loadLane(
  region: Region,
  lane: Lane,
  offset: number,
  aligned: boolean,
): number | bigint {
  if (aligned) {
    return laneView(region, lane)[offset / LANE_SIZE[lane]] ?? closed(region);
  }
  return loadUnaligned[lane](region, offset);
}

/** Writes a lane's value, by one access where it is aligned. */
export function storeLane(
  region: Region,
  lane: Lane,
  offset: number,
  aligned: boolean,
  value: number | bigint,
): void {
  if (!aligned) return storeUnaligned[lane](region, offset, value);
  const view = laneView(region, lane);
  const index = offset / LANE_SIZE[lane];
  if (view[index] === undefined) closed(region);
  view[index] = value;
}

type Load = (region: Region, offset: number) => number | bigint;
type Store = (region: Region, offset: number, value: number | bigint) => void;
type DataViewLoad = (
  view: DataView,
  offset: number,
  littleEndian: boolean,
) => number | bigint;
type DataViewStore = (
  view: DataView,
  offset: number,
  value: never,
  littleEndian: boolean,
) => void;

function unalignedLoad(get: DataViewLoad): Load {
  return (region, offset) => {
    if (region.u8[offset] === undefined) closed(region);
    return get(region.dv, offset, true);
  };
}

function unalignedStore(set: DataViewStore): Store {
  return (region, offset, value) => {
    if (region.u8[offset] === undefined) closed(region);
    set(region.dv, offset, value as never, true);
  };
}

function loadByte(lane: "u8" | "i8"): Load {
  return (region, offset) => region[lane][offset] ?? closed(region);
}

function storeByte(region: Region, offset: number, value: number | bigint) {
  if (region.u8[offset] === undefined) closed(region);
  region.u8[offset] = value as number;
}

/** Reads of values that may lie at any offset, byte by byte: they can tear. */
export const loadUnaligned: Readonly<Record<Lane, Load>> = {
  u8: loadByte("u8"),
  i8: loadByte("i8"),
  u16: unalignedLoad(dataView.getUint16),
  i16: unalignedLoad(dataView.getInt16),
  u32: unalignedLoad(dataView.getUint32),
  i32: unalignedLoad(dataView.getInt32),
  f32: unalignedLoad(dataView.getFloat32),
  f64: unalignedLoad(dataView.getFloat64),
  u64: unalignedLoad(dataView.getBigUint64),
  i64: unalignedLoad(dataView.getBigInt64),
};

/** Writes of values that may lie at any offset, byte by byte: they can tear. */
export const storeUnaligned: Readonly<Record<Lane, Store>> = {
  u8: storeByte,
  i8: storeByte,
  u16: unalignedStore(dataView.setUint16),
  i16: unalignedStore(dataView.setInt16),
  u32: unalignedStore(dataView.setUint32),
  i32: unalignedStore(dataView.setInt32),
  f32: unalignedStore(dataView.setFloat32),
  f64: unalignedStore(dataView.setFloat64),
  u64: unalignedStore(dataView.setBigUint64),
  i64: unalignedStore(dataView.setBigInt64),
};
