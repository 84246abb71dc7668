import { assert, assertEquals, assertThrows } from "@std/assert";
import { BoundsError, ClosedError } from "../../errors.ts";
import {
  array,
  assign,
  bytes,
  f16,
  field,
  HostLayout,
  pointer,
  snapshot,
  struct,
  type Type,
  u8,
  union,
  view,
} from "../../layout/mod.ts";
import { sized } from "../_fire.ts";
import { asHalf, type Kind, kinds, type Loose, readBack } from "./_kinds.ts";

interface Elements extends Iterable<unknown> {
  readonly length: number;
  at(index: number): unknown;
  slice(start?: number, end?: number): ArrayLike<unknown>;
  set(index: number, value: unknown): void;
}

interface Column extends Elements {
  copyTo(target: unknown[]): number;
}

interface Records extends Iterable<Loose> {
  readonly length: number;
  at(index: number): Loose;
  column(path: string): Column;
}

function inspected(value: unknown): string {
  return Deno.inspect(value, { depth: 10 });
}

/** Returns what `JSON.stringify` makes of a value of a kind. */
function asJson(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  return typeof value === "number" && !Number.isFinite(value)
    ? null
    : Object.is(value, -0)
    ? 0
    : value;
}

/** A value of `kind` per index, all that fit in turn. */
function nth({ name, fits }: Kind, index: number): unknown {
  return readBack(name, fits[index % fits.length]);
}

const COUNT = 7;

for (const { name, type, fits } of kinds) {
  const { size } = type;
  const Either = union("Either", {
    _: HostLayout,
    it: type,
    all: bytes(size),
  });

  Deno.test(`${name}: a value that is there, rounded or not, leaves its bytes to another member`, () => {
    const either = pointer(Either, new ArrayBuffer(Either.size));
    for (const it of fits) {
      assign(either, { it });
      const all = new Uint8Array(size).fill(1);
      assign(either, { it, all });
      assertEquals(new Uint8Array(either.all), all);
    }
  });
}

