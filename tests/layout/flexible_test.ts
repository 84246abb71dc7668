import { assertEquals, assertThrows } from "@std/assert";
import { ClosedError, InvalidTypeError } from "../../errors.ts";
import {
  array,
  assign,
  bool,
  decode,
  encode,
  field,
  HostLayout,
  offsetOf,
  padding,
  pointer,
  sizeOf,
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
import type { Loose } from "./_kinds.ts";

interface List extends Iterable<unknown> {
  readonly length: number;
  at(index: number): unknown;
}

const Inner = struct("Inner", { _: HostLayout, x: u32 });
const elements: readonly [string, Type][] = [
  ["u8", u8],
  ["u16", u16],
  ["u64", u64],
  ["bool", bool],
  ["text", text(3)],
  ["struct", Inner],
  ["array", array(u16, 3)],
];

for (const [name, element] of elements) {
  const Tail = struct("Tail", {
    _: HostLayout,
    wide: u64,
    n: u8,
    all: array(element),
  });

  Deno.test(`a flexible array of ${name} has what there are bytes for, or the length given`, () => {
    const offset = offsetOf(Tail, "all");
    for (const size of [16, 17, 24, 63, 64, 100]) {
      const buffer = new ArrayBuffer(size);
      for (const make of [pointer, view]) {
        const room = Math.floor((size - offset) / element.size);
        const tail = make<Type>(Tail, buffer) as unknown as { all: List };
        assertEquals(tail.all.length, room);
        assertEquals([...tail.all].length, room);
        for (let length = 0; length <= room; length++) {
          const some = make<Type>(Tail, buffer, 0, { length }) as unknown as {
            all: List;
          };
          assertEquals(some.all.length, length);
          const plain = snapshot(some as never) as { all: unknown[] };
          assertEquals(plain.all.length, length);
        }
        const beyond = offset + (room + 1) * element.size;
        assertThrows(
          () => make<Type>(Tail, buffer, 0, { length: room + 1 }),
          RangeError,
          `${Math.max(sizeOf(Tail), beyond)}-byte value at offset 0`,
        );
      }
    }
  });
}

const Tail = struct("Tail", { _: HostLayout, n: u32, all: array(u16) });
const Holder = struct("Holder", { _: HostLayout, id: u64, tail: Tail });

Deno.test("a flexible array at the end of a nested struct has the bytes behind it", () => {
  const bytes = new Uint8Array(24);
  const holder = pointer(Holder, bytes);
  assertEquals(offsetOf(Holder, "tail.all"), 12);
  assertEquals(holder.tail.all.length, 6);
  holder.tail.all[5] = 0x1234;
  assertEquals([bytes[22], bytes[23]], [0x34, 0x12]);
  assertEquals(pointer(Holder, bytes, 0, { length: 2 }).tail.all.length, 2);
  assertEquals(view(Holder, bytes, 8).tail.all.length, 2);
  const tail = field(Holder, "tail").of(holder);
  assertEquals(tail.all.length, 6);
  assertEquals(field(Holder, "tail.all").of(holder)[5], 0x1234);
  assertEquals(field(Holder, "tail.all").of(view(Holder, bytes)).at(5), 0x1234);
  assertEquals(snapshot(holder).tail.all, [0, 0, 0, 0, 0, 0x1234]);
  const within = pointer(Holder, bytes.subarray(0, 16));
  assertEquals(within.tail.all.length, 2);
});

Deno.test("assign() to a flexible array keeps to the elements that there are", () => {
  const bytes = new Uint8Array(24);
  const tail = pointer(Tail, bytes, 4, { length: 3 });
  assign(tail, { n: 3, all: [1, 2, 3] });
  assertEquals([...tail.all], [1, 2, 3]);
  const before = bytes.slice();
  assertThrows(
    () => assign(tail, { n: 9, all: [1, 2, 3, 4] }),
    RangeError,
    "Cannot store 4 elements as Tail.all: there are 3",
  );
  assertEquals(bytes, before);
  const other = pointer(Tail, new ArrayBuffer(16));
  assign(other, tail);
  assertEquals([other.n, ...other.all], [3, 0, 0, 0, 0, 0, 0]);
  assign(other, { all: tail.all });
  assertEquals([...other.all.slice(0, 4)], [1, 2, 3, 0]);
});

Deno.test("a flexible array is the last field, and no element", () => {
  const refusals: (() => unknown)[] = [
    () => struct("S", { _: HostLayout, all: array(u8), n: u8 }),
    () => struct("S", { _: HostLayout, all: array(u8), gap: padding(1) }),
    () => struct("S", { _: HostLayout, tail: Tail, n: u8 }),
    () => array(array(u8)),
    () => array(array(u8), 3),
    () => array(Tail, 2),
    () => array(Tail),
  ];
  for (const refusal of refusals) {
    assertThrows(refusal, InvalidTypeError, "lexible");
  }
  // The marker takes no room, and so may follow.
  struct("S", { n: u8, all: array(u8), _: HostLayout });
});

Deno.test("a flexible array at the top has what there are bytes for, or the length given", () => {
  const Cell = struct("Cell", { _: HostLayout, x: u32 });
  const bytes = new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0, 3]);
  assertEquals([...view(array(u16), bytes)], [1, 0, 2, 0]);
  assertEquals([...view(array(u16), bytes, 4)], [2, 0]);
  assertEquals([...view(array(u16), bytes, 2, { length: 2 })], [0, 2]);
  const words = pointer(array(u32), bytes.buffer, 4);
  words[0] = 7;
  assertEquals(bytes[4], 7);
  const cells = pointer(array(Cell), bytes);
  assertEquals([cells.length, cells.at(1).x], [2, 7]);
  assertEquals(cells.column("x").at(1), 7);
  assertEquals(view(array(Cell), new ArrayBuffer(3)).length, 0);
  assertThrows(
    () => view(array(Cell), bytes, 0, { length: 3 }),
    RangeError,
    "exceeds the buffer",
  );
  assertThrows(() => view(array(Cell), bytes, 2), RangeError, "aligned");
});

