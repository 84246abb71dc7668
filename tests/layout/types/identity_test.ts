/**
 * Values that are read and written back unchanged change no byte but padding:
 * every kind of value, nested, over bytes that nobody meant.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  aligned,
  array,
  assign,
  atomic,
  bef32,
  bef64,
  bits,
  bool,
  decode,
  encode,
  equals,
  f16,
  f32,
  f64,
  HostLayout,
  i32,
  i64,
  padding,
  pointer,
  snapshot,
  struct,
  type StructOptions,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../../layout/mod.ts";
import { sized } from "../../_fire.ts";
import { Random, seed } from "../../_support.ts";
import { kinds, type Loose } from "../_kinds.ts";

/** The kinds whose values can be read whatever their bytes are. */
const readable = kinds.filter(({ name }) => !name.startsWith("safe"));
const bases = [u8, u16, u32, u64, i32, i64];

/** The number of types; one in ten has two members that share a byte. */
const ROUNDS = sized(80, 1000);

/** A type of any kind, of at most so many levels. */
function randomType(random: Random, depth: number): Type {
  const choice = random.int(depth > 0 ? 10 : 5);
  switch (choice) {
    case 5:
    case 6:
      return randomStruct(random, depth - 1);
    case 7:
      return union(`U${depth}`, fieldsOf(random, depth - 1));
    case 8:
    case 9:
      return array(randomType(random, depth - 1), random.int(4));
    case 0:
      return atomic(random.pick([u8, u32, u64, bool]));
    case 1:
      return random.boolean()
        ? text(1 + random.int(12))
        : text16(1 + random.int(6));
    default:
      return random.pick(readable).type;
  }
}

function fieldsOf(random: Random, depth: number): Record<string, Type> {
  const fields: Record<string, Type> = { _: HostLayout };
  for (let index = 1 + random.int(5); index > 0; index--) {
    const name = `f${index}`;
    switch (random.int(8)) {
      case 0: {
        const base = random.pick(bases);
        fields[name] = bits(base, 1 + random.int(8 * base.size));
        break;
      }
      case 1:
        fields[name] = bits(bool, 1);
        break;
      case 2:
        fields[name] = padding(1 + random.int(3));
        break;
      default:
        fields[name] = randomType(random, depth);
    }
  }
  return { ...fields, f0: u8 };
}

/** A struct; one of three is packed, one of three has members that overlap. */
function randomStruct(random: Random, depth: number): Type {
  const fields = fieldsOf(random, depth);
  const hasAtomics = describe(fields).includes('"atomic"');
  const names = Object.keys(fields).filter((name) =>
    name !== "_" && fields[name]!.kind !== "bits"
  );
  const options: StructOptions = hasAtomics ? {} : random.pick<StructOptions>([
    {},
    { packed: true },
    {
      offsets: Object.fromEntries(
        names.map((name) => [name, random.int(3) * 8]),
      ),
    },
  ]);
  return struct(`S${depth}`, fields, options);
}

/** Random bytes: of all kinds, and of those that texts and booleans make much of. */
function hostileBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const few = [0, 0, 1, 2, 0x61, 0x7f, 0x80, 0xc3, 0xe2, 0xff];
  return random.boolean()
    ? random.bytes(length)
    : Uint8Array.from({ length }, () => random.pick(few));
}

/** Runs a check over random types and bytes, which an error then names. */
function forRandomTypes(
  rounds: number,
  check: (type: Type, bytes: Uint8Array<ArrayBuffer>) => void,
): void {
  const random = new Random(seed());
  for (let round = 0; round < rounds; round++) {
    const type = randomStruct(random, 3);
    for (let times = 0; times < 4; times++) {
      const bytes = hostileBytes(random, type.size);
      try {
        check(type, bytes);
      } catch (error) {
        throw new Error(
          `HOSTMEM_SEED=${seed()}, round ${round}: ${
            describe(type)
          }: [${bytes}]`,
          { cause: error },
        );
      }
    }
  }
}

