/**
 * The generated classes, as text: a change to the generator shows in review as
 * a change to the files in `golden/`. To write them anew:
 *
 * ```sh
 * HOSTMEM_GOLDEN=write deno test -A tests/layout/golden_test.ts
 * ```
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { classOf } from "../../layout/access/classes.ts";
import { sourceOf } from "../../layout/access/class_source.ts";
import {
  isWide,
  type Plan,
  planOf,
  type Style,
} from "../../layout/access/plan.ts";
import type { AnyType } from "../../layout/model/types.ts";
import {
  array,
  atomic,
  be16,
  be32,
  be64,
  bits,
  bool,
  enumeration,
  f32,
  f64,
  HostLayout,
  i16,
  i32,
  i64,
  i8,
  padding,
  safe,
  struct,
  text,
  type Type,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  union,
} from "../../layout/mod.ts";

const POINTER: Style = { writable: true, aligned: true };
const VIEW: Style = { writable: false, aligned: true };

const Scalars = struct("Scalars", {
  _: HostLayout,
  bool,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  uintptr,
  f32,
  f64,
  be16,
  be32,
  be64,
  count: safe(u64),
  delta: safe(i64),
  name: text(16),
  state: enumeration("state", { IDLE: 0 }),
});
const Packed = struct("Packed", {
  _: HostLayout,
  tag: u8,
  word: u32,
  big: u64,
  number: f64,
  swapped: be32,
  safe: safe(u64),
  inner: struct("Inner", { _: HostLayout, x: u16 }),
  list: array(u16, 3),
}, { packed: true });
const Bits = struct("Bits", {
  _: HostLayout,
  on: bits(bool, 1),
  low: bits(u32, 7),
  minus: bits(i32, 9),
  whole: bits(u32, 32),
  wide: bits(u64, 40),
  signed: bits(i64, 20),
});
const Straddling = struct("Straddling", {
  _: HostLayout,
  low: bits(u32, 20),
  across: bits(u32, 20),
}, { packed: true });
const Cell = struct("Cell", { _: HostLayout, id: u64, on: bool });
const Nested = struct("Nested", {
  _: HostLayout,
  cell: Cell,
  either: union("Either", { _: HostLayout, i: u32, f: f32 }),
  hits: atomic(u64),
  ports: array(u16, 8),
  flags: array(bool, 4),
  cells: array(Cell, 2),
  grid: array(array(u8, 2), 2),
});
const Flexible = struct("Flexible", {
  _: HostLayout,
  n: u32,
  inner: struct("Tail", { _: HostLayout, m: u32, all: array(u32) }),
});
const Records = struct("Records", { _: HostLayout, n: u32, all: array(Cell) });
const Wide = struct("Wide", {
  _: HostLayout,
  gap: padding(2 ** 32),
  word: u32,
  low: bits(u32, 3),
  big: u64,
  cell: Cell,
  ports: array(u16, 2),
});

const golden: Record<string, [Type, Style]> = {
  scalars: [Scalars, POINTER],
  "scalars_view": [Scalars, VIEW],
  packed: [Packed, POINTER],
  "packed_view": [Packed, VIEW],
  bits: [Bits, POINTER],
  "bits_straddling": [Straddling, POINTER],
  nested: [Nested, POINTER],
  "nested_view": [Nested, VIEW],
  union: [union("Either", { _: HostLayout, i: u32, f: f32 }), POINTER],
  flexible: [Flexible, POINTER],
  "flexible_view": [Flexible, VIEW],
  "flexible_records": [Records, POINTER],
  wide: [Wide, POINTER],
  "root_u32": [u32, POINTER],
  "root_text": [text(8), POINTER],
  "atomic_u32": [atomic(u32), POINTER],
  "atomic_i64": [atomic(i64), POINTER],
  "atomic_bool": [atomic(bool), POINTER],
  "atomic_view": [atomic(u32), VIEW],
  "array_of_bool": [array(bool, 4), POINTER],
  "array_of_be64": [array(be64, 4), POINTER],
  "array_of_text": [array(text(8), 4), POINTER],
  "array_of_u32_view": [array(u32, 4), VIEW],
  "array_of_structs": [array(Cell, 4), POINTER],
  "array_of_arrays_view": [array(array(u8, 2), 2), VIEW],
  "wide_array_of_bool": [array(bool, 2 ** 33), POINTER],
  "wide_array_of_structs": [array(Cell, 2 ** 30), POINTER],
};

/** The column of a field of an array of structs. */
function columnOf(name: string, type: Type): Plan {
  const Record: Type = struct("Record", { _: HostLayout, it: type });
  const plan = planOf(Record as AnyType, POINTER);
  if (plan.kind !== "record") throw new Error(`${name} is no record`);
  const { access } = plan.properties[0]!;
  if (access.kind !== "leaf") throw new Error(`${name} is no leaf`);
  return { kind: "column", slot: access.slot };
}

const columns: Record<string, [Type, Style]> = {
  "column_of_u32": [u32, POINTER],
  "column_of_u64": [u64, POINTER],
  "column_of_text": [text(8), POINTER],
  "column_of_bits_view": [bits(u32, 3), VIEW],
};

async function compare(
  name: string,
  plan: Plan,
  style: Style,
  wide: boolean,
  moving = false,
): Promise<void> {
  const { text } = sourceOf(plan, style, wide, classOf, moving);
  const file = join(import.meta.dirname!, "golden", `${name}.txt`);
  if (Deno.env.get("HOSTMEM_GOLDEN") === "write") {
    await Deno.writeTextFile(file, text);
  }
  assertEquals(text, await Deno.readTextFile(file), name);
}

for (const [name, [type, style]] of Object.entries(golden)) {
  Deno.test(`the generated class is as reviewed: ${name}`, async () => {
    const plan = planOf(type as AnyType, style);
    await compare(name, plan, style, isWide(type.size));
  });
}

for (const [name, [type, style]] of Object.entries(columns)) {
  Deno.test(`the generated class is as reviewed: ${name}`, async () => {
    await compare(name, columnOf(name, type), style, false);
  });
}

Deno.test("the generated class is as reviewed: flexible_moving", async () => {
  const [type] = golden["flexible_view"]!;
  await compare(
    "flexible_moving",
    planOf(type as AnyType, VIEW),
    VIEW,
    false,
    true,
  );
});

Deno.test("every file of golden text belongs to a class", async () => {
  const files: string[] = [];
  for await (
    const { name } of Deno.readDir(join(import.meta.dirname!, "golden"))
  ) {
    files.push(name.replace(/\.txt$/, ""));
  }
  const names = [
    ...Object.keys(golden),
    ...Object.keys(columns),
    "flexible_moving",
  ];
  assertEquals(files.toSorted(), names.toSorted());
});
