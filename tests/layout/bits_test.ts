import { assertEquals, assertThrows } from "@std/assert";
import { InvalidTypeError } from "../../errors.ts";
import {
  aligned,
  array,
  assign,
  bits,
  bool,
  enumeration,
  f32,
  field,
  HostLayout,
  i16,
  i32,
  i64,
  i8,
  offsetOf,
  padding,
  pointer,
  safe,
  snapshot,
  struct,
  text,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../layout/mod.ts";
import { Random, seed } from "../_support.ts";
import type { Loose } from "./_kinds.ts";

const bases = [u8, i8, u16, i16, u32, i32, u64, i64] as unknown as (
  typeof u32
)[];

interface Member {
  name: string;
  base: typeof u32;
  width: number;
  /** In bits; undefined where the allocation is not ours to model. */
  at: number;
}

/** Packed bit-fields follow one another without a gap. */
function packedMembers(random: Random): Member[] {
  const members: Member[] = [];
  let at = 0;
  for (let index = 0; index < 1 + random.int(8); index++) {
    const base = random.pick(bases);
    const width = 1 + random.int(base.size * 8);
    members.push({ name: `f${index}`, base, width, at });
    at += width;
  }
  return members;
}

Deno.test("packed bit-fields of every base and width, straddling ones too, hold their bits", () => {
  const random = new Random(seed());
  for (let round = 0; round < 300; round++) {
    const members = packedMembers(random);
    const Packed = struct(
      "Packed",
      Object.fromEntries<Type>([
        ["_", HostLayout],
        ...members.map(({ name, base, width }): [string, Type] => [
          name,
          bits(base, width),
        ]),
      ]),
      { packed: true },
    );
    const { at, width } = members.at(-1)!;
    assertEquals(Packed.size, Math.ceil((at + width) / 8));
    const start = random.int(9);
    const bytes = random.bytes(Packed.size + 16);
    const whole = (of: Uint8Array) =>
      of.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
    const it = pointer<Type>(Packed, bytes, start) as unknown as Loose;
    const seen = view<Type>(Packed, bytes, start) as unknown as Loose;
    let model = whole(bytes);
    for (let step = 0; step < 12; step++) {
      const { name, base, width, at } = random.pick(members);
      const raw = BigInt.asUintN(width, random.biguint64());
      const integer = base.name.startsWith("i")
        ? BigInt.asIntN(width, raw)
        : raw;
      const value = base.size === 8 ? integer : Number(integer);
      if (random.boolean()) it[name] = value;
      else assign(it as never, { [name]: value } as never);
      const shift = BigInt(start * 8 + at);
      const mask = ((1n << BigInt(width)) - 1n) << shift;
      model = (model & ~mask) | (raw << shift);
      assertEquals(whole(bytes), model, `${name} of ${base.name}:${width}`);
      assertEquals([it[name], seen[name]], [value, value]);
      assertEquals((snapshot(it as never) as Loose)[name], value);
    }
  }
});

Deno.test("a bit-field's store leaves its neighbours alone, in every unit", () => {
  for (const base of bases) {
    const width = base.size * 8;
    for (let low = 1; low < width; low++) {
      const Pair = struct("Pair", {
        _: HostLayout,
        low: bits(base, low),
        high: bits(base, width - low),
      });
      assertEquals(Pair.size, base.size);
      const bytes = new Uint8Array(8);
      const pair = pointer(Pair, bytes) as unknown as Loose;
      const ones = base.name.startsWith("i")
        ? -1n
        : 2n ** BigInt(width - low) - 1n;
      pair.high = base.size === 8 ? ones : Number(ones);
      assertEquals(pair.low, base.size === 8 ? 0n : 0);
      assertEquals(bytes.slice(base.size).every((byte) => byte === 0), true);
      const read = bytes.reduceRight((sum, b) => sum << 8n | BigInt(b), 0n);
      assertEquals(
        read,
        (2n ** BigInt(width) - 1n) >> BigInt(low) << BigInt(low),
      );
    }
  }
});

Deno.test("bit-fields of bool and of enumerations read as these", () => {
  const Flags = struct("Flags", {
    _: HostLayout,
    on: bits(bool, 1),
    off: bits(bool, 1),
    state: bits(enumeration("state", { A: 0 }, u8), 3),
    delta: bits(enumeration("delta", { A: -1 }, i8), 3),
  });
  assertEquals(Flags.size, 1);
  const flags = view(Flags, new Uint8Array([0b111_101_01]));
  assertEquals(snapshot(flags), { on: true, off: false, state: 5, delta: -1 });
});

Deno.test("a bit-field near the end of its struct does not reach beyond it", () => {
  const Tight = struct("Tight", { _: HostLayout, a: bits(u32, 3) }, {
    packed: true,
  });
  assertEquals(Tight.size, 1);
  const bytes = new Uint8Array(1);
  const tight = pointer(Tight, bytes);
  tight.a = 7;
  assertEquals([tight.a, bytes[0]], [7, 7]);
  const Row = struct("Row", { _: HostLayout, all: array(Tight, 5) });
  const row = pointer(Row, new ArrayBuffer(5));
  row.all.column("a").set(4, 5);
  assertEquals([...row.all.column("a")], [0, 0, 0, 0, 5]);
});

Deno.test("a bit-field in the last byte of a packed struct that is aligned does not reach beyond it", () => {
  // Its size is no multiple of its alignment, as C has it for such a typedef.
  const packed = struct("Packed", {
    _: HostLayout,
    rest: array(u8, 2),
    flag: bits(u16, 1),
  }, { packed: true });
  const Aligned = aligned(packed, 16);
  assertEquals([Aligned.size, Aligned.align], [3, 16]);
  const alone = pointer(Aligned, new Uint8Array(3));
  alone.flag = 1;
  assertEquals(alone.flag, 1);
  assign(alone, { flag: 0 });
  assertEquals(snapshot(alone).flag, 0);
  // Nor is what is stored there read and written back.
  const outer = struct("Outer", { _: HostLayout, value: Aligned, next: u8 }, {
    offsets: { value: 0, next: 3 },
  });
  const around = pointer(outer, new Uint8Array(outer.size));
  around.next = 0xa5;
  around.value.flag = 1;
  assertEquals([around.value.flag, around.next], [1, 0xa5]);
  const all = pointer(array(outer, 1), new ArrayBuffer(outer.size));
  all.column("value.flag").set(0, 1);
  assertEquals(all.column("value.flag").at(0), 1);
});

Deno.test("columns of bit-fields work, in packed and in nested structs", () => {
  for (const packed of [false, true]) {
    const Inner = struct("Inner", {
      _: HostLayout,
      x: u8,
      low: bits(u32, 5),
      high: bits(i32, 25),
      wide: bits(u64, 40),
    }, { packed });
    const Cell = struct("Cell", { _: HostLayout, tag: u8, inner: Inner }, {
      packed,
    });
    const cells = pointer(array(Cell, 3), new ArrayBuffer(128));
    const values: [string, unknown[]][] = [
      ["low", [1, 31, 7]],
      ["high", [-1, 2 ** 24 - 1, -(2 ** 24)]],
      ["wide", [1n, 2n ** 40n - 1n, 0n]],
    ];
    for (const [name, list] of values) {
      const column = cells.column(`inner.${name}` as "inner.low");
      list.forEach((value, index) => column.set(index, value as number));
    }
    for (const [name, list] of values) {
      assertEquals([...cells.column(`inner.${name}` as "inner.low")], list);
      assertEquals(
        [...cells].map(({ inner }) => (inner as unknown as Loose)[name]),
        list,
      );
    }
  }
});

Deno.test("a bit-field has no address, no array, no atomic and is no root", () => {
  const Flags = struct("Flags", { _: HostLayout, a: bits(u32, 3) });
  assertThrows(() => offsetOf(Flags, "a"), InvalidTypeError, "Flags.a");
  assertThrows(() => field(Flags, "a"), InvalidTypeError, "Flags.a");
  assertThrows(() => array(bits(u32, 3), 2), InvalidTypeError);
  assertThrows(
    () => pointer(bits(u32, 3) as Type, new ArrayBuffer(4)),
    InvalidTypeError,
  );
});

Deno.test("bit-fields are of integers, bool and enumerations, and of a width that these have", () => {
  for (const type of [f32, safe(u64), text(4), array(u8, 2), HostLayout]) {
    assertThrows(() => bits(type as never, 1), InvalidTypeError);
    assertThrows(() => padding.bits(type as never, 1), InvalidTypeError);
  }
  for (const width of [0, -1, 33, 1.5, NaN, "3", null]) {
    assertThrows(() => bits(u32, width as number), InvalidTypeError, "wid");
  }
  assertThrows(() => bits(bool, 2), InvalidTypeError);
  assertThrows(() => bits(u8, 9), InvalidTypeError);
  assertThrows(() => padding.bits(u8, 9), InvalidTypeError);
  bits(u64, 64);
});

Deno.test("unnamed bit-fields take room, and one of width 0 ends the unit", () => {
  const Gap = struct("Gap", {
    _: HostLayout,
    a: bits(u32, 3),
    gap: padding.bits(u32, 5),
    b: bits(u32, 4),
    end: padding.bits(u32, 0),
    c: bits(u32, 1),
  });
  assertEquals(Gap.size, 8);
  const bytes = new Uint8Array(8);
  const it = pointer(Gap, bytes);
  assign(it, { a: 7, b: 15, c: 1 });
  assertEquals([...bytes], [7, 15, 0, 0, 1, 0, 0, 0]);
  assertEquals(Object.keys(snapshot(it)), ["a", "b", "c"]);
});

Deno.test("bit-fields in a union all begin at its first bit", () => {
  const Word = union("Word", {
    _: HostLayout,
    whole: u16,
    low: bits(u16, 4),
    sign: bits(i16, 3),
  });
  const word = pointer(Word, new ArrayBuffer(2));
  word.whole = 0xffff;
  assertEquals([word.low, word.sign], [15, -1]);
  word.low = 0;
  assertEquals(word.whole, 0xfff0);
});
