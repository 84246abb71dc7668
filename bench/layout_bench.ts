/**
 * Fields, pointers and scans against raw typed arrays, and against a class that
 * was written by hand for the one record. Everything is measured in one process
 * in which fifty other types were used before.
 *
 * @module
 */

import {
  array,
  f32,
  f64,
  field,
  HostLayout,
  i16,
  i32,
  i8,
  pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../layout/mod.ts";
import { measure } from "./_measure.ts";
import {
  HandWritten,
  memory,
  others,
  Record,
  SIZE,
  Views,
  warmOthers,
} from "./_records.ts";

warmOthers();

const MANY = 256;
const buffer = memory(MANY * SIZE);
const views = new Views(buffer);
const offsets = Array.from({ length: MANY }, (_, index) => index * SIZE);
const pointers = offsets.map((offset) => pointer(Record, buffer, offset));
const byHand = offsets.map((offset) => new HandWritten(views, offset));
const ROUNDS = 40_000;

// ------------------------------------------------------------ eight fields

function rawEight(v: Views, offsets: number[], count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const o = offsets[i & 255]!;
    sum += v.u8[o]! + v.i32[o + 4 >> 2]! + v.f64[o + 16 >> 3]! +
      v.u16[o + 24 >> 1]! + v.u32[o + 28 >> 2]! + v.i16[o + 32 >> 1]! +
      v.f32[o + 36 >> 2]! + v.u32[o + 60 >> 2]!;
  }
  return sum;
}

function handEight(records: HandWritten[], count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const r = records[i & 255]!;
    sum += r.tag + r.count + r.load + r.port + r.flags + r.small + r.ratio +
      r.last;
  }
  return sum;
}

const Flat = struct("Flat", {
  _: HostLayout,
  tag: u8,
  count: i32,
  bytes: u64,
  load: f64,
  port: u16,
  flags: u32,
  small: i16,
  ratio: f32,
  x: i32,
  y: i32,
  words: array(u32, 3),
  last: u32,
});
const flats = offsets.map((offset) => pointer(Flat, buffer, offset));

function ourEight(records: typeof flats, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const r = records[i & 255]!;
    sum += r.tag + r.count + r.load + r.port + r.flags + r.small + r.ratio +
      r.last;
  }
  return sum;
}

measure({
  name: "read 8 fields of one struct",
  operations: ROUNDS,
  kernels: {
    raw: () => rawEight(views, offsets, ROUNDS),
    "by hand": () => handEight(byHand, ROUNDS),
    hostmem: () => ourEight(flats, ROUNDS),
  },
  bars: { hostmem: [2.3, { against: "by hand", ratio: 1.1 }] },
});

// ------------------------------------------------------------ one pointer

function rawUpdate(v: Int32Array, o: number, count: number): number {
  for (let i = 0; i < count; i++) v[o + 4 >> 2] = v[o + 4 >> 2]! + i | 0;
  return 0;
}

function ourUpdate(record: typeof pointers[number], count: number): number {
  for (let i = 0; i < count; i++) record.count = record.count + i | 0;
  return 0;
}

measure({
  name: "one pointer, read-modify-write",
  operations: ROUNDS,
  kernels: {
    raw: () => rawUpdate(views.i32, 64, ROUNDS),
    hostmem: () => ourUpdate(pointers[2]!, ROUNDS),
  },
  bars: { hostmem: 1.5 },
});

// ------------------------------------------------------------ 256 pointers

function rawTurn(v: Int32Array, offsets: number[], count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += v[offsets[i & 255]! + 60 >> 2]!;
  return sum;
}

function handTurn(records: HandWritten[], count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += records[i & 255]!.last;
  return sum;
}

function ourTurn(records: typeof pointers, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += records[i & 255]!.last;
  return sum;
}

measure({
  name: "256 pointers in turn, one field",
  operations: ROUNDS,
  baseline: "by hand",
  kernels: {
    raw: () => rawTurn(views.i32, offsets, ROUNDS),
    "by hand": () => handTurn(byHand, ROUNDS),
    hostmem: () => ourTurn(pointers, ROUNDS),
  },
  bars: { hostmem: 1.1 },
});

// ------------------------------------------------------------ scans

/**
 * A loop of its own for each size: what the engine learns of one function it
 * keeps for all that were made from the same text.
 */
function scan(name: string, parameters: string[], read: string) {
  return new Function(
    ...parameters,
    "n",
    `// ${name}\nlet sum = 0; for (let i = 0; i < n; i++) sum += ${read}; return sum;`,
  );
}

function scans(count: number, at: number, column: number): void {
  const large = memory(count * SIZE);
  const words = new Uint32Array(large);
  const table = pointer(array(Record, count), large);
  const last = table.column("last");
  const raw = scan(`raw ${count}`, ["words"], "words[i * 64 + 60 >> 2]");
  const each = scan(`at ${count}`, ["table"], "table.at(i).last");
  const one = scan(`column ${count}`, ["column"], "column.at(i)");
  measure({
    name: `scan ${count} structs, one field`,
    operations: count,
    kernels: {
      raw: () => raw(words, count),
      "at(i)": () => each(table, count),
      column: () => one(last, count),
    },
    bars: { "at(i)": at, column },
  });
}

scans(2 ** 20, 1.25, 1.1);
scans(2 ** 16, 2, 1.3);

