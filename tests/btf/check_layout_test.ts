import { assert, assertEquals, assertThrows } from "@std/assert";
import { Btf, BtfError, checkLayout } from "../../btf/mod.ts";
import {
  array,
  atomic,
  bef64,
  bei32,
  bits,
  bytes,
  enumeration,
  f32,
  type Fields,
  HostLayout,
  i32,
  InvalidTypeError,
  padding,
  safe,
  struct,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  u8,
} from "../../layout/mod.ts";
import { Builder, K, SIGNED } from "./_builder.ts";

function told(): Btf {
  const b = new Builder();
  const u8 = b.int("unsigned char", 1);
  const i32 = b.int("int", 4, SIGNED);
  const u32 = b.int("unsigned int", 4);
  const u64 = b.int("long unsigned int", 8);
  const char = b.int("char", 1);
  const inner = b.struct("inner", 8, [["x", i32, 0], ["y", u32, 32]]);
  b.struct(
    "stats",
    64,
    [
      ["packets", u64, 0],
      ["state", b.add(K.ENUM, "state", 4, [b.name("ON"), 1], 1), 64],
      ["sign", i32, 96],
      ["name", b.array(char, 8), 128],
      ["inner", inner, 192],
      ["next", b.ptr(0), 256],
      ["ports", b.array(u8, 4), 320],
      Builder.bits("low", u32, 352, 3),
      Builder.bits("high", u32, 355, 5),
      ["rest", u64, 384],
      ["last", u64, 448],
    ].map((member) => member as [string, number, number]),
    true,
  );
  const u16 = b.int("unsigned short", 2);
  b.struct("units", 8, [["name", b.array(u16, 4), 0]]);
  return Btf.parse(b.bytes());
}

const btf = told();
const State = enumeration("state", { ON: 1 });
const Inner = struct("inner", { _: HostLayout, x: i32, y: u32 });
const right = {
  _: HostLayout,
  packets: atomic(u64),
  state: State,
  sign: i32,
  name: text(8),
  inner: Inner,
  next: u64,
  ports: array(u8, 4),
  low: bits(u32, 3),
  high: bits(u32, 5),
  rest: safe(u64),
  last: u64,
} as const;

/** Checks a struct with some fields other than they should be. */
function differencesOf(change: Record<string, Type>): string[] {
  const fields = { ...right, ...change } as unknown as Record<string, Type>;
  const check = checkLayout(struct("stats", fields), btf);
  assertEquals(check.ok, check.differences.length === 0);
  return check.differences.map(({ path, what, actual, expected }) =>
    `${path} ${what} ${actual} ${expected}`
  );
}

Deno.test("checkLayout() finds nothing where there is nothing", () => {
  assertEquals(differencesOf({}), []);
  assertEquals(differencesOf({ ports: bytes(4), sign: bei32 }), []);
  const check = checkLayout(struct("other", right), btf, "stats");
  assertEquals([check.ok, String(check)], [true, "other: as in BTF"]);
  assert(checkLayout(btf.layout("stats"), btf).ok);
});

Deno.test("checkLayout() takes UTF-16 for what it is in BTF, an array of units of its size", () => {
  const units = (name: Type) => struct("units", { _: HostLayout, name });
  assertEquals(checkLayout(units(text16(4)), btf).differences, []);
  assertEquals(
    checkLayout(units(text(8)), btf).differences.map(({ what }) => what),
    ["kind"],
  );
});

Deno.test("checkLayout() finds offsets, sizes, signs, lengths and kinds that differ", () => {
  assertEquals(differencesOf({ sign: u32 }), [
    "stats.sign sign unsigned signed",
  ]);
  assertEquals(differencesOf({ last: f32 }), [
    "stats.last size 4 8",
    "stats.last kind a float an integer",
  ]);
  assertEquals(
    differencesOf({ ports: array(u8, 3), low: bits(u32, 3) })[0],
    "stats.ports length 3 4",
  );
  assertEquals(
    differencesOf({ ports: array(u16, 2) }),
    ["stats.ports length 2 4", "stats.ports[] size 2 1"],
  );
  assertEquals(differencesOf({ low: bits(u32, 2), high: bits(u32, 6) }), [
    "stats.low size 2 3",
    "stats.high offset 354 355",
    "stats.high size 6 5",
  ]);
  assertEquals(differencesOf({ ports: u32, last: bef64 }), [
    "stats.ports kind an integer an array",
    "stats.last kind a float an integer",
  ]);
  const Swapped = struct("inner", { _: HostLayout, y: u32, x: i32 });
  assertEquals(differencesOf({ inner: Swapped }), [
    "stats.inner.y offset 0 4",
    "stats.inner.x offset 4 0",
  ]);
  const size = differencesOf({ name: text(9) });
  assertEquals(size.slice(0, 4), [
    "stats size 72 64",
    "stats.name size 9 8",
    "stats.inner offset 28 24",
    "stats.next offset 40 32",
  ]);
});

Deno.test("checkLayout() finds fields that are missing, but for padding", () => {
  const { rest: _, ...without } = right;
  const gap = struct("stats", without, { offsets: { last: 56 } });
  assertEquals(
    checkLayout(gap, btf).differences.map(({ path, what, expected }) =>
      `${path} ${what} ${expected}`
    ),
    ["stats.rest missing u64 at 48"],
  );
  const { last, ...head } = without;
  const padded = struct("stats", { ...head, pad: padding(11), last });
  assertEquals(checkLayout(padded, btf).differences, []);
  assertEquals(differencesOf({ more: u8 }).slice(-1), [
    "stats.more unknown u8 at 64 nothing",
  ]);
});

Deno.test("checkLayout() shows both layouts side by side", () => {
  const fields = { ...right, sign: u32 };
  const lines = String(checkLayout(struct("stats", fields), btf)).split("\n");
  assertEquals(lines[0], "stats.sign: sign is unsigned, BTF has signed");
  const line = lines.find((line) =>
    line.includes("uint32_t") && line.includes("sign;")
  )!;
  assert(/uint32_t +sign;.* \| +int32_t +sign;/.test(line), line);
  assert(lines.some((line) => line.includes("void *")), lines.join("\n"));
});

Deno.test("checkLayout() refuses what it cannot compare", () => {
  assertThrows(() => checkLayout({} as Type, btf, "stats"), InvalidTypeError);
  assertThrows(() => checkLayout(u32, btf), BtfError, '"u32"');
});

Deno.test("checkLayout() looks once at structs that are reached on many paths", () => {
  // Each has two of the one before, so that 2^40 paths lead to the first.
  const b = new Builder();
  let id = b.struct("level", 4, [["x", b.int("int", 4, SIGNED), 0]]);
  let own: Type = struct("level", { _: HostLayout, x: i32 });
  for (let level = 0; level < 40; level++) {
    id = b.struct("level", 4, [["a", id, 0], ["b", id, 0]]);
    const fields: Fields = { _: HostLayout, a: own, b: own };
    own = struct("level", fields, { offsets: { b: 0 } });
  }
  const btf = Btf.parse(b.bytes());
  assertEquals(checkLayout(own, btf, id).differences, []);
  // What differs is told at the first of them.
  let other: Type = struct("level", { _: HostLayout, y: i32 });
  for (let level = 0; level < 40; level++) {
    const fields: Fields = { _: HostLayout, a: other, b: other };
    other = struct("level", fields, { offsets: { b: 0 } });
  }
  const { differences } = checkLayout(other, btf, id);
  const path = `level${".a".repeat(40)}`;
  assertEquals(differences.map((one) => one.path), [`${path}.y`]);
});
