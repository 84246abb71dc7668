/**
 * Functions that read whole values as plain data, one with text of its own per
 * type: for who reads very many of one type. They do what `readValue` does,
 * three to ten times as fast.
 */

import {
  canCompile,
  type Name,
  Part,
  specialise,
} from "../../base/specialise.ts";
import { reachOf } from "../region/lanes.ts";
import type { Region } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";
import { countIn } from "./indices.ts";
import type { Length } from "./plan.ts";
import { type Emitter, walkType } from "./walk.ts";

/**
 * Reads a value at an offset of a region of at most 2^31 bytes.
 *
 * @param offset The offset in bytes, aligned as the type is.
 * @param bytes The number of bytes for what ends in a flexible array.
 */
export type Reader = (region: Region, offset: number, bytes: number) => unknown;

/** Larger types are not worth the code: the engine would not optimise it. */
const MOST_LEAVES = 256;
/** Arrays of up to so many elements are written out. */
const MOST_WRITTEN_OUT = 8;

const readers = new WeakMap<AnyType, { reader: Reader | undefined }>();

/**
 * The function that reads values of a type; undefined where no text can be
 * compiled, or it would be too large.
 */
export function readerOf(type: AnyType): Reader | undefined {
  const known = readers.get(type);
  if (known !== undefined) return known.reader;
  const reader = canCompile && walkType(type, counting) <= MOST_LEAVES
    ? specialise(readerPart(type))
    : undefined;
  readers.set(type, { reader });
  return reader;
}

/** Tests whether an array is written out, element by element. */
function isWrittenOut(length: Length): length is number {
  return length !== "flexible" && length <= MOST_WRITTEN_OUT;
}

/** The number of values that a reader reads at places of their own. */
const counting: Emitter<number> = {
  leaf: () => 1,
  shifted: (inner) => inner,
  fields: (fields) => fields.reduce((sum, [, count]) => sum + count, 0),
  elements: (element, _, length) =>
    isWrittenOut(length) ? element * length : element,
};

/** The offset of a value, and the number of bytes from there on. */
interface Position {
  readonly offset: string;
  readonly bytes: string;
}

/** The text of an expression that reads a value at a position. */
type Text = (at: Position) => string;

const HERE: Position = { offset: "o", bytes: "x" };

function further({ offset, bytes }: Position, by: number): Position {
  return by === 0
    ? { offset, bytes }
    : { offset: `${offset} + ${by}`, bytes: `${bytes} - ${by}` };
}

function readerPart(type: AnyType): Part<Reader> {
  return Part.text((name) =>
    `(r, o, x) => ${walkType(type, writing(name))(HERE)}`
  );
}

function writing(name: Name): Emitter<Text> {
  return {
    leaf({ leaf, aligned, offset, path }) {
      const load = name(leaf.load(reachOf(aligned, false)));
      const rest = leaf.namesErrors ? `, ${JSON.stringify(path)}` : "";
      return (at) => `${load}(r, ${further(at, offset).offset}${rest})`;
    },
    shifted: (inner, offset) => (at) => inner(further(at, offset)),
    fields: (fields) => (at) =>
      `({ ${
        fields.map(([name, value]) => {
          // The one name that means something else in a literal.
          const key = JSON.stringify(name);
          return `${key === '"__proto__"' ? `[${key}]` : key}: ${value(at)}`;
        }).join(", ")
      } })`,
    elements(element, stride, length) {
      if (isWrittenOut(length)) {
        return (at) =>
          `[${
            Array.from(
              { length },
              (_, index) => element(further(at, index * stride)),
            ).join(", ")
          }]`;
      }
      const loop = name(Part.text(() => loopText(element(HERE), stride)));
      return ({ offset, bytes }) =>
        `${loop}(r, ${offset}, ${bytes}, ${
          length === "flexible"
            ? `${name(countIn)}(${bytes}, ${stride})`
            : length
        })`;
    },
  };
}

function loopText(element: string, stride: number): string {
  return `(r, o, x, n) => {
  const a = [];
  for (let i = 0; i < n; i++, o += ${stride}, x -= ${stride}) a[i] = ${element};
  return a;
}`;
}
