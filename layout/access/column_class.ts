/** One field of every struct of an array. */

import { type Part, part } from "../../base/specialise.ts";
import type { Fits, Leaf, Load, Store } from "../leaves/leaf.ts";
import { reachOf } from "../region/lanes.ts";
import type { Region } from "../region/region.ts";
import {
  indexArithmetic,
  type Iterate,
  iteration,
  type Outside,
  shorter,
  type Turn,
  type Unless,
} from "./indices.ts";
import type { LeafPlace } from "./plan.ts";
import type { Construct } from "./private_fields.ts";
import { refuseAt, refuseIndex } from "./refusals.ts";

/**
 * Makes the class. The stride is a field, so that the columns of all struct types
 * share a class for each kind of value, and code that serves many of them meets
 * one class. It refers to nothing outside of itself, see `part`.
 */
function columnFactory(
  load: Load,
  store: Store,
  fits: Fits,
  outside: Outside,
  unless: Unless,
  turn: Turn,
  iterate: Iterate,
  leaf: Leaf,
  count: typeof shorter,
  refuseIndexOf: typeof refuseIndex,
  refuse: typeof refuseAt,
): Construct {
  class Column {
    #region: Region;
    #offset: number;
    readonly #length: number;
    readonly #path: string;
    readonly #stride: number;

    constructor(
      region: Region,
      offset: number,
      length: number,
      path: string,
      stride: number,
    ) {
      this.#region = region;
      this.#offset = offset;
      this.#length = length;
      this.#path = path;
      this.#stride = stride;
    }

    get length(): number {
      return this.#length;
    }

    // Offset -1 is in no region. That is a third cheaper in a scan than any way
    // to throw.
    at(i: number): unknown {
      try {
        const offset = this.#offset + i * this.#stride;
        return load(
          this.#region,
          turn(offset, outside(i, this.#length)),
          this.#path,
        );
      } catch (e) {
        return refuseIndexOf(e, i, this.#length, this.#path);
      }
    }

    copyTo(target: { [index: number]: unknown }): number {
      const n = count(target, this.#length);
      for (let i = 0; i < n; i++) {
        const offset = this.#offset + i * this.#stride;
        target[i] = load(this.#region, offset, this.#path);
      }
      return n;
    }

    [Symbol.iterator](): Iterator<unknown> {
      return iterate(this, this.#length);
    }

    set(i: number, a: unknown): void {
      try {
        const offset = turn(
          this.#offset + i * this.#stride,
          turn(outside(i, this.#length), unless(fits(a))),
        );
        store(this.#region, offset, a as never);
      } catch (e) {
        refuse(e, leaf, a, i, this.#length, this.#path);
      }
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: Column) => p.#region,
      offset: (p: Column) => p.#offset,
      length: (p: Column) => p.#length,
      path: (p: Column) => p.#path,
      stride: (p: Column) => p.#stride,
      move: (p: Column, offset: number) => {
        p.#offset = offset;
      },
      enter: (p: Column, region: Region) => {
        p.#region = region;
      },
    };
  }
  return Column as unknown as Construct;
}

/** The class of the columns of one kind of value. */
export function columnClass(
  { leaf, aligned }: LeafPlace,
  wide: boolean,
): Part<Construct> {
  const reach = reachOf(aligned, wide);
  const { outside, unless, turn } = indexArithmetic(wide);
  return part(
    columnFactory,
    leaf.load(reach),
    leaf.store(reach),
    leaf.fits,
    outside,
    unless,
    turn,
    iteration(),
    leaf,
    shorter,
    refuseIndex,
    refuseAt,
  );
}
