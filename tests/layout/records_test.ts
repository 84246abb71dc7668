import { assertEquals, assertThrows } from "@std/assert";
import { InvalidTypeError } from "../../errors.ts";
import {
  aligned,
  alignOf,
  array,
  assign,
  atomic,
  be32,
  enumeration,
  f32,
  field,
  HostLayout,
  i32,
  i64,
  offsetOf,
  padding,
  pointer,
  sizeOf,
  snapshot,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../layout/mod.ts";

Deno.test("the members of a union share their bytes", () => {
  const Inner = struct("Inner", { _: HostLayout, low: u16, high: u16 });
  const Either = union("Either", {
    _: HostLayout,
    word: u32,
    number: f32,
    inner: Inner,
    bytes: array(u8, 4),
    swapped: be32,
  });
  const bytes = new Uint8Array(4);
  const either = pointer(Either, bytes);
  either.number = 1;
  assertEquals(either.word, 0x3f800000);
  assertEquals([either.inner.low, either.inner.high], [0, 0x3f80]);
  either.inner.low = 0x0102;
  assertEquals([...either.bytes], [2, 1, 0x80, 0x3f]);
  assertEquals(either.swapped, 0x0201803f);
  assertEquals(snapshot(either), {
    word: 0x3f800102,
    number: either.number,
    inner: { low: 0x0102, high: 0x3f80 },
    bytes: [2, 1, 0x80, 0x3f],
    swapped: 0x0201803f,
  });
  assign(either, { inner: { high: 0 } });
  assertEquals(either.word, 0x0102);
  assertEquals([sizeOf(Either), alignOf(Either)], [4, 4]);
});

Deno.test("offsets may overlap: so is an anonymous union written", () => {
  const Event = struct("Event", {
    _: HostLayout,
    kind: u32,
    pid: u32,
    code: u32,
    rest: u16,
  }, { offsets: { code: 4 } });
  assertEquals(
    [offsetOf(Event, "pid"), offsetOf(Event, "code"), offsetOf(Event, "rest")],
    [4, 4, 8],
  );
  const event = pointer(Event, new ArrayBuffer(12));
  event.pid = 7;
  assertEquals([event.code, sizeOf(Event)], [7, 12]);
});

Deno.test("a misaligned field works, at an explicit offset as in a packed struct", () => {
  const Crooked = struct("Crooked", {
    _: HostLayout,
    tag: u8,
    word: u32,
    big: u64,
  }, { offsets: { word: 1, big: 5 } });
  assertEquals([sizeOf(Crooked), alignOf(Crooked)], [13, 1]);
  const bytes = new Uint8Array(20);
  const one = pointer(Crooked, bytes, 3);
  one.word = 0x01020304;
  one.big = 2n ** 63n;
  assertEquals([...bytes.slice(4, 8), bytes[15]], [4, 3, 2, 1, 128]);
  assertEquals([one.word, one.big], [0x01020304, 2n ** 63n]);
  assertThrows(() => one.word = -1, RangeError, "Crooked.word");
});

Deno.test("options set size and alignment, and are checked", () => {
  const fields = { _: HostLayout, a: u32, b: u8 };
  assertEquals(sizeOf(struct("S", fields, { size: 64 })), 64);
  assertEquals(sizeOf(struct("S", fields, { align: 16 })), 16);
  assertEquals(alignOf(struct("S", fields, { packed: true, align: 2 })), 2);
  assertEquals(sizeOf(struct("S", fields, { packed: true })), 5);
  const wrong: [object, string][] = [
    [{ size: 4 }, "must hold all fields"],
    [{ size: 9 }, "multiple of the alignment"],
    [{ size: -8 }, "size"],
    [{ size: 8.5 }, "size"],
    [{ align: 3 }, "power of two"],
    [{ align: 0 }, "align"],
    [{ align: "8" }, "align"],
    [{ packed: 1 }, "packed"],
    [{ offsets: { c: 0 } }, '"c"'],
    [{ offsets: { _: 0 } }, '"_"'],
    [{ offsets: { a: -1 } }, "S.a"],
    [{ offsets: { a: 0.5 } }, "S.a"],
    [{ offsets: { a: "0" } }, "S.a"],
    [{ offsets: { a: 2 ** 53 - 1 } }, "S.a"],
    [{ offsets: 1 }, "offsets"],
  ];
  for (const [options, message] of wrong) {
    const error = assertThrows(
      () => struct("S", fields, options),
      InvalidTypeError,
      message,
    );
    assertEquals(error.message.startsWith("S"), true, error.message);
  }
  for (const options of [null, 1, "packed"]) {
    assertThrows(() => struct("S", fields, options as never), InvalidTypeError);
  }
});

Deno.test("aligned() raises the alignment, and lowers it in a packed struct only", () => {
  const S = struct("S", { _: HostLayout, a: u8, b: aligned(u32, 64), c: u8 });
  assertEquals([offsetOf(S, "b"), sizeOf(S), alignOf(S)], [64, 128, 64]);
  const P = struct("P", { _: HostLayout, a: u8, b: aligned(u32, 2) }, {
    packed: true,
  });
  assertEquals([offsetOf(P, "b"), sizeOf(P), alignOf(P)], [2, 6, 2]);
  const p = pointer(P, new Uint8Array(16), 2);
  p.b = 0x01020304;
  assertEquals(view(P, new Uint8Array(6)).b, 0);
  assertEquals(p.b, 0x01020304);
  assertEquals(alignOf(aligned(u64, 2)), 8);
  assertThrows(() => array(aligned(u8, 4), 2), InvalidTypeError, "multiple");
  for (const align of [0, 3, -8, 1.5, NaN, "8", null]) {
    assertThrows(() => aligned(u32, align as number), InvalidTypeError);
  }
  for (const type of [HostLayout, padding(4)] as Type[]) {
    assertThrows(() => aligned(type, 8), InvalidTypeError);
  }
  const counter = pointer(aligned(atomic(u64), 64), new ArrayBuffer(64));
  counter.add(1n);
  assertEquals(counter.load(), 1n);
});

Deno.test("an enumeration names its values, and takes others, too", () => {
  const State = enumeration("state", { IDLE: 0, BUSY: 1, WORKING: 1 });
  assertEquals(State.members, { IDLE: 0, BUSY: 1, WORKING: 1 });
  assertEquals(Object.isFrozen(State.members), true);
  assertEquals([State.nameOf(0), State.nameOf(1)], ["IDLE", "BUSY"]);
  assertEquals([State.nameOf(-0), State.nameOf(2)], ["IDLE", undefined]);
  const state = pointer(State, new ArrayBuffer(4));
  state.value = 0xffffffff;
  assertEquals(state.value, 0xffffffff);
  assertEquals(enumeration("e", { A: -1 }).base as Type, i32);
  assertEquals(enumeration("e", { A: 1 }).base, u32);
  assertEquals(sizeOf(enumeration("e", { A: 1 }, u8)), 1);
  assertEquals(enumeration("e", { A: 1n, B: -1n }, i64).nameOf(-1n), "B");
  const wrong: [unknown, unknown, string][] = [
    [{ A: 2 ** 32 }, undefined, "e.A"],
    [{ A: -1, B: 2 ** 31 }, undefined, "e.B"],
    [{ A: 0.5 }, undefined, "e.A"],
    [{ A: NaN }, undefined, "e.A"],
    [{ A: "1" }, undefined, "e.A"],
    [{ A: undefined }, undefined, "e.A"],
    [{ A: 256 }, u8, "e.A"],
    [{ A: 1 }, u64, "e.A"],
    [{ A: 1n }, u32, "e.A"],
    [{ A: 1 }, f32, "base"],
    [{ A: 1 }, {}, "e: "],
    [null, undefined, "members"],
    ["A", undefined, "members"],
  ];
  for (const [members, base, message] of wrong) {
    assertThrows(
      () => enumeration("e", members as never, base as never),
      InvalidTypeError,
      message,
    );
  }
});

Deno.test("field() serves many structs with one class for each kind of value", () => {
  const A = struct("A", { _: HostLayout, x: u32, n: atomic(u32) });
  const B = struct("B", { _: HostLayout, tag: u64, in: A, x: u32 });
  const a = pointer(A, new ArrayBuffer(8));
  const b = pointer(B, new ArrayBuffer(32));
  const all = [
    field(A, "x").of(a),
    field(B, "x").of(b),
    field(B, "in.x").of(b),
    pointer(u32, new ArrayBuffer(4)),
  ];
  const [first] = all;
  for (const each of all) {
    assertEquals(Object.getPrototypeOf(each), Object.getPrototypeOf(first));
    each.value += 5;
    assertEquals(each.value, 5);
  }
  assertEquals([a.x, b.x, b.in.x], [5, 5, 5]);
  assertEquals([field(B, "in.x").offset, field(B, "in.x").type], [8, u32]);
  field(B, "in.n").of(b).add(2);
  assertEquals(b.in.n.load(), 2);
  assertThrows(() => field(A, "x").of(b as never), TypeError, "pointer to A");
  assertThrows(() => field(A, "x").of(null as never), TypeError, "null");
  assertThrows(() => field(A, "y" as never), InvalidTypeError, '"y"');
  assertThrows(() => field(A, "x.y" as never), InvalidTypeError, '"x.y"');
  assertThrows(() => field(A, 1 as never), InvalidTypeError, "path");
  assertThrows(() => field(A, "_" as never), InvalidTypeError);
});

Deno.test("columns are of values of structs only", () => {
  const A = struct("A", {
    _: HostLayout,
    x: u32,
    in: struct("B", { _: HostLayout, y: u8 }),
  });
  const S = struct("S", {
    _: HostLayout,
    cells: array(A, 2),
    grid: array(array(u8, 2), 2),
  });
  const s = pointer(S, new ArrayBuffer(64));
  for (const path of ["in", "y", "", "in.", "x.y", null, 1, Symbol("x")]) {
    assertThrows(() => s.cells.column(path as never), InvalidTypeError);
  }
  assertEquals("column" in s.grid, false);
  for (const target of [null, undefined, 1, "abc"]) {
    assertThrows(() => s.cells.column("x").copyTo(target as never), TypeError);
  }
  const into = new Uint8Array(2);
  s.cells.column("x").set(1, 257);
  assertEquals([s.cells.column("x").copyTo(into), into[1]], [2, 1]);
});
