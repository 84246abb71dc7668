/** Arrays of plain values. */

import { type Part, part } from "../../base/specialise.ts";
import type { Fits, Leaf, Load, Store } from "../leaves/leaf.ts";
import { type Lane, LANE_ARRAY, reachOf } from "../region/lanes.ts";
import type { Region } from "../region/region.ts";
import {
  indexArithmetic,
  type Iterate,
  iteration,
  type Multiply,
  relativeIndex,
  sliceRange,
  type Within,
} from "./indices.ts";
import type { ElementsPlan } from "./plan.ts";
import type { Construct } from "./private_fields.ts";
import { refuseAt } from "./refusals.ts";

/** Makes the class. It refers to nothing outside of itself, see `part`. */
function elementsFactory(
  load: Load,
  store: Store,
  fits: Fits,
  within: Within,
  multiply: Multiply,
  stride: number,
  iterate: Iterate,
  arrayOf: ArrayOf,
  leaf: Leaf,
  relative: typeof relativeIndex,
  range: typeof sliceRange,
  refuse: typeof refuseAt,
): Construct {
  class Elements {
    #region: Region;
    #offset: number;
    readonly #length: number;
    readonly #path: string;

    constructor(region: Region, offset: number, length: number, path: string) {
      this.#region = region;
      this.#offset = offset;
      this.#length = length;
      this.#path = path;
    }

    get length(): number {
      return this.#length;
    }

    at(i: number): unknown {
      if (!within(i, this.#length)) {
        i = relative(i, this.#length);
        if (i < 0) return undefined;
      }
      const offset = this.#offset + multiply(i, stride);
      return load(this.#region, offset, this.#path);
    }

    slice(start: unknown, end: unknown): object {
      const [from, to] = range(start, end, this.#length);
      const copy = arrayOf(to - from);
      for (let i = from; i < to; i++) {
        const offset = this.#offset + multiply(i, stride);
        copy[i - from] = load(this.#region, offset, this.#path);
      }
      return copy;
    }

    [Symbol.iterator](): Iterator<unknown> {
      return iterate(this, this.#length);
    }

    set(i: number, a: unknown): void {
      try {
        const offset = within(i, this.#length) && fits(a)
          ? this.#offset + multiply(i, stride)
          : -1;
        store(this.#region, offset, a as never);
      } catch (e) {
        refuse(e, leaf, a, i, this.#length, this.#path);
      }
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: Elements) => p.#region,
      offset: (p: Elements) => p.#offset,
      length: (p: Elements) => p.#length,
      path: (p: Elements) => p.#path,
      move: (p: Elements, offset: number) => {
        p.#offset = offset;
      },
      enter: (p: Elements, region: Region) => {
        p.#region = region;
      },
    };
  }
  return Elements as unknown as Construct;
}

type ArrayOf = (length: number) => { [index: number]: unknown };

function plainArrayOf(): unknown[] {
  return [];
}

/** Makes typed arrays for copies. */
function typedArrayOf(lane: Lane): ArrayOf {
  const Copy = LANE_ARRAY[lane];
  return (length) => new Copy(Math.max(0, length));
}

/** The class of arrays of plain values. */
export function elementsClass(
  { place: { leaf, aligned }, stride }: ElementsPlan,
  wide: boolean,
): Part<Construct> {
  const reach = reachOf(aligned, wide);
  const { within, multiply } = indexArithmetic(wide);
  return part(
    elementsFactory,
    leaf.load(reach),
    leaf.store(reach),
    leaf.fits,
    within,
    multiply,
    stride,
    iteration(),
    leaf.isNative ? typedArrayOf(leaf.lane!) : plainArrayOf,
    leaf,
    relativeIndex,
    sliceRange,
    refuseAt,
  );
}
