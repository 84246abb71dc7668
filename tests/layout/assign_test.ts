import { assertEquals, assertThrows } from "@std/assert";
import { ClosedError, InvalidTypeError, ReadOnlyError } from "../../errors.ts";
import {
  array,
  assign,
  atomic,
  be32,
  bits,
  bool,
  bytes as bytesOf,
  encode,
  enumeration,
  equals,
  f64,
  HostLayout,
  padding,
  pointer,
  safe,
  snapshot,
  struct,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../layout/mod.ts";
import { holdsOnly, kinds, type Loose, readBack, strangers } from "./_kinds.ts";

const Inner = struct("Inner", { _: HostLayout, x: u32, name: text(4) });
const Either = union("Either", { _: HostLayout, i: u32, f: f64, inner: Inner });
const Record = struct("Record", {
  _: HostLayout,
  packets: atomic(u64),
  bytes: u64,
  ports: array(u16, 4),
  on: bool,
  gap: padding(3),
  address: be32,
  small: safe(u64),
  state: enumeration("state", { IDLE: 0 }),
  low: bits(u32, 3),
  high: bits(u32, 29),
  inner: Inner,
  either: Either,
  cells: array(Inner, 2),
  names: array(text(4), 2),
  grid: array(array(u8, 2), 2),
  counts: array(atomic(u32), 2),
});

const full = {
  packets: 1n,
  bytes: 2n ** 64n - 1n,
  ports: [1, 2, 3, 65535],
  on: true,
  address: 0x7f000001,
  small: 2 ** 40,
  state: 7,
  low: 5,
  high: 2 ** 29 - 1,
  inner: { x: 6, name: "ab" },
  cells: [{ x: 7, name: "é" }, { x: 8, name: "full" }],
  names: ["a", "b"],
  grid: [[1, 2], [3, 4]],
  counts: [9, 10],
};

function record(fill = 0) {
  const bytes = new Uint8Array(Record.size).fill(fill);
  return { bytes, it: pointer(Record, bytes) };
}

// deno-lint-ignore no-explicit-any
const loosely = assign as (pointer: any, values: any) => void;

Deno.test("assign() stores all that it is given, and snapshot() gives it back", () => {
  const { it } = record();
  assign(it, full);
  assign(it, { either: { i: 11 } });
  const { either, ...rest } = snapshot(it);
  assertEquals(rest, full);
  assertEquals([either.i, either.inner.x], [11, 11]);
  const { it: other } = record();
  const { either: _, ...again } = snapshot(it);
  assign(other, again);
  assertEquals({ ...snapshot(other), either }, snapshot(it));
});

Deno.test("assign() leaves alone what it is not given", () => {
  const { it, bytes } = record();
  assign(it, full);
  const before = bytes.slice();
  assign(it, {});
  assign(it, { inner: {}, cells: [], names: [], grid: [[], []] });
  assertEquals(bytes, before);
  assign(it, { cells: [{ x: 70 }], inner: { name: "z" }, ports: [9] });
  assertEquals(snapshot(it.cells.at(0)), { x: 70, name: "é" });
  assertEquals(snapshot(it.inner), { x: 6, name: "z" });
  assertEquals([...it.ports], [9, 2, 3, 65535]);
});

const bad: readonly [string, unknown, ErrorConstructor, string][] = [
  ["a wrong kind", { bytes: 1 }, TypeError, "Record.bytes"],
  ["what does not fit", { state: -1 }, RangeError, "Record.state"],
  ["undefined", { on: undefined }, TypeError, "Record.on"],
  ["a deep one", { cells: [{}, { x: -1 }] }, RangeError, "Record.cells[1].x"],
  ["a text", { names: ["a", "abcde"] }, RangeError, "Record.names[1]"],
  ["an element", { ports: [1, 70000] }, RangeError, "Record.ports[1]"],
  ["a grid", { grid: [[1], [256]] }, RangeError, "Record.grid[1][0]"],
  ["an atomic", { counts: [1, -1] }, RangeError, "Record.counts[1]"],
  ["a lone atomic", { packets: -1n }, RangeError, "Record.packets"],
  ["bits", { high: 2 ** 29 }, RangeError, "Record.high"],
  ["too many elements", { ports: [1, 2, 3, 4, 5] }, RangeError, "Record.ports"],
  ["too many cells", { cells: [{}, {}, {}] }, RangeError, "Record.cells"],
  ["an unknown name", { byte: 1n }, TypeError, '"byte"'],
  ["an unknown deep name", { inner: { y: 1 } }, TypeError, "Record.inner"],
  ["padding", { gap: 1 }, TypeError, '"gap"'],
  ["the marker", { _: 1 }, TypeError, '"_"'],
  ["a number for a struct", { inner: 1 }, TypeError, "Record.inner"],
  ["an array for a struct", { inner: [1] }, TypeError, "Record.inner"],
  ["null for a struct", { inner: null }, TypeError, "Record.inner"],
  ["a function for a struct", { inner: () => 1 }, TypeError, "Record.inner"],
  ["null for an array", { ports: null }, TypeError, "Record.ports"],
  ["a string for an array", { ports: "1234" }, TypeError, "Record.ports"],
  ["no array", { ports: { 0: 1 } }, TypeError, "Record.ports"],
  ["a length of -1", { ports: { length: -1 } }, TypeError, "Record.ports"],
  ["a length of NaN", { ports: { length: NaN } }, TypeError, "Record.ports"],
  ["a hole", { ports: [1, , 3] }, TypeError, "Record.ports[1]"],
  ["two members", { either: { i: 1, f: 1 } }, RangeError, "Record.either.f"],
  [
    "bigints as numbers",
    { ports: new BigUint64Array(2) },
    TypeError,
    "ports[0]",
  ],
];

for (const [name, values, error, path] of bad) {
  Deno.test(`assign() with one bad value changes nothing: ${name}`, () => {
    for (const given of [{ ...full, ...values as object }, values]) {
      const { it, bytes } = record(0xa5);
      assertThrows(() => loosely(it, given), error, path);
      assertEquals(holdsOnly(bytes, 0xa5), true);
    }
  });
}

for (const { name, type, fits, outside, kind } of kinds) {
  Deno.test(`assign() checks ${name} as a store does`, () => {
    const pair = struct("Pair", { _: HostLayout, first: u8, it: type });
    const bytes = new Uint8Array(64);
    const roots: [unknown, (value: unknown) => unknown][] = [
      [pointer<Type>(pair, bytes), (it) => ({ first: 1, it })],
      [pointer<Type>(type, bytes, 32), (value) => value],
    ];
    for (const [root, values] of roots) {
      for (const value of fits) {
        loosely(root, values(value));
        assertEquals(
          snapshot(root as never),
          values(readBack(name, value)),
        );
      }
      const before = bytes.slice();
      for (const value of outside) {
        assertThrows(() => loosely(root, values(value)), RangeError);
      }
      for (const value of strangers(kind)) {
        assertThrows(() => loosely(root, values(value)), TypeError);
      }
      assertEquals(bytes, before);
    }
  });
}

Deno.test("assign() with a getter that throws changes nothing", () => {
  const { it, bytes } = record(0xa5);
  const values = {
    ...full,
    get names(): string[] {
      throw new Error("Not today");
    },
  };
  assertThrows(() => assign(it, values), Error, "Not today");
  assertEquals(holdsOnly(bytes, 0xa5), true);
});

Deno.test("assign() reads each value once", () => {
  const { it } = record();
  let reads = 0;
  assign(it, {
    get bytes(): bigint {
      return reads++ === 0 ? 5n : -1n;
    },
  });
  assertEquals([reads, it.bytes], [1, 5n]);
});

Deno.test("assign() with a getter that detaches the buffer midway throws", () => {
  const { it, bytes } = record();
  let moved: ArrayBuffer | undefined;
  const values = {
    bytes: 1n,
    get on(): boolean {
      moved = (bytes.buffer as ArrayBuffer).transfer();
      return true;
    },
    inner: { x: 1 },
  };
  assertThrows(() => assign(it, values), ClosedError);
  assertEquals(holdsOnly(new Uint8Array(moved!), 0), true);
});

Deno.test("assign() from memory that is detached midway throws", () => {
  const { it, bytes } = record(0xa5);
  const { it: source, bytes: gone } = record();
  const values = {
    inner: source.inner,
    get on(): boolean {
      (gone.buffer as ArrayBuffer).transfer();
      return true;
    },
  };
  assertThrows(() => loosely(it, values), ClosedError);
  assertEquals(holdsOnly(bytes, 0xa5), true);
  assertThrows(() => loosely(it, source), ClosedError);
});

Deno.test("assign() refuses views, and what is no pointer", () => {
  const { bytes } = record(0xa5);
  const seen = view(Record, bytes);
  assertThrows(() => loosely(seen, full), ReadOnlyError, "Record");
  assertThrows(() => loosely(seen.inner, { x: 1 }), ReadOnlyError, "Inner");
  assertThrows(() => loosely(seen.cells, [{ x: 1 }]), ReadOnlyError);
  assertThrows(() => loosely(seen.names, ["a"]), ReadOnlyError);
  assertThrows(() => loosely(seen.counts.at(0), 1), ReadOnlyError);
  for (const other of [null, undefined, 1, {}, bytes, Record, () => 1]) {
    assertThrows(() => loosely(other, {}), TypeError, "must be a pointer");
  }
  assertEquals(holdsOnly(bytes, 0xa5), true);
});

Deno.test("assign() copies a value of the same type, through pointer or view", () => {
  const { it: source, bytes: from } = record();
  assign(source, full);
  for (const given of [source, view(Record, from)]) {
    const { it, bytes } = record();
    assign(it, given);
    assertEquals(bytes, from);
  }
  const { it } = record();
  loosely(it, { inner: source.cells.at(1), cells: source.cells });
  assertEquals(snapshot(it.inner), { x: 8, name: "full" });
  assertEquals(snapshot(it.cells), full.cells);
  loosely(it, { cells: [source.inner, view(Record, from).inner] });
  assertEquals(snapshot(it.cells), [full.inner, full.inner]);
  loosely(it, { ports: source.ports, names: source.names, grid: source.grid });
  assertEquals(snapshot(it).grid, full.grid);
  loosely(it, { ports: view(Record, from).ports });
  assertEquals(snapshot(it).ports, full.ports);
});

Deno.test("assign() copies scalars, texts, enumerations and atomics, too", () => {
  const types: Type[] = kinds.flatMap(({ type, atomic: atomics }) =>
    atomics ? [type, atomic(type as typeof u32)] : [type]
  );
  for (const type of types) {
    const from = new Uint8Array(16).fill(0x31);
    const to = new Uint8Array(16);
    assign(pointer<Type>(type, to) as never, view<Type>(type, from) as never);
    const copied = new Uint8Array(16).fill(0x31, 0, type.size);
    // An atomic boolean is loaded and stored, and so becomes a 1.
    if (to[0] === 1) copied[0] = 1;
    assertEquals(to, copied, type.name);
  }
  const { it: source } = record();
  assign(source, full);
  const { it } = record();
  loosely(it, { packets: source.packets, counts: source.counts });
  assertEquals([it.packets.load(), it.counts.at(1).load()], [1n, 10]);
});

Deno.test("assign() refuses a pointer to another type", () => {
  const Other = struct("Inner", { _: HostLayout, x: u32, name: text(4) });
  const { it, bytes } = record(0xa5);
  const other = pointer(Other, new ArrayBuffer(8));
  const fails = [
    () => loosely(it, other),
    () => loosely(it, { inner: other }),
    () => loosely(it, { cells: [other] }),
    () => loosely(it, { cells: pointer(array(Other, 2), new ArrayBuffer(16)) }),
    () => loosely(it, { names: pointer(array(bool, 2), new ArrayBuffer(16)) }),
  ];
  for (const fail of fails) assertThrows(fail, InvalidTypeError);
  const more = pointer(array(Inner, 3), new ArrayBuffer(24));
  assertThrows(() => loosely(it, { cells: more }), RangeError, "Record.cells");
  assertEquals(holdsOnly(bytes, 0xa5), true);
});

Deno.test("assign() copies overlapping bytes as though through a buffer", () => {
  const cells = array(Inner, 4);
  const bytes = Uint8Array.from({ length: 40 }, (_, index) => index);
  const expected = bytes.slice();
  assign(pointer(cells, bytes, 8), pointer(cells, bytes, 0));
  expected.copyWithin(8, 0, 32);
  assertEquals(bytes, expected);
  assign(pointer(cells, bytes, 0), pointer(cells, bytes, 4));
  expected.copyWithin(0, 4, 36);
  assertEquals(bytes, expected);
  const one = pointer(cells, bytes);
  assign(one, one);
  assertEquals(bytes, expected);
});

Deno.test("assign() stores to arrays and atomics by themselves", () => {
  const { it } = record();
  assign(it.cells, [{ x: 1 }, { x: 2 }]);
  loosely(it.names, ["x", "y"]);
  loosely(it.counts, new Uint32Array([3, 4]));
  loosely(it.packets, 5n);
  assign(it.inner, { x: 6 });
  loosely(it.either, { f: 1.5 });
  const { cells, names, counts, packets, inner, either } = snapshot(it);
  assertEquals(cells.map(({ x }) => x), [1, 2]);
  assertEquals([names, counts, packets], [["x", "y"], [3, 4], 5n]);
  assertEquals([inner.x, either.f], [6, 1.5]);
});

Deno.test("assign() takes own enumerable properties only", () => {
  const { it } = record();
  const heir = Object.create({ bytes: 7n }, {
    on: { value: true, enumerable: false },
    address: { value: 1, enumerable: true },
  });
  loosely(it, heir);
  loosely(it, Object.create(null));
  assertEquals([it.bytes, it.on, it.address], [0n, false, 1]);
});

Deno.test("assign() and encode() refuse objects that have their values elsewhere", () => {
  const Point = struct("Point", { _: HostLayout, x: u32 });
  // As the pointers of another copy of the package are.
  class Getters {
    get x() {
      return 1;
    }
  }
  const objects = [
    new Getters(),
    new Proxy(pointer(Point, new ArrayBuffer(4)), {}),
    new Map([["x", 1]]),
    { __proto__: { x: 1 } },
    new Uint8Array(),
  ];
  const point = pointer(Point, new ArrayBuffer(4));
  for (const object of objects) {
    for (
      const act of [
        () => assign(point, object as Loose),
        () => encode(Point, object as Loose),
        () => equals(Point, point, object as Loose),
      ]
    ) assertThrows(act, TypeError, "without properties of its own as Point");
  }
  assign(point, {});
  assertEquals(point.x, 0);
});

Deno.test("assign() copies texts, bytes and safe integers of another struct", () => {
  const fields = () => ({
    name: text(4),
    wide: text16(2),
    mac: bytesOf(6),
    names: array(text(4), 2),
    counts: array(safe(u64), 2),
  });
  const From = struct("From", { _: HostLayout, ...fields() });
  const To = struct("To", { _: HostLayout, ...fields() });
  const from = pointer(From, new Uint8Array(From.size).fill(0x31));
  const to = pointer(To, new ArrayBuffer(To.size));
  assign(from.counts, [1, 2]);
  assign<Type>(to, { names: from.names, counts: from.counts } as Loose);
  assign<Type>(to, {
    name: pointer(text(4), new Uint8Array(4).fill(0x32)),
    wide: pointer(text16(2), new Uint8Array(4).fill(0x33)),
    mac: pointer(bytesOf(6), new Uint8Array(6).fill(0x34)),
  } as Loose);
  assertEquals(snapshot(to), {
    name: "2222",
    wide: "\u3333\u3333",
    mac: new Uint8Array(6).fill(0x34),
    names: ["1111", "1111"],
    counts: [1, 2],
  });
});

Deno.test("snapshot() refuses what is no pointer", () => {
  const { it } = record();
  const others: unknown[] = [null, 1, "a", {}, Record, it.ports, () => it];
  for (const other of others) {
    assertThrows(
      () => snapshot(other as never),
      TypeError,
      "Cannot take a snapshot",
    );
  }
});

Deno.test("snapshot() of an empty array throws after its buffer is gone, too", () => {
  const Cell = struct("Cell", { _: HostLayout, a: u32 });
  const T = struct("T", { _: HostLayout, n: u32, cells: array(Cell, 0) });
  const buffer = new ArrayBuffer(8);
  const cells = pointer(T, buffer).cells;
  assertEquals(snapshot(cells), []);
  structuredClone(buffer, { transfer: [buffer] });
  assertThrows(() => snapshot(cells), ClosedError);
});

Deno.test("assign() names an array by its own length, not that of another with the same class", () => {
  const Cell = struct("Cell", { _: HostLayout, x: u32 });
  const cells = (length: number) =>
    pointer(array(Cell, length), new ArrayBuffer(4 * length));
  assertEquals(cells(10).length, 10);
  const three = cells(3);
  for (
    const [values, message] of [
      [[{ x: "1" }], `Cannot store "1" as Cell[3][0].x`],
      [{ length: 4 }, "Cannot store 4 elements as Cell[3]: there are 3"],
      [
        pointer(array(Inner, 2), new ArrayBuffer(16)),
        "Cannot assign a Inner[2] to Cell[3]: must be of type Cell[3]",
      ],
    ] as const
  ) {
    assertThrows(() => assign<Type>(three, values as never), Error, message);
  }
  assertThrows(
    () => assign<Type>(view(array(Cell, 3), new ArrayBuffer(12)) as never, []),
    ReadOnlyError,
    "a view of Cell[3]",
  );
});

Deno.test("assign() refuses an array whose buffer was transferred, instead of storing nothing", () => {
  const { it } = record();
  const ports = new Uint16Array([1, 2]);
  ports.buffer.transfer();
  assertThrows(() => assign(it, { ports }), TypeError, "as Record.ports");
  assign(it, { ports: new Uint16Array() });
  assertEquals([...it.ports], [0, 0, 0, 0]);
});
