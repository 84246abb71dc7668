/**
 * Lanes: the typed arrays of a region, through which a naturally aligned value
 * is read and written by exactly one access. The engine's DataView goes byte by
 * byte in code that it has not optimised yet, and was seen to tear against a
 * concurrent writer; it serves misaligned values only.
 */

import { type Part, part } from "../../base/specialise.ts";
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

/** The engine's typed array of each lane. */
export const LANE_ARRAY = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
} as const;

/** An element of a lane. */
export type Raw = number | bigint;

/** Reads what lies at an offset in bytes. */
export type RawLoad = (region: Region, offset: number) => Raw;
/** Writes what lies at an offset in bytes. */
export type RawStore = (region: Region, offset: number, raw: never) => void;

/** The way in which a value is aligned in its region. */
export type Reach =
  /** Aligned, at an offset below 2^31. */
  | "shift"
  /** Aligned, at any offset. */
  | "divide"
  /** At any offset, byte by byte: it can tear. */
  | "misaligned";

/** Selects the way to reach a value, aligned or not, in a wide class or not. */
export function reachOf(aligned: boolean, wide: boolean): Reach {
  return !aligned ? "misaligned" : wide ? "divide" : "shift";
}

/**
 * A lane's typed array, by name. A function for each: what takes the name as a
 * value would be slow for all lanes where code is not specialised.
 */
const views: Readonly<Record<Lane, Part<(region: Region) => unknown>>> = {
  u8: part(() => (r: Region) => r.u8),
  i8: part(() => (r: Region) => r.i8),
  u16: part(() => (r: Region) => r.u16),
  i16: part(() => (r: Region) => r.i16),
  u32: part(() => (r: Region) => r.u32),
  i32: part(() => (r: Region) => r.i32),
  f32: part(() => (r: Region) => r.f32),
  f64: part(() => (r: Region) => r.f64),
  u64: part(() => (r: Region) => r.u64),
  i64: part(() => (r: Region) => r.i64),
};

type Numbers = { [index: number]: Raw };
type View = (region: Region) => unknown;
type Closed = (region: Region) => never;

/**
 * Loads of aligned values below 2^31, written out: a call less, and no number
 * that is kept elsewhere, make accessors small enough to be inlined by the
 * hundred.
 */
const loads: Readonly<Record<Lane, (closed: Closed) => RawLoad>> = {
  u8: (closed) => (r, o) => r.u8[o] ?? closed(r),
  i8: (closed) => (r, o) => r.i8[o] ?? closed(r),
  u16: (closed) => (r, o) => r.u16[o >> 1] ?? closed(r),
  i16: (closed) => (r, o) => r.i16[o >> 1] ?? closed(r),
  u32: (closed) => (r, o) => r.u32[o >> 2] ?? closed(r),
  i32: (closed) => (r, o) => r.i32[o >> 2] ?? closed(r),
  f32: (closed) => (r, o) => r.f32[o >> 2] ?? closed(r),
  f64: (closed) => (r, o) => r.f64[o >> 3] ?? closed(r),
  u64: (closed) => (r, o) => r.u64[o >> 3] ?? closed(r),
  i64: (closed) => (r, o) => r.i64[o >> 3] ?? closed(r),
};

