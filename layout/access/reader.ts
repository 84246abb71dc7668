/**
 * Functions that read whole values as plain data, one generated per type: for
 * who reads very many of one type. They do what `readValue` does, three to ten
 * times as fast.
 */

import { canGenerate } from "./classes.ts";
import { PrivateWeakMap } from "../intrinsics.ts";
import { loadLeaf } from "../leaves/leaf.ts";
import { type Base, getSource, Scope, sum } from "../leaves/leaf_source.ts";
import { library } from "./library.ts";
import { type Access, accessTo, type Plan, planOf } from "./plan.ts";
import type { Region } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";
import { isTampered } from "../tampering.ts";

/**
 * Reads a value at an offset of a region of at most 2^31 bytes.
 *
 * @param offset The offset in bytes, aligned as the type is.
 * @param bytes How many bytes there are for what ends in a flexible array.
 */
export type Reader = (region: Region, offset: number, bytes: number) => unknown;

const Compile = Function;

/** Larger types are not worth the code: the engine would not optimise it. */
const MOST_LEAVES = 256;
/** Arrays of up to so many elements are written out. */
const MOST_WRITTEN_OUT = 8;

const readers = new PrivateWeakMap<AnyType, { reader: Reader | undefined }>();

/** How many were made: each has a text of its own by this number. */
let count = 0;

/**
 * The function that reads values of a type; undefined where none can be
 * generated, or it would be too large.
 */
export function readerOf(type: AnyType): Reader | undefined {
  const known = readers.get(type);
  if (known !== undefined) return known.reader;
  const reader = canGenerate && !isTampered() ? generate(type) : undefined;
  readers.set(type, { reader });
  return reader;
}

function generate(type: AnyType): Reader | undefined {
  const text = new Text();
  const access = accessTo(type, type.name, 0, {
    writable: false,
    aligned: true,
  });
  const value = text.access(access, { offset: "o", bytes: "x" });
  return text.leaves > MOST_LEAVES ? undefined : text.compile(value);
}

/** Where a value begins, and how many bytes there are from there on. */
interface Place {
  readonly offset: string;
  readonly bytes: string;
}

function further({ offset, bytes }: Place, by: number): Place {
  return {
    offset: sum(offset, by),
    bytes: by === 0 ? bytes : `${bytes} - ${by}`,
  };
}

function baseAt({ offset }: Place): Base {
  return { region: "r", offset, wide: false };
}

/** The text of a reader. */
class Text {
  readonly #scope = new Scope(() => {
    throw new TypeError("A reader makes no pointers");
  }, false);
  readonly #functions: string[] = [];
  /** How many values it reads at places of their own. */
  leaves = 0;

  compile(value: string): Reader {
    const { uses, constants, prelude } = this.#scope;
    const names = constants.map((_, index) => `c${index}`);
    const make = new Compile(
      "library",
      "constants",
      [
        `"use strict";`,
        `const { ${[...uses].sort().join(", ")} } = library;`,
        `const [${names.join(", ")}] = constants;`,
        ...prelude,
        ...this.#functions,
        `return (r, o, x) => ${value}; // ${++count}`,
      ].join("\n"),
    );
    return make(library, constants) as Reader;
  }

  access(access: Access, place: Place): string {
    if (this.leaves > MOST_LEAVES) return "0"; // It is not used.
    switch (access.kind) {
      case "leaf":
        this.leaves++;
        return `(${getSource(access.slot, baseAt(place), this.#scope)})`;
      case "object": {
        const at = further(place, access.offset);
        const length = access.length === "flexible"
          ? `${this.#scope.use("countIn")}(${at.bytes}, 0, ${access.stride})`
          : access.length ?? 0;
        return this.#plan(planOf(access.type, access.style), at, length);
      }
      case "native":
        throw new TypeError("A plan that only reads has no typed arrays");
    }
  }

  #plan(plan: Plan, place: Place, length: number | string): string {
    switch (plan.kind) {
      case "record":
        return `({ ${
          plan.properties.map(({ name, access }) => {
            // The one name that means something else in a literal.
            const key = JSON.stringify(name);
            return `${key === '"__proto__"' ? `[${key}]` : key}: ${
              this.access(access, place)
            }`;
          }).join(", ")
        } })`;
      case "atomic":
        this.leaves++;
        return `${this.#scope.constant(loadLeaf)}(${
          this.#scope.constant(plan.slot)
        }, r, ${place.offset})`;
      case "elements":
        return this.#elements(
          { kind: "leaf", slot: plan.slot },
          plan.stride,
          place,
          length,
        );
      case "records":
        return this.#elements(plan.element, plan.stride, place, length);
      case "column":
        throw new TypeError("A column is read by its own stride");
    }
  }

  #elements(
    element: Access,
    stride: number,
    place: Place,
    length: number | string,
  ): string {
    if (typeof length === "number" && length <= MOST_WRITTEN_OUT) {
      return `[${
        Array.from(
          { length },
          (_, index) => this.access(element, further(place, index * stride)),
        ).join(", ")
      }]`;
    }
    const value = this.access(element, { offset: "o", bytes: "x" });
    const name = `f${this.#functions.length}`;
    this.#functions.push(
      `function ${name}(r, o, x, n) {
const a = [];
for (let i = 0; i < n; i++, o += ${stride}, x -= ${stride}) a[i] = ${value};
return a;
}`,
    );
    return `${name}(r, ${place.offset}, ${place.bytes}, ${length})`;
  }
}
