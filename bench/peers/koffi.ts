/** koffi: reads and stores values at addresses, by a native call for each. */

import { Buffer } from "node:buffer";
import {
  isShape,
  type Library,
  load,
  type Scalar,
  type Shape,
} from "./peer.ts";

interface KoffiType {
  readonly members?: Record<string, { type: KoffiType; offset: number }>;
  readonly name: string;
}

interface Koffi {
  struct(name: string, fields: Record<string, unknown>): KoffiType;
  array(type: string, length: number, hint: string): unknown;
  sizeof(type: KoffiType): number;
  address(value: unknown): bigint;
  decode: unknown;
  encode: unknown;
  type(type: KoffiType): KoffiType;
}

const koffiNames: Record<Scalar, string> = {
  u8: "uint8",
  i16: "int16",
  u16: "uint16",
  i32: "int32",
  u32: "uint32",
  f32: "float",
  f64: "double",
  u64: "uint64",
};

/** Loads it. */
export async function koffi(): Promise<Library> {
  const { default: koffi } = await load<{ default: Koffi }>("npm:koffi@3.3.4");
  let count = 0;

  function typeOf(name: string, shape: Shape): KoffiType {
    const fields = Object.entries(shape).map(([key, field]) => [
      key,
      isShape(field)
        ? typeOf(`${name}_${key}`, field)
        : typeof field === "number"
        ? koffi.array("uint32", field, "Typed")
        : koffiNames[field],
    ]);
    return koffi.struct(`${name}_${++count}`, Object.fromEntries(fields));
  }

  function whereIs(type: KoffiType, shape: Shape, path: string) {
    const [name, ...rest] = path.split(".");
    const member = koffi.type(type).members![name!]!;
    const field = shape[name!]!;
    if (!isShape(field)) return { offset: member.offset, scalar: field };
    const inner: { offset: number; scalar: Scalar | number } = whereIs(
      member.type,
      field,
      rest.join("."),
    );
    return { ...inner, offset: member.offset + inner.offset };
  }

  const at = (buffer: ArrayBuffer, offset: number) =>
    koffi.address(Buffer.from(buffer)) + BigInt(offset);
  const scope = { decode: koffi.decode, encode: koffi.encode, Buffer, koffi };
  return {
    name: "koffi",
    how: "call",
    scan: 2 ** 20,
    define(name, shape) {
      const type = typeOf(name, shape);
      // The functions for one scalar are the fastest way in, and take an
      // address; by name is the fastest way to store.
      const place = (path: string) => {
        const [, array, index] = path.match(/^(.*?)(?:\[(\d)\])?$/)!;
        const { offset, scalar } = whereIs(type, shape, array!);
        const kind = typeof scalar === "number" ? "u32" : scalar;
        return {
          kind: koffiNames[kind],
          address: `p + ${offset + Number(index ?? 0) * 4}n`,
        };
      };
      return {
        size: koffi.sizeof(type),
        at,
        scope,
        read(path) {
          const { kind, address } = place(path);
          return `decode.${kind}(${address})`;
        },
        store(path, value) {
          const { kind, address } = place(path);
          return `encode(${address}, "${kind}", ${value});`;
        },
        table: "koffi.address(Buffer.from(buffer))",
        element: `table + BigInt(i * ${koffi.sizeof(type)})`,
      };
    },
    scalar: { read: "decode.int32(p)", scope, at },
  };
}
