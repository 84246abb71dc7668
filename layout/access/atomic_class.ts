/** Atomics, and waiting on them. */

import { requireWhole } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import { NotSupportedError } from "../../errors.ts";
import { type Part, part } from "../../base/specialise.ts";
import type { AtomicLane } from "../leaves/atomic.ts";
import type { Fits } from "../leaves/leaf.ts";
import { laneLeafOf } from "../leaves/leaf_of.ts";
import { LANE_SIZE, laneIndex, laneView } from "../region/lanes.ts";
import { closed, type Region } from "../region/region.ts";
import type { AtomicType } from "../static.ts";
import type { AccessMode } from "./plan.ts";
import type { Construct } from "./private_fields.ts";

// The values are checked before the memory: a check can run no code of the
// caller's, so the memory cannot close in between.

type Check = (value: unknown, path: string) => void;

/** Checks in little code where a value fits. It refers to nothing outside. */
function quickCheck(kind: string, fits: Fits, check: Check): Check {
  return (a, p) => {
    if (typeof a !== kind || !fits(a)) check(a, p);
  };
}

/** Makes the class of integers. It refers to nothing outside of itself. */
function integerFactory(
  view: (region: Region) => AtomicLane,
  index: (offset: number) => number,
  check: Check,
  refuse: (region: Region) => never,
  wait: typeof waitOn,
  limit: typeof wakeLimit,
): Construct {
  const laneOf = (r: Region, o: number) => {
    if (r.u8[o] === undefined) refuse(r);
    return view(r);
  };
  class Atomic {
    #region: Region;
    #offset: number;
    readonly #path: string;

    constructor(region: Region, offset: number, path: string) {
      this.#region = region;
      this.#offset = offset;
      this.#path = path;
    }

    load(): number {
      return Atomics.load(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
      );
    }

    store(a: number): void {
      check(a, this.#path);
      Atomics.store(laneOf(this.#region, this.#offset), index(this.#offset), a);
    }

    add(a: number): number {
      check(a, this.#path);
      return Atomics.add(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    sub(a: number): number {
      check(a, this.#path);
      return Atomics.sub(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    and(a: number): number {
      check(a, this.#path);
      return Atomics.and(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    or(a: number): number {
      check(a, this.#path);
      return Atomics.or(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    xor(a: number): number {
      check(a, this.#path);
      return Atomics.xor(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    exchange(a: number): number {
      check(a, this.#path);
      return Atomics.exchange(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
      );
    }

    compareExchange(a: number, b: number): number {
      check(a, this.#path);
      check(b, this.#path);
      return Atomics.compareExchange(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        a,
        b,
      );
    }

    wait(a: number, timeout?: number): string {
      check(a, this.#path);
      const lane = laneOf(this.#region, this.#offset);
      return wait(this.#region, lane, index(this.#offset), a, timeout);
    }

    notify(count?: number): number {
      return Atomics.notify(
        laneOf(this.#region, this.#offset),
        index(this.#offset),
        limit(count),
      );
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: Atomic) => p.#region,
      offset: (p: Atomic) => p.#offset,
      path: (p: Atomic) => p.#path,
      move: (p: Atomic, offset: number) => {
        p.#offset = offset;
      },
      enter: (p: Atomic, region: Region) => {
        p.#region = region;
      },
    };
  }
  return Atomic as unknown as Construct;
}

/** Makes the class of booleans. It refers to nothing outside of itself. */
function booleanFactory(
  check: Check,
  refuse: (region: Region) => never,
): Construct {
  const laneOf = (r: Region, o: number) => {
    if (r.u8[o] === undefined) refuse(r);
    return r.u8;
  };
  class AtomicBoolean {
    #region: Region;
    #offset: number;
    readonly #path: string;

    constructor(region: Region, offset: number, path: string) {
      this.#region = region;
      this.#offset = offset;
      this.#path = path;
    }

    load(): boolean {
      return Atomics.load(laneOf(this.#region, this.#offset), this.#offset) !==
        0;
    }

    store(a: boolean): void {
      check(a, this.#path);
      Atomics.store(laneOf(this.#region, this.#offset), this.#offset, +a);
    }

    exchange(a: boolean): boolean {
      check(a, this.#path);
      return Atomics.exchange(
        laneOf(this.#region, this.#offset),
        this.#offset,
        +a,
      ) !== 0;
    }

    // A boolean is true for every byte but 0, so any of them may be expected.
    compareExchange(a: boolean, b: boolean): boolean {
      check(a, this.#path);
      check(b, this.#path);
      const lane = laneOf(this.#region, this.#offset);
      const o = this.#offset;
      while (true) {
        const byte = Atomics.load(lane, o);
        if ((byte !== 0) !== a) return !a;
        if (Atomics.compareExchange(lane, o, byte, +b) === byte) return a;
      }
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: AtomicBoolean) => p.#region,
      offset: (p: AtomicBoolean) => p.#offset,
      path: (p: AtomicBoolean) => p.#path,
      move: (p: AtomicBoolean, offset: number) => {
        p.#offset = offset;
      },
      enter: (p: AtomicBoolean, region: Region) => {
        p.#region = region;
      },
    };
  }
  return AtomicBoolean as unknown as Construct;
}

/** The most threads to wake; the engine takes a mistake for none. */
function wakeLimit(count?: number): number {
  if (count === undefined || count === Infinity) return Infinity;
  requireWhole("Count", count, 0);
  return count;
}

/** Sleeps on a value; memory tells who sleeps in it, to be woken when it closes. */
function waitOn(
  region: Region,
  lane: AtomicLane,
  index: number,
  expected: number,
  timeout?: number,
): "ok" | "not-equal" | "timed-out" {
  // What the engine takes for 0, or for ever, may be a mistake.
  if (
    timeout !== undefined &&
    (typeof timeout !== "number" || Number.isNaN(timeout))
  ) {
    throw new TypeError(
      `The timeout must be a number of milliseconds: received ${show(timeout)}`,
    );
  }
  if (!(region.buffer instanceof SharedArrayBuffer)) {
    throw new NotSupportedError(
      "Cannot wait on memory that no other thread can have: make it with `workers: true`",
    );
  }
  const wait = () => Atomics.wait(lane, index, expected, timeout);
  if (region.sleepers === undefined) return wait();
  const offset = region.start + index * lane.BYTES_PER_ELEMENT;
  const result = region.sleepers.sleep(offset, wait);
  if (result === undefined) {
    region.root.release();
    closed(region);
  }
  return result;
}

const WAITING = ["wait", "notify"];

/** The class of the atomics of a type. */
export function atomicClass(
  { base }: AtomicType,
  wide: boolean,
): Part<Construct> {
  const leaf = laneLeafOf(base);
  const kind = base.kind === "bool"
    ? "boolean"
    : LANE_SIZE[leaf.lane] === 8
    ? "bigint"
    : "number";
  const check = part(quickCheck, kind, leaf.fits, leaf.check);
  return base.kind === "bool" ? part(booleanFactory, check, closed) : part(
    integerFactory,
    laneView<AtomicLane>(leaf.lane),
    laneIndex(leaf.lane, wide),
    check,
    closed,
    waitOn,
    wakeLimit,
  );
}

/** The methods that the atomics of a type do not have. */
export function missingMethods(
  { base }: AtomicType,
  { writable }: AccessMode,
): readonly string[] {
  if (!writable) return WRITING;
  return base.kind === "i32" || base.kind === "i64" ? [] : WAITING;
}

const WRITING = [
  "store",
  "add",
  "sub",
  "and",
  "or",
  "xor",
  "exchange",
  "compareExchange",
  ...WAITING,
];