for (const kind of kinds) {
  const { name, type, native } = kind;
  const Record = struct("Record", { _: HostLayout, tag: u8, it: type });
  const Packed = struct("Packed", { _: HostLayout, tag: u8, it: type }, {
    packed: true,
  });
  const values = Array.from({ length: COUNT }, (_, index) => nth(kind, index));

  for (
    const [place, Cell] of [["", Record], [
      " in packed structs",
      Packed,
    ]] as const
  ) {
    const Outer = struct("Outer", {
      _: HostLayout,
      tag: u8,
      cells: array(Cell, COUNT),
      inner: Cell,
    }, { packed: Cell === Packed });

    Deno.test(`${name}${place}: elements, columns, views and scalar pointers agree`, () => {
      const buffer = new ArrayBuffer(512);
      const outer = pointer<Type>(Outer, buffer, 0) as unknown as Loose;
      const seen = view<Type>(Outer, buffer, 0) as unknown as Loose;
      const cells = outer.cells as Records;
      const others = seen.cells as Records;
      values.forEach((value, index) => cells.at(index).it = value);
      const column = cells.column("it");
      assertEquals([...column], values);
      assertEquals([...cells].map(({ it }) => it), values);
      assertEquals([...others].map(({ it }) => it), values);
      const copy: unknown[] = [undefined, undefined, undefined];
      assertEquals(column.copyTo(copy), 3);
      assertEquals(copy, values.slice(0, 3));
      const long: unknown[] = Array.from({ length: COUNT + 2 });
      assertEquals(others.column("it").copyTo(long), COUNT);
      assertEquals(long.slice(0, COUNT), values);
      const back = values.toReversed();
      back.forEach((value, index) => column.set(index, value));
      back.forEach((value, index) => {
        assertEquals(others.at(index).it, value);
        assertEquals(others.column("it").at(index), value);
        assertEquals(cells.at(index).tag, 0);
      });
      (outer.inner as Loose).it = values[1];
      const it = field<Type, string>(Outer, "inner.it");
      const scalar = it.of(outer as never) as unknown as Loose;
      assertEquals(scalar.value, values[1]);
      scalar.value = values[2];
      assertEquals((seen.inner as Loose).it, values[2]);
      const readOnly = it.of(seen as never) as unknown as Loose;
      assertEquals(readOnly.value, values[2]);
      assertThrows(() => readOnly.value = values[1], TypeError);
      assertThrows(() => (seen.inner as Loose).it = values[1], TypeError);
      assertEquals("set" in others.column("it"), false);
    });

    Deno.test(`${name}${place}: bounds are checked`, () => {
      const outer = pointer<Type>(
        Outer,
        new ArrayBuffer(512),
      ) as unknown as Loose;
      const cells = outer.cells as Records;
      for (const index of [-1, COUNT, 2 ** 31, 2 ** 32, -(2 ** 31), 2 ** 53]) {
        for (
          const out of [
            () => cells.at(index),
            () => cells.column("it").at(index),
            () => cells.column("it").set(index, values[0]),
          ]
        ) {
          const error = assertThrows(out, BoundsError);
          assertEquals(error.message.includes(`Index ${index} `), true);
          assertEquals(error.message.includes(`${COUNT} elements`), true);
        }
      }
      for (const index of [0.5, NaN, "0", null, undefined, 0n, {}]) {
        assertThrows(
          () => cells.at(index as number),
          RangeError,
          "must be an integer",
        );
        // A bigint may not get as far as our own check.
        const expected = typeof index === "bigint" ? Error : RangeError;
        assertThrows(() => cells.column("it").at(index as number), expected);
      }
    });

    Deno.test(`${name}${place}: inspect, JSON and snapshot give the values`, () => {
      const buffer = new ArrayBuffer(512);
      const outer = pointer<Type>(Outer, buffer) as unknown as Loose;
      const cells = outer.cells as Records;
      values.forEach((value, index) => cells.at(index).it = value);
      const plain = snapshot(outer as never) as Loose;
      assertEquals(plain.cells, values.map((it) => ({ tag: 0, it })));
      assertEquals(inspected(outer), `Outer ${inspected(plain)}`);
      assertEquals(
        inspected(view<Type>(Outer, buffer)),
        `Outer ${inspected(plain)}`,
      );
      const json = JSON.parse(JSON.stringify(outer)) as Loose;
      assertEquals(
        json.cells,
        values.map((it) => ({ tag: 0, it: asJson(it) })),
      );
      assertEquals(
        inspected(cells.at(1)),
        `${Cell.name} ${inspected({ tag: 0, it: values[1] })}`,
      );
      buffer.transfer();
      for (const closed of [outer, cells]) {
        assertEquals(inspected(closed).endsWith("[closed]"), true);
        assertThrows(() => snapshot(closed as never), ClosedError);
        assertThrows(() => JSON.stringify(closed), ClosedError);
      }
      assertThrows(() => cells.at(0).it, ClosedError);
      assertThrows(() => [...cells.column("it")], ClosedError);
      assertThrows(() => cells.column("it").copyTo([1]), ClosedError);
    });
  }

  const arrays: [string, (buffer: ArrayBuffer) => [Elements, Elements]][] = [
    ["", (buffer) => {
      const type_ = array(type, COUNT);
      return [
        pointer<Type>(type_, buffer) as unknown as Elements,
        view<Type>(type_, buffer) as unknown as Elements,
      ];
    }],
    [", misaligned", (buffer) => {
      const odd = struct("Odd", {
        _: HostLayout,
        tag: u8,
        all: array(type, COUNT),
      }, { packed: true });
      const both = [pointer<Type>(odd, buffer), view<Type>(odd, buffer)];
      return (both as unknown as { all: Elements }[]).map(({ all }) => all) as [
        Elements,
        Elements,
      ];
    }],
  ];
  for (const [place, make] of arrays) {
    Deno.test(`array of ${name}${place}: at, set, slice, iteration, spread`, () => {
      const buffer = new ArrayBuffer(512);
      const [list, seen] = make(buffer);
      const isNative = native !== undefined &&
        (place === "" || type.size === 1);
      assertEquals(ArrayBuffer.isView(list), isNative);
      if (isNative) {
        assertEquals(list.constructor, native);
        values.forEach((value, index) =>
          (list as unknown as unknown[])[index] = value
        );
      } else {
        values.forEach((value, index) => list.set(index, value));
        for (const index of [-1, COUNT, 2 ** 32]) {
          assertThrows(() => list.set(index, values[0]), BoundsError);
        }
      }
      assertEquals(ArrayBuffer.isView(seen), false);
      assertEquals("set" in seen, false);
      assertEquals("buffer" in seen, false);
      for (const elements of [list, seen]) {
        assertEquals(elements.length, COUNT);
        assertEquals([...elements], values);
        assertEquals(Array.from(elements), values);
        assertEquals([...elements, ...elements].length, 2 * COUNT);
        for (let index = -COUNT - 2; index < COUNT + 2; index++) {
          assertEquals(elements.at(index), values.at(index));
        }
        for (
          const index of [0.9, -0.9, NaN, "1", null, undefined, true, -1.5]
        ) {
          assertEquals(
            elements.at(index as number),
            values.at(index as number),
          );
        }
        for (const index of [Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53]) {
          assertEquals(elements.at(index), undefined);
        }
        const ranges: [start?: number | undefined, end?: number][] = [
          [],
          [2],
          [2, 4],
          [-3],
          [-3, -1],
          [4, 2],
          [0, 100],
          [-100, 100],
          [NaN, Infinity],
          [undefined, -2],
        ];
        for (const range of ranges) {
          assertEquals(
            Array.from(elements.slice(...range as [number?, number?])),
            values.slice(...range),
          );
        }
      }
      assertEquals(snapshotOrCopy(seen), values);
      assertEquals(inspected(seen).endsWith(inspected(values)), true);
      assertEquals(JSON.parse(JSON.stringify(seen)), values.map(asJson));
    });

    Deno.test(`array of ${name}${place}: closed in the middle of a loop`, () => {
      const buffer = new ArrayBuffer(512);
      const [, seen] = make(buffer);
      let count = 0;
      assertThrows(() => {
        for (const _ of seen) if (++count === 3) buffer.transfer();
      }, ClosedError);
      assertEquals(count, 3);
      assertEquals(seen.length, COUNT);
      assertThrows(() => seen.at(0), ClosedError);
      assertThrows(() => seen.slice(), ClosedError);
      assertThrows(() => [...seen], ClosedError);
      assertEquals(seen.at(COUNT), undefined);
      assertEquals(Array.from(seen.slice(2, 2)), []);
      assertEquals(inspected(seen).endsWith("[closed]"), true);
    });
  }
}

