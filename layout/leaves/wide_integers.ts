/** Integers of 128 bits: two halves of 64, each read and written by one access. */

import { type Part, part } from "../../base/specialise.ts";
import {
  laneAccess,
  type RawLoad,
  type RawStore,
  type Reach,
} from "../region/lanes.ts";
import { checkRange } from "./checks.ts";
import { fitsWidth, rangeOf } from "./integers.ts";
import type { Declarator, Fits, Leaf, Load, Store } from "./leaf.ts";

// The lower half comes first: offset -1, which is in no region, throws there.

function loadHalves(low: RawLoad, high: RawLoad): Load {
  return (r, o) => {
    const lower = low(r, o) as bigint;
    return high(r, o + 8) as bigint << 64n | lower;
  };
}

// A lane takes the lowest 64 bits of a bigint.
function storeHalves(low: RawStore, high: RawStore): Store {
  return (r, o, a) => {
    low(r, o, a);
    high(r, o + 8, (a as bigint) >> 64n as never);
  };
}

/** `__int128`, signed or not. It can tear between its halves. */
class WideInteger implements Leaf {
  readonly #high: "i64" | "u64";
  readonly #loads = new Map<Reach, Part<Load>>();
  readonly #stores = new Map<Reach, Part<Store>>();
  readonly fits: Part<Fits>;
  readonly isQuick = false;
  readonly check: (value: unknown, path: string) => void;
  readonly alignment = 8;
  readonly lane = undefined;
  readonly isNative = false;
  readonly namesErrors = false;
  readonly declarator: Declarator;
  readonly zero = 0n;

  constructor(signed: boolean) {
    this.#high = signed ? "i64" : "u64";
    this.fits = fitsWidth(signed, 128, true);
    this.check = checkRange(rangeOf(signed, 128, true));
    this.declarator = {
      base: signed ? "__int128" : "unsigned __int128",
      suffix: "",
    };
  }

  isVague(): boolean {
    return false;
  }

  readsAs(value: unknown, read: unknown): boolean {
    return value === read;
  }

  load(reach: Reach): Part<Load> {
    let load = this.#loads.get(reach);
    if (load === undefined) {
      const { load: low } = laneAccess("u64", reach);
      const { load: high } = laneAccess(this.#high, reach);
      this.#loads.set(reach, load = part(loadHalves, low, high));
    }
    return load;
  }

  store(reach: Reach): Part<Store> {
    let store = this.#stores.get(reach);
    if (store === undefined) {
      const { store: low } = laneAccess("u64", reach);
      const { store: high } = laneAccess(this.#high, reach);
      this.#stores.set(reach, store = part(storeHalves, low, high));
    }
    return store;
  }
}

/** `__int128`. */
export const i128: Leaf = new WideInteger(true);
/** `unsigned __int128`. */
export const u128: Leaf = new WideInteger(false);