function describe(type: unknown): string {
  return JSON.stringify(
    type,
    (_, value: unknown) => typeof value === "bigint" ? `${value}n` : value,
  );
}

Deno.test("assign() of a snapshot changes no byte", () => {
  forRandomTypes(ROUNDS, (type, bytes) => {
    const before = bytes.slice();
    const it = pointer(type, bytes);
    assign(it, snapshot(it) as object);
    assertEquals(bytes, before);
  });
});

/** Stores every value that a pointer reaches as it reads. */
function storeBack(it: Loose, type: Type): void {
  const { fields } = type as unknown as { fields: Record<string, Type> };
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind === "marker" || field.kind === "padding") continue;
    const value = it[name];
    if (typeof value !== "object") it[name] = value;
    else if (field.kind === "struct" || field.kind === "union") {
      storeBack(value as Loose, field);
    } else if (field.kind === "atomic") {
      const cell = value as { load(): number; store(value: number): void };
      if (typeof cell.load() !== "boolean") cell.store(cell.load());
    } else {
      const list = value as { length: number; [index: number]: unknown };
      for (let index = 0; index < list.length; index++) {
        const element = list[index];
        if (typeof element !== "object") list[index] = element;
      }
    }
  }
}

Deno.test("a field stored as it reads changes no byte, but for what is not a number", () => {
  forRandomTypes(ROUNDS, (type, bytes) => {
    if (/"(be)?f(16|32|64)"/.test(describe(type))) return;
    const before = bytes.slice();
    storeBack(pointer(type, bytes) as Loose, type);
    assertEquals(bytes, before);
  });
});

Deno.test("encode() of what was decoded reads as before", () => {
  forRandomTypes(ROUNDS, (type, bytes) => {
    const value = decode(type, bytes);
    let again;
    try {
      again = encode(type, value as object);
    } catch (error) {
      // Which of the bits of a NaN, or of a true byte, those need that share
      // them, nobody can find out: that is refused.
      const text = describe(type);
      const isOpen = /"(be)?f(16|32|64)"/.test(text) ||
        text.includes('"bool"') && text.includes('"bits"');
      if (isOpen && `${error}`.includes("share bytes")) return;
      throw error;
    }
    assertEquals(again.length, bytes.length);
    assertEquals(decode(type, again), value);
    assert(equals(type, view(type, bytes) as object, value as object));
  });
});

/** Tests whether two snapshots of a type have the same values. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object") return Object.is(one, other);
  const [some, others] = [one, other] as Record<string, unknown>[];
  return Object.keys(some!).every((key) => isSame(some![key], others![key]));
}

/** The bits of a type that are no padding, found by flipping each. */
function usedBits(type: Type, bytes: Uint8Array): Uint8Array {
  // Bits that reading notices: flip each, and look whether the value differs.
  const base = snapshot(view(type, bytes));
  return Uint8Array.from(bytes, (byte, index) => {
    let used = 0;
    for (let bit = 0; bit < 8; bit++) {
      bytes[index] = byte ^ 1 << bit;
      if (!isSame(snapshot(view(type, bytes)), base)) used |= 1 << bit;
    }
    bytes[index] = byte;
    return used;
  });
}

Deno.test("a copy of a pointer has all that can be read, and zeros for padding", () => {
  forRandomTypes(sized(8, 80), (type, bytes) => {
    const copy = encode(type, view(type, bytes) as object);
    assertEquals(decode(type, copy), decode(type, bytes));
    const used = usedBits(type, bytes);
    copy.forEach((byte, index) => {
      // Where a bit can be read, it is the one that was there; of all others it
      // is that (text behind a NUL), or zero (padding).
      assertEquals(byte & used[index]!, bytes[index]! & used[index]!);
      assertEquals(byte & ~bytes[index]!, 0);
    });
  });
});

