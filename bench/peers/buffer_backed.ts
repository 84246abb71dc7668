/** buffer-backed-object: has objects with a property per field, over ArrayBuffers. */

import {
  byProperty,
  isShape,
  type Library,
  load,
  type Scalar,
  type Shape,
} from "./peer.ts";

interface Descriptor {
  readonly size: number;
  readonly align: number;
  get(view: DataView, offset: number): unknown;
  set(view: DataView, offset: number, value: unknown): void;
}

type Descriptors = Record<string, Descriptor>;

interface BufferBacked {
  readonly [scalar: string]: unknown;
  structSize(descriptors: Descriptors): number;
  NestedBufferBackedObject(descriptors: Descriptors): Descriptor;
  BufferBackedObject(
    buffer: ArrayBuffer,
    descriptors: Descriptors,
    options: { byteOffset: number },
  ): object;
}

const bufferBackedNames: Record<Scalar, string> = {
  u8: "Uint8",
  i16: "Int16",
  u16: "Uint16",
  i32: "Int32",
  u32: "Uint32",
  f32: "Float32",
  f64: "Float64",
  u64: "BigUint64",
};

/** Loads it. */
export async function bufferBacked(): Promise<Library> {
  const loaded = await load<BufferBacked & { default?: BufferBacked }>(
    "npm:buffer-backed-object@1.0.1",
  );
  const library = loaded.default ?? loaded;
  /** It has arrays of structs only: this is a field type as its manual has it. */
  const words = (length: number): Descriptor => ({
    size: length * 4,
    align: 4,
    get: (view, offset) =>
      new Uint32Array(view.buffer, view.byteOffset + offset, length),
    set() {},
  });

  function descriptorsOf(shape: Shape): Descriptors {
    return Object.fromEntries(
      Object.entries(shape).map(([name, field]) => [
        name,
        isShape(field)
          ? library.NestedBufferBackedObject(descriptorsOf(field))
          : typeof field === "number"
          ? words(field)
          : (library[bufferBackedNames[field]] as () => Descriptor)(),
      ]),
    );
  }

  return {
    name: "buffer-backed-object",
    how: "view",
    // Its arrays keep every object that they ever made, at 3.6 KB each.
    scan: 2 ** 11,
    define(_, shape) {
      const descriptors = descriptorsOf(shape);
      return {
        size: library.structSize(descriptors),
        at: (buffer, byteOffset) =>
          library.BufferBackedObject(buffer, descriptors, { byteOffset }),
        scope: { library, descriptors },
        ...byProperty,
        create: "library.BufferBackedObject(buffer, descriptors, " +
          "{ byteOffset: o })",
        table: "library.ArrayOfBufferBackedObjects(buffer, descriptors, " +
          "{ length: n })",
        element: "table[i]",
      };
    },
  };
}
