/** Arrays of structs, unions, atomics or arrays. */

import { type Part, part } from "../../base/specialise.ts";
import type { Region } from "../region/region.ts";
import {
  indexArithmetic,
  type Iterate,
  iteration,
  type Multiply,
  type Within,
} from "./indices.ts";
import { type ClassOf, type MakeObject, objectMaker } from "./make_object.ts";
import type { ObjectsPlan } from "./plan.ts";
import type { Construct } from "./private_fields.ts";
import { bad, refuseIndex } from "./refusals.ts";

/** Makes the class. It refers to nothing outside of itself, see `part`. */
function objectsFactory(
  make: MakeObject,
  within: Within,
  multiply: Multiply,
  stride: number,
  iterate: Iterate,
  columnOf: (array: object, path: unknown) => object,
  bad: number,
  refuse: typeof refuseIndex,
): Construct {
  class Objects {
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

    at(i: number): object {
      try {
        return make(
          this.#region,
          this.#offset + multiply(i, stride) +
            (within(i, this.#length) ? 0 : bad),
          0,
        );
      } catch (e) {
        return refuse(e, i, this.#length, this.#path);
      }
    }

    column(path: unknown): object {
      return columnOf(this, path);
    }

    [Symbol.iterator](): Iterator<unknown> {
      return iterate(this, this.#length);
    }

    static readonly keys = {
      owns: (p: object) => #region in p,
      region: (p: Objects) => p.#region,
      offset: (p: Objects) => p.#offset,
      length: (p: Objects) => p.#length,
      path: (p: Objects) => p.#path,
      move: (p: Objects, offset: number) => {
        p.#offset = offset;
      },
      enter: (p: Objects, region: Region) => {
        p.#region = region;
      },
    };
  }
  return Objects as unknown as Construct;
}

/** The class of arrays of objects. */
export function objectsClass(
  { element, stride }: ObjectsPlan,
  wide: boolean,
  classOf: ClassOf,
  columnOf: (array: object, path: unknown) => object,
): Part<Construct> {
  const { within, multiply } = indexArithmetic(wide);
  return part(
    objectsFactory,
    objectMaker(element, wide, classOf),
    within,
    multiply,
    stride,
    iteration(),
    columnOf,
    bad as unknown as number,
    refuseIndex,
  );
}
