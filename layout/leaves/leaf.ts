/** Leaves: types whose value is one JavaScript value. */

import { type Part, part } from "../../base/specialise.ts";
import {
  type Lane,
  LANE_SIZE,
  laneAccess,
  type Raw,
  type RawAccess,
  type RawLoad,
  type RawStore,
  type Reach,
} from "../region/lanes.ts";
import type { Region } from "../region/region.ts";

/**
 * Reads a value at an offset in bytes. Offset −1 is in no region: it throws.
 *
 * @param path The name of the value in an error.
 */
export type Load = (region: Region, offset: number, path: string) => unknown;

/** Writes a value that fits at an offset in bytes; at −1 it throws. */
export type Store = (region: Region, offset: number, value: never) => void;

/**
 * Tells whether a value fits, in as little code as can be. Where a value of the
 * wrong kind comes it may throw as well: `check` says why.
 */
export type Fits = (value: unknown) => boolean;

/** A C declarator's two halves: `char` and `[16]`. */
export interface Declarator {
  /** The text before the name. */
  readonly base: string;
  /** The text behind the name. */
  readonly suffix: string;
}

/** All that there is to know about one kind of leaf. */
export interface Leaf {
  /** Makes the function that reads values. */
  load(reach: Reach): Part<Load>;
  /** Makes the function that writes values. */
  store(reach: Reach): Part<Store>;
  /** The function that tests values. */
  readonly fits: Part<Fits>;
  /**
   * True if the test never throws and needs no bigint: then a setter can do
   * without a `try`, which makes it small enough to be inlined.
   */
  readonly isQuick: boolean;
  /** True if the raw value of a value is the value itself. */
  readonly isRaw?: boolean;
  /**
   * Tests whether several bytes read as this value: then storing it decides
   * less than it writes.
   */
  isVague(value: unknown): boolean;
  /**
   * Writes a value over zeros, and no byte that it does not need; undefined where
   * a store does that.
   */
  readonly storeOverZeros?: Store;
  /**
   * Captures what is stored of a value that could change before it is;
   * undefined where values are primitives.
   */
  capture?(value: unknown): unknown;
  /**
   * Checks that a value can be stored.
   *
   * @throws {TypeError} if it is of the wrong kind.
   * @throws {RangeError} if it does not fit.
   */
  check(value: unknown, path: string): void;
  /**
   * Tests whether a value that was stored reads as this one: a float is
   * rounded, and an integer has no negative zero.
   */
  readsAs(value: unknown, read: unknown): boolean;
  /** The alignment at which no access goes byte by byte, in bytes. */
  readonly alignment: number;
  /** The lane that values are reached through; undefined where there is none. */
  readonly lane: Lane | undefined;
  /** True if the engine's typed array of that lane holds the very values. */
  readonly isNative: boolean;
  /** True if reading can throw an error that names the value. */
  readonly namesErrors: boolean;
  /** The name of the type in C. */
  readonly declarator: Declarator;
  /** The value that a sum begins with; undefined where they do not add up. */
  readonly zero: 0 | 0n | undefined;
}

/** The conversion of the elements of a lane to values of one kind. */
export interface Conversion {
  /** The lane. */
  readonly lane: Lane;
  /** See {@linkcode Leaf.fits}. */
  readonly fits: Part<Fits>;
  /** See {@linkcode Leaf.check}. */
  readonly check: (value: unknown, path: string) => void;
  /** The value of what was read; itself where there is nothing to convert. */
  readonly decode?: Part<(raw: never, path: string) => unknown>;
  /**
   * The raw value that is written for a value, given the one that lies there
   * where it matters.
   */
  readonly encode?: Part<(value: never) => Raw>;
  /**
   * The raw value that is written for a value that shares its lane with others.
   */
  readonly merge?: Part<(value: never, raw: never) => Raw>;
  /**
   * The value that is read after a value was stored; where not given, without
   * sign of zero.
   */
  readonly round?: (value: never) => unknown;
  /** See {@linkcode Leaf.isVague}; never where it is not given. */
  readonly isVague?: (value: unknown) => boolean;
  /** See {@linkcode Leaf.isNative}. */
  readonly isNative?: boolean;
  /** See {@linkcode Leaf.namesErrors}. */
  readonly namesErrors?: boolean;
  /** See {@linkcode Leaf.declarator}. */
  readonly declarator: Declarator;
  /** See {@linkcode Leaf.zero}. */
  readonly zero: 0 | 0n | undefined;
}

