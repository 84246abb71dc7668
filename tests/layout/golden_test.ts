/**
 * The generated classes of structs, as text: a change to the generator shows in review as
 * a change to the files in `golden/`. To write them anew:
 *
 * ```sh
 * HOSTMEM_GOLDEN=write deno test -A tests/layout/golden_test.ts
 * ```
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { classPart } from "../../layout/access/classes.ts";
import { textOf } from "../../base/specialise.ts";
import {
  type AccessMode,
  isWide,
  planOf,
  READABLE as VIEW,
  WRITABLE as POINTER,
} from "../../layout/access/plan.ts";
import type { AnyType } from "../../layout/model/types.ts";
import {
  aligned,
  array,
  atomic,
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bits,
  bool,
  bytes,
  codeOf,
  enumeration,
  f16,
  f32,
  f64,
  HostLayout,
  i128,
  i16,
  i32,
  i64,
  i8,
  padding,
  pointer,
  safe,
  struct,
  text,
  type Type,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  union,
} from "../../layout/mod.ts";

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
const Rare = struct("Rare", {
  _: HostLayout,
  u128,
  i128,
  f16,
  bei16,
  bei32,
  bei64,
  bef32,
  bef64,
  mac: bytes(6),
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
const Wide = struct("Wide", {
  _: HostLayout,
  gap: padding(2 ** 32),
  word: u32,
  low: bits(u32, 3),
  big: u64,
  cell: Cell,
  ports: array(u16, 2),
});

const golden: Record<string, [Type, AccessMode]> = {
  scalars: [Scalars, POINTER],
  "scalars_view": [Scalars, VIEW],
  rare: [Rare, POINTER],
  "rare_view": [Rare, VIEW],
  packed: [Packed, POINTER],
  "packed_view": [Packed, VIEW],
  bits: [Bits, POINTER],
  "bits_straddling": [Straddling, POINTER],
  nested: [Nested, POINTER],
  "nested_view": [Nested, VIEW],
  union: [union("Either", { _: HostLayout, i: u32, f: f32 }), POINTER],
  flexible: [Flexible, POINTER],
  "flexible_view": [Flexible, VIEW],
  wide: [Wide, POINTER],
  "root_u32": [u32, POINTER],
  "root_text": [text(8), POINTER],
};

for (const [name, [type, mode]] of Object.entries(golden)) {
  Deno.test(`the generated class is as reviewed: ${name}`, async () => {
    const plan = planOf(type as AnyType, mode);
    const { text } = textOf(classPart(plan, mode, isWide(type.size)));
    // Before the class stand functions that are written in `layout/leaves/`.
    const [, ours] = /^const \w+ = (class .*)^return /ms.exec(text)!;
    const file = join(import.meta.dirname!, "golden", `${name}.txt`);
    if (Deno.env.get("HOSTMEM_GOLDEN") === "write") {
      await Deno.writeTextFile(file, ours!);
    }
    assertEquals(ours, await Deno.readTextFile(file), name);
  });
}

Deno.test("an integer of 128 bits needs no more than the alignment of its halves", () => {
  const Late = struct("Late", { _: HostLayout, first: u64, wide: i128 }, {
    packed: true,
    align: 8,
  });
  const bytes = new Uint8Array(32);
  const late = pointer(Late, bytes, 8);
  late.wide = -2n;
  assertEquals(late.wide, -2n);
  // Reached through the lane of 64 bits, and not byte by byte.
  assertEquals(codeOf(Late)!.includes("loadMisaligned"), false);
  const text = codeOf(struct("P", { _: HostLayout, tag: u8, wide: i128 }, {
    packed: true,
  }))!;
  assert(text.includes("loadMisaligned"));
});

Deno.test("an array needs no more than the alignment of its elements, whatever is asked for it", () => {
  const Late = struct("Late", {
    _: HostLayout,
    first: u64,
    list: aligned(array(u32, 2), 16),
  }, { offsets: { list: 8 }, align: 8, packed: true });
  // Not an array of ours, which would go byte by byte.
  assert(pointer(Late, new ArrayBuffer(16)).list instanceof Uint32Array);
});

Deno.test("every file of golden text belongs to a class", async () => {
  const files: string[] = [];
  for await (
    const { name } of Deno.readDir(join(import.meta.dirname!, "golden"))
  ) {
    files.push(name.replace(/\.txt$/, ""));
  }
  assertEquals(files.toSorted(), Object.keys(golden).toSorted());
});
