/** bun-ffi-structs: packs and unpacks whole structs. */

import { isShape, type Library, load, type Shape } from "./peer.ts";

interface Packed {
  readonly size: number;
}

/** Loads it. */
export async function bunStructs(): Promise<Library> {
  const { defineStruct } = await load<
    { defineStruct(fields: unknown[]): Packed }
  >("npm:bun-ffi-structs@0.3.1");

  /** It has no arrays inside a struct: their elements become fields. */
  function typeOf(shape: Shape): Packed {
    return defineStruct(
      Object.entries(shape).flatMap(([name, field]) =>
        isShape(field)
          ? [[name, typeOf(field)]]
          : typeof field === "number"
          ? Array.from({ length: field }, (_, i) => [`${name}${i}`, "u32"])
          : [[name, field]]
      ),
    );
  }

  const member = (path: string) => path.replace(/\[(\d)\]$/, "$1");
  const decoded = "p.type.unpackInto(p.view, p.target, p.offset)";
  return {
    name: "bun-ffi-structs",
    how: "whole record",
    scan: 2 ** 16,
    define(_, shape) {
      const type = typeOf(shape);
      return {
        size: type.size,
        at: (buffer, offset) => ({
          type,
          view: new DataView(buffer),
          target: {},
          offset,
        }),
        scope: { type },
        // One object is reused: the cheapest way that the library has.
        read: (path) => `(r ??= ${decoded}).${member(path)}`,
        store: (path, value) =>
          `{ const r = ${decoded}; r.${member(path)} = ${value}; ` +
          "p.type.packInto(r, p.view, p.offset); }",
        table: "{ type, view: new DataView(buffer), target: {}, offset: 0 }",
        element: `(table.offset = i * ${type.size}, table)`,
      };
    },
  };
}