function withoutSign(value: unknown): unknown {
  return typeof value === "number" ? value + 0 : value;
}

type Decode = (raw: Raw, path: string) => unknown;
type Encode = (value: unknown) => Raw;
type Merge = (value: unknown, raw: Raw) => Raw;

function decoded(load: RawLoad, decode: Decode): Load {
  return (r, o, p) => decode(load(r, o), p);
}

function encoded(store: RawStore, encode: Encode): Store {
  return (r, o, a) => store(r, o, encode(a) as never);
}

function merged(load: RawLoad, store: RawStore, merge: Merge): Store {
  return (r, o, a) => store(r, o, merge(a, load(r, o)) as never);
}

/** A leaf whose value is read from one lane by one access. */
export class LaneLeaf implements Leaf {
  readonly fits: Part<Fits>;
  readonly isQuick: boolean;
  readonly check: (value: unknown, path: string) => void;
  readonly lane: Lane;
  readonly alignment: number;
  readonly isNative: boolean;
  readonly isRaw: boolean;
  readonly namesErrors: boolean;
  readonly declarator: Declarator;
  readonly zero: 0 | 0n | undefined;
  /** The conversion of an element of the lane to a value. */
  readonly conversion: Conversion;
  readonly #access: (lane: Lane, reach: Reach) => RawAccess;
  readonly #loads = new Map<Reach, Part<Load>>();
  readonly #stores = new Map<Reach, Part<Store>>();

  /**
   * @param conversion The conversion of what lies in the lane to a value.
   * @param access The access that reads and writes it.
   */
  constructor(
    conversion: Conversion,
    access: (lane: Lane, reach: Reach) => RawAccess = laneAccess,
  ) {
    const { lane, fits, check, isNative, declarator, zero } = conversion;
    this.conversion = conversion;
    this.#access = access;
    this.fits = fits;
    this.isQuick = LANE_SIZE[lane] < 8 || lane === "f64";
    this.check = check;
    this.lane = lane;
    this.alignment = LANE_SIZE[lane];
    this.isNative = isNative ?? false;
    this.isRaw = conversion.encode === undefined &&
      conversion.merge === undefined;
    this.namesErrors = conversion.namesErrors ?? false;
    this.declarator = declarator;
    this.zero = zero;
  }

  /** See {@linkcode Leaf.isVague}. */
  isVague(value: unknown): boolean {
    return this.conversion.isVague?.(value) ?? false;
  }

  /** See {@linkcode Leaf.readsAs}. */
  readsAs(value: unknown, read: unknown): boolean {
    const round = this.conversion.round ?? withoutSign;
    return Object.is(round(value as never), read);
  }

  /** See {@linkcode Leaf.load}. */
  load(reach: Reach): Part<Load> {
    let load = this.#loads.get(reach);
    if (load === undefined) this.#loads.set(reach, load = this.#load(reach));
    return load;
  }

  #load(reach: Reach): Part<Load> {
    const { lane, decode } = this.conversion;
    const { load } = this.#access(lane, reach);
    return decode === undefined
      ? load
      : part(decoded, load, decode as Part<Decode>);
  }

  /** See {@linkcode Leaf.store}. */
  store(reach: Reach): Part<Store> {
    let store = this.#stores.get(reach);
    if (store === undefined) {
      this.#stores.set(reach, store = this.#store(reach));
    }
    return store;
  }

  #store(reach: Reach): Part<Store> {
    const { lane, encode, merge } = this.conversion;
    const { load, store } = this.#access(lane, reach);
    if (merge !== undefined) {
      return part(merged, load, store, merge as Part<Merge>);
    }
    return encode === undefined
      ? store
      : part(encoded, store, encode as Part<Encode>);
  }
}
