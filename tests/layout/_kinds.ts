/**
 * Every kind of plain value, with what fits it and what does not: what the
 * tests of this room run through, one kind after the other.
 */

import {
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bool,
  enumeration,
  f16,
  f32,
  f64,
  i128,
  i16,
  i32,
  i64,
  i8,
  safe,
  text,
  text16,
  type Type,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
} from "../../layout/mod.ts";

/** A value that a pointer has under one name: what all tests here go through. */
export type Loose = Record<string, unknown>;

/** One kind of value. */
export interface Kind {
  /** The name that it has in a test's name and as a field. */
  readonly name: string;
  /** The type. */
  readonly type: Type;
  /** Its size in bytes, as C has it. */
  readonly size: number;
  /** Values that fit, the bounds among them. */
  readonly fits: readonly unknown[];
  /** Values of the right kind that do not fit. */
  readonly outside: readonly unknown[];
  /** The `typeof` of its values. */
  readonly kind: "number" | "bigint" | "boolean" | "string";
  /** True if an atomic of it can be made. */
  readonly atomic: boolean;
  /** The constructor of its arrays, where they are the engine's own. */
  readonly native?: new (length: number) => ArrayBufferView;
}

function unsigned(bits: number): Pick<Kind, "fits" | "outside" | "kind"> {
  const most = 2 ** bits - 1;
  return {
    kind: "number",
    fits: [0, 1, -0, most - 1, most],
    outside: [-1, most + 1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, 2 ** 64],
  };
}

function signed(bits: number): Pick<Kind, "fits" | "outside" | "kind"> {
  const most = 2 ** (bits - 1) - 1;
  return {
    kind: "number",
    fits: [0, 1, -0, -1, most, -most - 1],
    outside: [most + 1, -most - 2, -0.5, NaN, Infinity, -Infinity, 2 ** 53],
  };
}

const unsigned64: Pick<Kind, "fits" | "outside" | "kind"> = {
  kind: "bigint",
  fits: [0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n],
  outside: [-1n, 2n ** 64n, -(2n ** 64n), 2n ** 70n],
};

const signed64: Pick<Kind, "fits" | "outside" | "kind"> = {
  kind: "bigint",
  fits: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  outside: [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n - 1n],
};

const unsigned128: Pick<Kind, "fits" | "outside" | "kind"> = {
  kind: "bigint",
  fits: [0n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 127n, 2n ** 128n - 1n],
  outside: [-1n, 2n ** 128n, -(2n ** 128n), 2n ** 200n],
};

const signed128: Pick<Kind, "fits" | "outside" | "kind"> = {
  kind: "bigint",
  fits: [0n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 127n - 1n, -(2n ** 127n)],
  outside: [2n ** 127n, -(2n ** 127n) - 1n, 2n ** 128n - 1n],
};

const floats = [0, -0, 1.5, -1.5, NaN, Infinity, -Infinity, 2 ** -149];
const { MAX_SAFE_INTEGER: MOST, MIN_SAFE_INTEGER: LEAST } = Number;
const unsafe = [MOST + 1, LEAST - 1, 0.5, NaN, Infinity, -Infinity];