// ------------------------------------------------------------ fresh pointers

const kept: unknown[] = Array.from({ length: 256 });

function literals(v: Views, kept: unknown[], count: number): number {
  for (let i = 0; i < count; i++) kept[i & 255] = { v, o: (i & 255) * 64 };
  return 0;
}

const all = pointer(array(Record, MANY), buffer);

function fresh(table: typeof all, kept: unknown[], count: number): number {
  for (let i = 0; i < count; i++) kept[i & 255] = table.at(i & 255);
  return 0;
}

measure({
  name: "a fresh pointer, at(i)",
  operations: ROUNDS,
  kernels: {
    "object literal": () => literals(views, kept, ROUNDS),
    hostmem: () => fresh(all, kept, ROUNDS),
  },
  bars: { hostmem: 1.4 },
});

// ------------------------------------------------------------ shared helpers

const helped = others.map((type) => ({
  x: field(type, "x"),
  offset: field(type, "x").offset,
  pointer: pointer(type, buffer, 1024),
  column: pointer(array(type, 100), buffer).column("x"),
  size: type.size,
}));

function rawHelper(v: Int32Array, index: number): number {
  return v[index]!;
}
function pointerHelper(p: { readonly value: number }): number {
  return p.value;
}
function columnHelper(c: { at(index: number): number }, index: number): number {
  return c.at(index);
}

const rawIndices = helped.map(({ offset }) => 1024 + offset >> 2);
const scalars = helped.map(({ x, pointer }) => x.of(pointer as never));
const columns = helped.map(({ column }) => column);
const columnIndices = helped.map(({ offset }) => offset);
const sizes = helped.map(({ size }) => size);

function rawShared(v: Int32Array, indices: number[], count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let t = 0; t < 50; t++) sum += rawHelper(v, indices[t]!);
  }
  return sum;
}

function ourShared(scalars: { readonly value: number }[], count: number) {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let t = 0; t < 50; t++) sum += pointerHelper(scalars[t]!);
  }
  return sum;
}

measure({
  name: "a helper shared by 50 types, scalar pointers",
  operations: 50 * 800,
  kernels: {
    raw: () => rawShared(views.i32, rawIndices, 800),
    hostmem: () => ourShared(scalars as never, 800),
  },
  bars: { hostmem: 2.5 },
});

function rawColumns(
  v: Int32Array,
  offsets: number[],
  sizes: number[],
  count: number,
): number {
  let sum = 0;
  for (let t = 0; t < 50; t++) {
    const o = offsets[t]!;
    const s = sizes[t]!;
    for (let i = 0; i < count; i++) sum += rawHelper(v, o + i * s >> 2);
  }
  return sum;
}

function ourColumns(columns: { at(i: number): number }[], count: number) {
  let sum = 0;
  for (let t = 0; t < 50; t++) {
    const column = columns[t]!;
    for (let i = 0; i < count; i++) sum += columnHelper(column, i);
  }
  return sum;
}

measure({
  name: "a helper shared by 50 types, column",
  operations: 50 * 100,
  kernels: {
    raw: () => rawColumns(views.i32, columnIndices, sizes, 100),
    hostmem: () => ourColumns(columns as never, 100),
  },
  bars: { hostmem: 2.5 },
});

// ------------------------------------------------------------ stores

const Stored = struct("Stored", {
  _: HostLayout,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  f64,
  u64,
});
const target = memory(MANY * SIZE);
const stored = pointer(Stored, target, 64);

const bigints = Array.from({ length: 256 }, (_, index) => BigInt(index));

/** A loop that stores into one field, for each side its own. */
function storing(
  name: Exclude<keyof typeof Stored.fields, "_">,
  bar: number,
): void {
  const offset = 64 + field(Stored, name as "u8").offset;
  const v = new Views(target);
  const lane = name in v
    ? v[name as "i32"]
    : new Int8Array(target) as unknown as Int32Array;
  const index = offset / lane.BYTES_PER_ELEMENT;
  const value = name === "u64" ? "bigints[i & 255]" : "(i * 3) & 127";
  const raw = new Function(
    "v",
    "k",
    "bigints",
    "n",
    `// raw ${name}\nfor (let i = 0; i < n; i++) v[k] = ${value}; return 0;`,
  );
  const ours = new Function(
    "p",
    "bigints",
    "n",
    `// ours ${name}\nfor (let i = 0; i < n; i++) p.${name} = ${value}; return 0;`,
  );
  measure({
    name: `a checked store, ${name}`,
    operations: ROUNDS,
    kernels: {
      unchecked: () => raw(lane, index, bigints, ROUNDS),
      hostmem: () => ours(stored, bigints, ROUNDS),
    },
    bars: { hostmem: bar },
  });
}

storing("i32", 1.3);
storing("f64", 1.3);
for (const name of ["u8", "i8", "u16", "i16", "u32", "f32", "u64"] as const) {
  storing(name, 2);
}

// ------------------------------------------------------------ pointer()

function making(buffer: ArrayBuffer, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += pointer(Record, buffer, (i & 127) * 64).last === -1 ? 1 : 0;
  }
  return sum;
}

measure({
  name: "pointer(T, buffer), all checks",
  operations: ROUNDS,
  kernels: { hostmem: () => making(buffer, ROUNDS) },
  bars: { hostmem: { nanoseconds: 100 } },
});