function snapshotOrCopy(elements: unknown): unknown[] {
  return snapshot(elements as never) as unknown[];
}

Deno.test("values lie in memory as C has them, little-endian", () => {
  const all = struct(
    "All",
    Object.fromEntries([
      ["_", HostLayout],
      ...kinds.map(({ name, type }): [string, Type] => [name, type]),
    ]) as Record<string, Type>,
    { packed: true },
  );
  const bytes = new Uint8Array(all.size);
  const data = new DataView(bytes.buffer);
  const it = pointer<Type>(all, bytes) as unknown as Loose;
  const set = {
    bool: true,
    u16: 0x1234,
    i16: -2,
    u32: 0x12345678,
    u64: 0x123456789abcdef0n,
    f32: 1.5,
    f64: -2.5,
    be16: 0x1234,
    be32: 0x12345678,
    be64: 0x123456789abcdef0n,
    bei16: -2,
    bei32: -0x12345678,
    bei64: -0x123456789abcdef0n,
    bef32: 1.5,
    bef64: -2.5,
    f16: 0.333251953125,
    u128: 0xfedcba98765432100123456789abcdefn,
    i128: -(2n ** 100n) - 1n,
    "safe(u64)": 2 ** 52 + 1,
    "safe(i64)": -(2 ** 52) - 1,
    text: "é",
  };
  Object.assign(it, set);
  const at = (name: string): number =>
    kinds.slice(0, kinds.findIndex((kind) => kind.name === name))
      .reduce((sum, { size }) => sum + size, 0);
  assertEquals(bytes[at("bool")], 1);
  assertEquals(data.getUint16(at("u16"), true), 0x1234);
  assertEquals(data.getInt16(at("i16"), true), -2);
  assertEquals(data.getUint32(at("u32"), true), 0x12345678);
  assertEquals(data.getBigUint64(at("u64"), true), 0x123456789abcdef0n);
  assertEquals(data.getFloat32(at("f32"), true), 1.5);
  assertEquals(data.getFloat64(at("f64"), true), -2.5);
  assertEquals(data.getUint16(at("be16"), false), 0x1234);
  assertEquals(data.getUint32(at("be32"), false), 0x12345678);
  assertEquals(data.getBigUint64(at("be64"), false), 0x123456789abcdef0n);
  assertEquals(data.getInt16(at("bei16"), false), -2);
  assertEquals(data.getInt32(at("bei32"), false), -0x12345678);
  assertEquals(data.getBigInt64(at("bei64"), false), -0x123456789abcdef0n);
  assertEquals(data.getFloat32(at("bef32"), false), 1.5);
  assertEquals(data.getFloat64(at("bef64"), false), -2.5);
  assertEquals(data.getUint16(at("f16"), true), 0x3555);
  assertEquals(data.getBigUint64(at("u128"), true), 0x0123456789abcdefn);
  assertEquals(data.getBigUint64(at("u128") + 8, true), 0xfedcba9876543210n);
  assertEquals(data.getBigInt64(at("i128"), true), -1n);
  assertEquals(data.getBigInt64(at("i128") + 8, true), -(2n ** 36n) - 1n);
  assertEquals(data.getBigUint64(at("safe(u64)"), true), 2n ** 52n + 1n);
  assertEquals(data.getBigInt64(at("safe(i64)"), true), -(2n ** 52n) - 1n);
  assertEquals([...bytes.slice(at("text"), at("text") + 5)], [
    195,
    169,
    0,
    0,
    0,
  ]);
  bytes[at("bool")] = 2;
  assertEquals(it.bool, true);
  for (const [name, value] of Object.entries(set)) {
    assertEquals(it[name], value);
  }
});

