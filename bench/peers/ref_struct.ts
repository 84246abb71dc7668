/** ref-struct-di: has structs with a property per field, over Buffers. */

import { Buffer } from "node:buffer";
import {
  byProperty,
  isShape,
  type Library,
  load,
  type Scalar,
  type Shape,
} from "./peer.ts";

interface RefType {
  readonly size: number;
  readonly alignment: number;
  readonly indirection: 1;
}

type RefStruct = (new (bytes: Buffer) => object) & RefType;

/** Loads it. */
export async function refStruct(): Promise<Library> {
  const { default: ref } = await load<
    { default: { types: Record<string, RefType> } }
  >("npm:ref-napi@3.0.3");
  const { default: bind } = await load<
    { default(library: unknown): (fields: unknown) => RefStruct }
  >("npm:ref-struct-di@1.1.1");
  const Struct = bind(ref);
  const { float, double, ...types } = ref.types;
  const scalars: Record<Scalar, RefType> = {
    u8: types.uint8!,
    i16: types.int16!,
    u16: types.uint16!,
    i32: types.int32!,
    u32: types.uint32!,
    f32: float!,
    f64: double!,
    u64: types.uint64!,
  };
  /** Arrays are another package's; this is one of the type that it makes. */
  const words = (length: number) => ({
    size: length * 4,
    alignment: 4,
    indirection: 1,
    get: (bytes: Buffer, offset: number) =>
      new Uint32Array(bytes.buffer, bytes.byteOffset + offset, length),
    set(bytes: Buffer, offset: number, values: ArrayLike<number>) {
      this.get(bytes, offset).set(values);
    },
  });

  function typeOf(shape: Shape): RefStruct {
    const fields = Object.entries(shape).map(([name, field]) => [
      name,
      isShape(field)
        ? typeOf(field)
        : typeof field === "number"
        ? words(field)
        : scalars[field],
    ]);
    return Struct(Object.fromEntries(fields));
  }

  return {
    name: "ref-struct-di",
    how: "view",
    scan: 2 ** 16,
    define(_, shape) {
      const type = typeOf(shape);
      const { size } = type;
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
