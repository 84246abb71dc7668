/** typed-struct: builds classes with a property per field, over Buffers. */

import { Buffer } from "node:buffer";
import {
  byProperty,
  isShape,
  type Library,
  load,
  type Scalar,
  type Shape,
} from "./peer.ts";

type Built = (new (bytes: Buffer) => object) & { readonly baseSize: number };

/** Its builder: each method appends something and returns the builder. */
interface Builder {
  [method: string]: (...values: unknown[]) => Builder;
}

const typedStructNames: Record<Scalar, string> = {
  u8: "UInt8",
  i16: "Int16LE",
  u16: "UInt16LE",
  i32: "Int32LE",
  u32: "UInt32LE",
  f32: "Float32LE",
  f64: "Float64LE",
  u64: "BigUInt64LE",
};

const SCALAR_SIZE: Record<Scalar, number> = {
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  f64: 8,
  u64: 8,
};

function alignOfShape(shape: Shape): number {
  return Math.max(
    ...Object.values(shape).map((field) =>
      isShape(field)
        ? alignOfShape(field)
        : typeof field === "number"
        ? 4
        : SCALAR_SIZE[field]
    ),
  );
}

/** Loads it. */
export async function typedStruct(): Promise<Library> {
  const { Struct } = await load<{ Struct: new (name: string) => unknown }>(
    "npm:typed-struct@2.7.3",
  );

  /** It packs unless told to align, field by field. */
  function aligned(builder: Builder, align: number): Builder {
    return align === 1 ? builder : builder[`align${align}`]!();
  }

  function typeOf(name: string, shape: Shape): Built {
    let builder = new Struct(name) as Builder;
    for (const [key, field] of Object.entries(shape)) {
      builder = aligned(builder, alignOfShape({ field }));
      builder = isShape(field)
        ? builder.Struct!(key, typeOf(`${name}_${key}`, field))
        : typeof field === "number"
        ? builder.UInt32Array!(key, field)
        : builder[typedStructNames[field]]!(key);
    }
    builder = aligned(builder, alignOfShape(shape));
    return builder.compile!() as unknown as Built;
  }

  return {
    name: "typed-struct",
    how: "view",
    scan: 2 ** 10,
    define(name, shape) {
      const type = typeOf(name, shape);
      const size = type.baseSize;
      return {
        size,
        at: (buffer, offset) => new type(Buffer.from(buffer, offset, size)),
        scope: { Buffer, type },
        ...byProperty,
        create: `new type(Buffer.from(buffer, o, ${size}))`,
        table: "Buffer.from(buffer)",
        element: `new type(table.subarray(i * ${size}, i * ${size} + ${size}))`,
      };
    },
  };
}