/** Between how many neighbours numbers are rounded: 7 comes to each exponent. */
const STEP = sized(7, 1);

/** The number that 16 bits are, by the definition of the format. */
function halfOf(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 31;
  const rest = bits & 1023;
  if (exponent === 31) return rest === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * rest * 2 ** -24
    : sign * (1024 + rest) * 2 ** (exponent - 25);
}

Deno.test("f16 holds each of its values, and rounds all others to the nearest, half to even", () => {
  const words = new Uint16Array(1);
  const it = pointer(f16, words);
  for (let bits = 0; bits < 65536; bits++) {
    words[0] = bits;
    const value = it.value;
    assert(Object.is(value, halfOf(bits)), `${bits}: ${value}`);
    it.value = value;
    assert(words[0] === bits || Number.isNaN(value), `${bits}: ${words[0]}`);
    // Between this and the next larger one, at and around the middle.
    if ((bits & 0x7fff) >= 0x7bff || bits % STEP !== 0) continue;
    words[0] = bits + 1;
    const middle = (value + it.value) / 2;
    for (
      const near of [middle, middle * (1 + 2 ** -52), middle * (1 - 2 ** -53)]
    ) {
      it.value = near;
      assert(Object.is(it.value, asHalf(near)), `${near}: ${it.value}`);
    }
  }
  for (const tiny of [Number.MIN_VALUE, 2 ** -25, 2 ** -25 * (1 + 2 ** -52)]) {
    it.value = -tiny;
    assert(Object.is(it.value, -asHalf(tiny)), `${tiny}: ${it.value}`);
  }
});

Deno.test("safe integers beyond 2^53 - 1 throw when they are read", () => {
  const [unsigned, signed] = kinds.filter(({ name }) =>
    name.startsWith("safe")
  );
  const words = new BigUint64Array(1);
  const u = pointer<Type>(unsigned!.type, words) as unknown as Loose;
  const s = pointer<Type>(signed!.type, words) as unknown as Loose;
  const bits = BigInt.asUintN.bind(undefined, 64);
  for (const beyond of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    words[0] = beyond;
    assertThrows(() => u.value, RangeError, `${beyond} is not a safe integer`);
    assertEquals(typeof inspected(u), "string");
  }
  for (
    const beyond of [2n ** 53n, -(2n ** 53n), -(2n ** 63n), 2n ** 63n - 1n]
  ) {
    words[0] = bits(beyond);
    assertThrows(() => s.value, RangeError, `${beyond} is not a safe integer`);
  }
  for (const within of [2n ** 53n - 1n, 1n - 2n ** 53n, -1n]) {
    words[0] = bits(within);
    assertEquals(s.value, Number(within));
  }
});