Deno.test("a flexible array of a union begins at its offset, too", () => {
  const Either = union("Either", { _: HostLayout, n: u32, all: array(u8) });
  const either = pointer(Either, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
  assertEquals([either.n, ...either.all], [0x04030201, 1, 2, 3, 4, 5, 6, 7, 8]);
});

Deno.test("a flexible array throws once its memory is detached, and shows so", () => {
  const buffer = new ArrayBuffer(16);
  const tail = pointer(Tail, buffer);
  const list = view(Tail, buffer).all;
  buffer.transfer();
  assertThrows(() => tail.all, ClosedError);
  assertThrows(() => list.at(0), ClosedError);
  assertEquals(Deno.inspect(list), "Tail.all(6) [closed]");
  assertEquals(Deno.inspect(tail), "Tail [closed]");
});

Deno.test("an array of no elements is an ordinary field", () => {
  const Empty = struct("Empty", {
    _: HostLayout,
    n: u32,
    none: array(u16, 0),
    cells: array(Inner, 0),
  });
  const empty = pointer(Empty, new ArrayBuffer(4));
  assertEquals([empty.none.length, empty.cells.length], [0, 0]);
  assertEquals([...empty.cells], []);
  assertEquals(snapshot(empty), { n: 0, none: [], cells: [] });
  assertThrows(() => empty.cells.at(0), RangeError, "has 0 elements");
  assign(empty, { none: [], cells: [] });
  const Tails = struct("Tails", {
    _: HostLayout,
    n: u32,
    all: array(struct("Nothing", { _: HostLayout })),
  });
  const nothing = pointer(Tails, new ArrayBuffer(8)) as unknown as Loose;
  assertEquals((nothing.all as List).length, 0);
});

Deno.test("encode() has room for whichever flexible array of a union is given", () => {
  const Tails = union("Tails", {
    _: HostLayout,
    tag: u8,
    bytes: array(u8),
    words: array(u32),
    list: struct("List", { _: HostLayout, length: u32, wide: array(u64) }),
  });
  assertEquals(encode(Tails, { bytes: [1, 2, 3] }).length, 8);
  assertEquals(
    new Uint32Array(encode(Tails, { words: [1, 2, 3] }).slice(0, 12).buffer),
    new Uint32Array([1, 2, 3]),
  );
  const bytes = encode(Tails, { list: { length: 2, wide: [5n, 6n] } });
  assertEquals(decode(Tails, bytes).list, { length: 2, wide: [5n, 6n] });
  assertEquals(bytes.length, 24);
});