Deno.test("padding is zero in a copy, at every depth and in odd bits", () => {
  const Inner = struct("Inner", { _: HostLayout, a: u8, b: u32 });
  const Outer = struct("Outer", {
    _: HostLayout,
    low: bits(u32, 5),
    high: bits(u32, 3),
    tag: u8,
    gap: padding(2),
    inner: Inner,
    list: array(Inner, 2),
    either: union("Either", { _: HostLayout, narrow: Inner, wide: u64 }),
    pair: union("Pair", { _: HostLayout, one: Inner, other: Inner }),
    end: aligned(u8, 8),
  });
  const bytes = new Uint8Array(Outer.size).fill(255);
  const copy = new Uint8Array(Outer.size).fill(170);
  assign(pointer(Outer, copy), view(Outer, bytes));
  const inner = [255, 0, 0, 0, 255, 255, 255, 255];
  const wide = Array<number>(8).fill(255);
  assertEquals(
    [...copy],
    [
      ...[255, 255, 0, 0],
      ...[...inner, ...inner, ...inner],
      ...Array<number>(4).fill(0),
      ...[...wide, ...inner],
      ...[255, 0, 0, 0, 0, 0, 0, 0],
    ],
  );
  assertEquals(encode(Outer, view(Outer, bytes)), copy);
});

// ---------------------------------------------------------------- shared bytes

/** `struct { union { __u32 v4; __u8 v6[16]; }; __u8 family; }` */
const Key = struct("Key", {
  _: HostLayout,
  v4: u32,
  v6: array(u8, 16),
  family: u8,
}, { offsets: { v4: 0, v6: 0, family: 16 } });

Deno.test("assign() passes over members that say what is there", () => {
  const bytes = Uint8Array.from({ length: Key.size }, (_, index) => index);
  const key = pointer(Key, bytes);
  assign(key, { ...snapshot(key), v4: 0x08080808 });
  assertEquals([...bytes.slice(0, 6)], [8, 8, 8, 8, 4, 5]);
  const v6 = Array.from({ length: 16 }, (_, index) => 100 + index);
  assign(key, { ...snapshot(key), v6 });
  assertEquals(key.v4, 0x67666564);
});

Deno.test("two members that share bytes and differ are refused by both names", () => {
  const bytes = new Uint8Array(Key.size).fill(7);
  const key = pointer(Key, bytes);
  const before = bytes.slice();
  const v6 = Array<number>(16).fill(1);
  for (const values of [{ v4: 2, v6 }, { v6, v4: 2 }]) {
    for (
      const store of [() => assign(key, values), () => encode(Key, values)]
    ) {
      const error = assertThrows(store, RangeError, "share bytes");
      assert(error.message.includes("Key.v4"), error.message);
      assert(error.message.includes("Key.v6"), error.message);
    }
  }
  assertEquals(bytes, before);
  assign(key, { v4: 0x01010101, v6 });
  assertEquals([...bytes.slice(0, 16)], v6);
  assertEquals(encode(Key, { v6, v4: 0x01010101, family: 2 })[16], 2);
});

Deno.test("a whole union is stored as it reads, and refused where its members differ", () => {
  const Either = union("Either", {
    _: HostLayout,
    flag: bool,
    word: u32,
    number: f32,
    name: text(4),
    low: bits(u32, 5),
  });
  const random = new Random(seed());
  for (let round = 0; round < 500; round++) {
    const bytes = hostileBytes(random, 4);
    const value = decode(Either, bytes);
    const again = encode(Either, value);
    assertEquals(again, bytes);
    // Many bits are no number: those agree.
    if (Number.isNaN(value.number)) continue;
    const other = (value.word ^ 0x100) >>> 0;
    assertThrows(() => encode(Either, { ...value, word: other }), RangeError);
  }
  const either = pointer(Either, new ArrayBuffer(4));
  assign(either, { ...snapshot(either), low: 3 });
  assertEquals(either.word, 3);
});