/** Every kind of plain value there is. */
export const kinds: readonly Kind[] = [
  {
    name: "bool",
    type: bool,
    size: 1,
    kind: "boolean",
    fits: [false, true],
    outside: [],
    atomic: true,
  },
  {
    name: "u8",
    type: u8,
    size: 1,
    ...unsigned(8),
    atomic: true,
    native: Uint8Array,
  },
  {
    name: "i8",
    type: i8,
    size: 1,
    ...signed(8),
    atomic: true,
    native: Int8Array,
  },
  {
    name: "u16",
    type: u16,
    size: 2,
    ...unsigned(16),
    atomic: true,
    native: Uint16Array,
  },
  {
    name: "i16",
    type: i16,
    size: 2,
    ...signed(16),
    atomic: true,
    native: Int16Array,
  },
  {
    name: "u32",
    type: u32,
    size: 4,
    ...unsigned(32),
    atomic: true,
    native: Uint32Array,
  },
  {
    name: "i32",
    type: i32,
    size: 4,
    ...signed(32),
    atomic: true,
    native: Int32Array,
  },
  {
    name: "u64",
    type: u64,
    size: 8,
    ...unsigned64,
    atomic: true,
    native: BigUint64Array,
  },
  {
    name: "i64",
    type: i64,
    size: 8,
    ...signed64,
    atomic: true,
    native: BigInt64Array,
  },
  { name: "u128", type: u128, size: 16, ...unsigned128, atomic: false },
  { name: "i128", type: i128, size: 16, ...signed128, atomic: false },
  {
    name: "uintptr",
    type: uintptr,
    size: 8,
    ...unsigned64,
    atomic: true,
    native: BigUint64Array,
  },
  {
    name: "f16",
    type: f16,
    size: 2,
    kind: "number",
    fits: [...floats, 2 ** -24, 65504, 65520, 1 / 3],
    outside: [],
    atomic: false,
  },
  {
    name: "f32",
    type: f32,
    size: 4,
    kind: "number",
    fits: floats,
    outside: [],
    atomic: false,
    native: Float32Array,
  },
  {
    name: "f64",
    type: f64,
    size: 8,
    kind: "number",
    fits: [...floats, Number.MIN_VALUE, Number.MAX_VALUE],
    outside: [],
    atomic: false,
    native: Float64Array,
  },
  { name: "be16", type: be16, size: 2, ...unsigned(16), atomic: false },
  { name: "be32", type: be32, size: 4, ...unsigned(32), atomic: false },
  { name: "be64", type: be64, size: 8, ...unsigned64, atomic: false },
  { name: "bei16", type: bei16, size: 2, ...signed(16), atomic: false },
  { name: "bei32", type: bei32, size: 4, ...signed(32), atomic: false },
  { name: "bei64", type: bei64, size: 8, ...signed64, atomic: false },
  {
    name: "bef32",
    type: bef32,
    size: 4,
    kind: "number",
    fits: floats,
    outside: [],
    atomic: false,
  },
  {
    name: "bef64",
    type: bef64,
    size: 8,
    kind: "number",
    fits: [...floats, Number.MIN_VALUE, Number.MAX_VALUE],
    outside: [],
    atomic: false,
  },
  {
    name: "safe(u64)",
    type: safe(u64),
    size: 8,
    kind: "number",
    fits: [0, -0, 1, 2 ** 32, 2 ** 32 - 1, MOST],
    outside: [-1, ...unsafe],
    atomic: false,
  },
  {
    name: "safe(i64)",
    type: safe(i64),
    size: 8,
    kind: "number",
    fits: [0, -0, -1, 2 ** 32, -(2 ** 32), MOST, LEAST],
    outside: unsafe,
    atomic: false,
  },
  {
    name: "text",
    type: text(5),
    size: 5,
    kind: "string",
    fits: ["", "a", "abcde", "éé", "\ufeffa"],
    outside: ["abcdef", "a\0b", "\0", "\ud800", "\udc00a", "ééé"],
    atomic: false,
  },
  {
    name: "text16",
    type: text16(5),
    size: 10,
    kind: "string",
    fits: ["", "a", "abcde", "ééééé", "\ufeffa", "a😀b", "\ud800", "\udc00a"],
    outside: ["abcdef", "a\0b", "\0", "😀😀😀"],
    atomic: false,
  },
  {
    name: "enumeration",
    type: enumeration("state", { IDLE: 0, BUSY: 1 }),
    size: 4,
    ...unsigned(32),
    atomic: true,
  },
  {
    name: "enumeration over i8",
    type: enumeration("small", { DOWN: -1, UP: 1 }, i8),
    size: 1,
    ...signed(8),
    atomic: true,
  },
  {
    name: "enumeration over i64",
    type: enumeration("big", { A: -1n }, i64),
    size: 8,
    ...signed64,
    atomic: true,
  },
];

/** Values that are of no kind that a type takes, but for the kind named. */
export function strangers(kind: Kind["kind"]): unknown[] {
  const values: unknown[] = [
    undefined,
    null,
    Symbol("value"),
    {},
    [],
    [1],
    () => 1,
    { valueOf: () => 1 },
    { valueOf: () => 1n, toString: () => "1" },
    { [Symbol.toPrimitive]: () => 1 },
    {
      valueOf() {
        throw new Error("Code of the caller ran");
      },
    },
    Object(1),
    Object(1n),
    Object(true),
    Object("a"),
  ];
  const primitives = { number: 1, bigint: 1n, boolean: true, string: "1" };
  for (const [name, value] of Object.entries(primitives)) {
    if (name !== kind) values.push(value);
  }
  return values;
}

/** A number in 16 bits, by the definition of the format, slowly. */
export function asHalf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const size = Math.abs(value);
  let scale = -14;
  while (scale < 15 && size >= 2 ** (scale + 1)) scale++;
  const step = 2 ** (scale - 10);
  const below = Math.floor(size / step);
  const rest = size / step - below;
  const isUp = rest > 0.5 || rest === 0.5 && below % 2 === 1;
  const rounded = (below + Number(isUp)) * step;
  return Math.sign(value) * (rounded >= 65536 ? Infinity : rounded);
}

/** A value as a field or element gives it back. */
export function readBack(name: string, value: unknown): unknown {
  switch (name) {
    case "f16":
      return asHalf(value as number);
    case "f32":
    case "bef32":
      return Math.fround(value as number);
    case "f64":
    case "bef64":
      return value;
  }
  // An integer has no negative zero.
  return Object.is(value, -0) ? 0 : value;
}

/** Tests whether a buffer holds nothing but this byte. */
export function holdsOnly(bytes: Uint8Array, byte: number): boolean {
  return bytes.every((value) => value === byte);
}
