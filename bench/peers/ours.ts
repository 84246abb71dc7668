/** Raw typed arrays and hostmem, as the other libraries are described. */

import {
  array,
  f32,
  f64,
  field,
  HostLayout,
  i16,
  i32,
  pointer,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
} from "../../layout/mod.ts";
import type { Library, Scalar, Shape } from "./peer.ts";
import { type Record as OurRecord, Views } from "../_records.ts";

const SCALARS = { u8, i16, u16, i32, u32, f32, f64, u64 };

/** A shape in our terms. */
export function ourType(name: string, shape: Shape): Type {
  const fields = Object.entries(shape).map(([key, field]) => [
    key,
    typeof field === "object"
      ? ourType(`${name}_${key}`, field)
      : typeof field === "number"
      ? array(u32, field)
      : SCALARS[field],
  ]);
  return struct(name, { _: HostLayout, ...Object.fromEntries(fields) });
}

/** Memory whose base never moves, so that a view of it can be made once. */
const viewsOf = new WeakMap<ArrayBuffer, Views>();
export function views(buffer: ArrayBuffer): Views {
  let known = viewsOf.get(buffer);
  if (known === undefined) viewsOf.set(buffer, known = new Views(buffer));
  return known;
}

/** Typed arrays and offsets written out by hand. */
export const raw: Library = {
  name: "raw typed arrays",
  how: "raw",
  scan: 2 ** 20,
  define(name, shape) {
    const type = ourType(`${name}Raw`, shape);
    const access = (path: string) => {
      const scalar = path.replace(/\[\d\]$/, "").split(".")
        .reduce<Shape[string]>((inner, key) => (inner as Shape)[key]!, shape);
      const lane = typeof scalar === "number" ? "u32" : scalar as Scalar;
      const [, owner, index] = path.match(/^(.*?)(?:\[(\d)\])?$/)!;
      const offset = field(type as typeof OurRecord, owner as "tag").offset +
        Number(index ?? 0) * 4;
      return `v.${lane}[p + ${offset} >> ${Math.log2(SCALARS[lane].size)}]`;
    };
    return {
      size: type.size,
      at: (_, offset) => offset,
      scope: {},
      read: access,
      store: (path, value) => `${access(path)} = ${value};`,
      create: "{ v, o }",
      table: "0",
      element: `i * ${type.size}`,
    };
  },
  scalar: { read: "v.i32[p >> 2]", scope: {}, at: (_, offset) => offset },
};

/** This library. */
export const hostmem: Library = {
  name: "hostmem",
  how: "view",
  scan: 2 ** 20,
  define(name, shape) {
    const type = ourType(name, shape) as typeof OurRecord;
    return {
      size: type.size,
      at: (buffer, offset) => pointer(type, buffer, offset),
      scope: { pointer, array, type },
      read: (path) => `p.${path}`,
      store: (path, value) => `p.${path} = ${value};`,
      create: "pointer(type, buffer, o)",
      table: "pointer(array(type, n), buffer)",
      element: "table.at(i)",
    };
  },
  scalar: {
    read: "p.value",
    scope: {},
    at: (buffer, offset) => pointer(i32, buffer, offset),
  },
};