Deno.test("a number that is none keeps its bits in assign()", () => {
  const Numbers = struct("Numbers", { _: HostLayout, a: f32, b: f64 });
  const bytes = new Uint8Array(Numbers.size);
  const data = new DataView(bytes.buffer);
  data.setUint32(0, 0x7fa12345, true);
  data.setBigUint64(8, 0xfff4123456789abcn, true);
  const before = bytes.slice();
  const it = pointer(Numbers, bytes);
  assign(it, snapshot(it));
  assertEquals(bytes, before);
});

Deno.test("encode() and decode() take flexible arrays and unaligned bytes", () => {
  const List = struct("List", { _: HostLayout, n: u32, all: array(u16) });
  const bytes = encode(List, { n: 3, all: [1, 2, 3] });
  assertEquals([...bytes], [3, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0].slice(0, 10));
  assertEquals(decode(List, bytes), { n: 3, all: [1, 2, 3] });
  const odd = new Uint8Array([9, ...bytes]).subarray(1);
  assertEquals(decode(List, odd), { n: 3, all: [1, 2, 3] });
  assertEquals(encode(List, view(List, bytes)), bytes);
  assertEquals(encode(array(u16), [1, 2]), new Uint8Array([1, 0, 2, 0]));
  assertEquals(decode(array(u16), new Uint8Array([1, 0, 2, 0, 5])), [1, 2]);
  assertThrows(() => decode(u32, new Uint8Array(3)), RangeError, "3");
  assertEquals(encode(u32, 5), new Uint8Array([5, 0, 0, 0]));
  assertThrows(() => encode(u32, -1), RangeError);
});

Deno.test("equals() sees what can be read, and nothing else", () => {
  const T = struct("T", { _: HostLayout, on: bool, name: text(4), x: f32 });
  const a = new Uint8Array(T.size);
  const b = new Uint8Array(T.size).fill(9, 5, 8);
  a.set([1, 97, 0, 0, 0]);
  b.set([7, 97, 0, 98, 99]);
  assert(equals(T, view(T, a), view(T, b)));
  assert(equals(T, view(T, a), { on: true, name: "a" }));
  assert(!equals(T, view(T, a), { on: false, name: "a" }));
  assert(equals(f64, NaN, NaN));
  // Of what is not a number there are many.
  for (
    const [type, ...ends] of [
      [f16, [1, 0x7e], [0, 0xfe]],
      [f32, [1, 0, 0xc0, 0x7f], [0, 0, 0xc0, 0xff]],
      [f64, [7, 0, 0, 0, 0, 0, 0xf8, 0x7f], [0, 1, 0, 0, 0, 0, 0xf8, 0xff]],
      [bef32, [0x7f, 0xc0, 0, 1], [0xff, 0xc0, 0, 0]],
      [bef64, [0x7f, 0xf8, 0, 0, 0, 0, 0, 7], [0xff, 0xf8, 0, 0, 0, 0, 1, 0]],
    ] as const
  ) {
    const F = struct("F", { _: HostLayout, x: type as typeof f32, on: bool });
    const [one, other] = ends.map((end) => {
      const bytes = new Uint8Array(F.size);
      bytes.set(end);
      return view(F, bytes);
    });
    assert(equals(F, one!, other!), type.name);
    assert(equals(F, one!, { x: NaN }), type.name);
    assert(!equals(F, one!, { x: NaN, on: true }), type.name);
    assert(!equals(F, one!, { x: 0 }), type.name);
  }
  assert(!equals(f64, 0, -0));
});

Deno.test("a pointer or view that is spread or cloned has no fields; its snapshot has all", () => {
  const Event = struct("Event", { _: HostLayout, pid: u32, cpu: u32 });
  const buffer = new Uint32Array([7, 3]).buffer;
  for (const event of [pointer(Event, buffer), view(Event, buffer)]) {
    assertEquals<object>({ ...event }, {});
    assertEquals(Object.entries(event), []);
    assertEquals<object>(structuredClone(event), {});
    const copy = snapshot(event);
    assertEquals({ ...copy }, { pid: 7, cpu: 3 });
    assertEquals(structuredClone(copy), { pid: 7, cpu: 3 });
  }
});