/** The same for stores. */
const stores: Readonly<Record<Lane, (closed: Closed) => RawStore>> = {
  u8: (closed) => (r, o, a) => {
    const v = r.u8;
    if (v[o] === undefined) closed(r);
    v[o] = a;
  },
  i8: (closed) => (r, o, a) => {
    const v = r.i8;
    if (v[o] === undefined) closed(r);
    v[o] = a;
  },
  u16: (closed) => (r, o, a) => {
    const v = r.u16, i = o >> 1;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  i16: (closed) => (r, o, a) => {
    const v = r.i16, i = o >> 1;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  u32: (closed) => (r, o, a) => {
    const v = r.u32, i = o >> 2;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  i32: (closed) => (r, o, a) => {
    const v = r.i32, i = o >> 2;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  f32: (closed) => (r, o, a) => {
    const v = r.f32, i = o >> 2;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  f64: (closed) => (r, o, a) => {
    const v = r.f64, i = o >> 3;
    if (v[i] === undefined) closed(r);
    v[i] = a;
  },
  // Reading the lane itself would make a bigint only to look at it.
  u64: (closed) => (r, o, a) => {
    if (r.u8[o] === undefined) closed(r);
    r.u64[o >> 3] = a;
  },
  // Reading the lane itself would make a bigint only to look at it.
  i64: (closed) => (r, o, a) => {
    if (r.u8[o] === undefined) closed(r);
    r.i64[o >> 3] = a;
  },
};

/** Writes at an offset in bytes of a lane's typed array. */
type Put = (lane: Numbers, offset: number, raw: Raw) => void;
type Gone = () => never;

/**
 * The same for setters, by the logarithm of the lane's width. Given the typed array
 * they take at most 27 bytes of bytecode: the engine inlines what is that small,
 * whatever else it has inlined. Where they took a few more, a function that stores
 * sixteen fields took 2.5 times as long (`bench/wide_bench.ts`).
 */
const puts: readonly ((gone: Gone) => Put)[] = [
  (gone) => (v, o, a) => {
    if (v[o] === undefined) gone();
    v[o] = a;
  },
  (gone) => (v, o, a) => {
    const i = o >> 1;
    if (v[i] === undefined) gone();
    v[i] = a;
  },
  (gone) => (v, o, a) => {
    const i = o >> 2;
    if (v[i] === undefined) gone();
    v[i] = a;
  },
  (gone) => (v, o, a) => {
    const i = o >> 3;
    if (v[i] === undefined) gone();
    v[i] = a;
  },
];

/** Makes the function that writes aligned values below 2^31 for setters. */
export function lanePut(lane: Lane): Part<Put> {
  return putParts[lane];
}

function loadByDivision(view: View, size: number, closed: Closed): RawLoad {
  return (r, o) => (view(r) as Numbers)[o / size] ?? closed(r);
}

function storeByDivision(view: View, size: number, closed: Closed): RawStore {
  return (r, o, a) => {
    if (r.u8[o] === undefined) closed(r);
    (view(r) as Numbers)[o / size] = a;
  };
}

type Getter = "getUint16"; // one for all: they differ in what they return
type Setter = "setUint16";

function loadMisaligned(get: string, closed: Closed): RawLoad {
  return (r, o) => {
    if (r.u8[o] === undefined) closed(r);
    return r.dv[get as Getter](o, true);
  };
}

function storeMisaligned(set: string, closed: Closed): RawStore {
  return (r, o, a) => {
    if (r.u8[o] === undefined) closed(r);
    r.dv[set as Setter](o, a, true);
  };
}

/** The names of the methods of a DataView, without `get` and `set`. */
const METHODS: Readonly<Record<Lane, string>> = {
  u8: "Uint8",
  i8: "Int8",
  u16: "Uint16",
  i16: "Int16",
  u32: "Uint32",
  i32: "Int32",
  f32: "Float32",
  f64: "Float64",
  u64: "BigUint64",
  i64: "BigInt64",
};

/** The functions that read and write raw values. */
export interface RawAccess {
  /** Reads one. */
  readonly load: Part<RawLoad>;
  /** Writes one. */
  readonly store: Part<RawStore>;
}

class LaneAccess implements RawAccess {
  readonly load: Part<RawLoad>;
  readonly store: Part<RawStore>;

  constructor(lane: Lane, reach: Reach) {
    const view = views[lane];
    const size = LANE_SIZE[lane];
    switch (reach) {
      case "shift":
        this.load = part(loads[lane], closed);
        this.store = part(stores[lane], closed);
        break;
      case "divide":
        this.load = part(loadByDivision, view, size, closed);
        this.store = part(storeByDivision, view, size, closed);
        break;
      case "misaligned":
        this.load = part(loadMisaligned, `get${METHODS[lane]}`, closed);
        this.store = part(storeMisaligned, `set${METHODS[lane]}`, closed);
    }
  }
}

function putPart(lane: Lane): Part<Put> {
  return part(puts[Math.log2(LANE_SIZE[lane])]!, closed);
}

const putParts = Object.fromEntries(
  Object.keys(LANE_SIZE).map((lane) => [lane, putPart(lane as Lane)]),
) as Readonly<Record<Lane, Part<Put>>>;

/** One for all who need it: within one text they then share their functions. */
const accesses = new Map<string, RawAccess>();

/** Makes the functions that read and write the raw values of a lane. */
export function laneAccess(lane: Lane, reach: Reach): RawAccess {
  const key = `${lane} ${reach}`;
  let access = accesses.get(key);
  if (access === undefined) {
    accesses.set(key, access = new LaneAccess(lane, reach));
  }
  return access;
}

/** Indices in a lane of offsets in bytes: for `Atomics`, which take both. */
export function laneIndex(
  lane: Lane,
  wide: boolean,
): Part<(offset: number) => number> {
  const size = LANE_SIZE[lane];
  return wide
    ? part((size: number) => (o: number) => o / size, size)
    : part((shift: number) => (o: number) => o >> shift, Math.log2(size));
}

/** A lane's typed array. */
export function laneView<A>(lane: Lane): Part<(region: Region) => A> {
  return views[lane] as Part<(region: Region) => A>;
}
