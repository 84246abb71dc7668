import { assertEquals, assertThrows } from "@std/assert";
import { BoundsError } from "../../errors.ts";
import {
  array,
  assign,
  atomic,
  be32,
  bits,
  bool,
  field,
  HostLayout,
  padding,
  pointer,
  snapshot,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  view,
} from "../../layout/mod.ts";

const GiB = 2 ** 30;
const SIZE = 9 * GiB;

let made: WeakRef<ArrayBuffer> | undefined;

/**
 * Address space alone: pages exist once they are touched. It is zeroed, but for
 * what another test has left there. Nothing holds it beyond a test: the engine
 * goes by its size, and collects garbage all the time while it is there.
 */
function wide(): { buffer: ArrayBuffer; bytes: Uint8Array<ArrayBuffer> } {
  const buffer = made?.deref() ?? reserve();
  made = new WeakRef(buffer);
  return { buffer, bytes: new Uint8Array(buffer) };
}

function reserve(): ArrayBuffer {
  const descriptor = {
    address: "i64",
    initial: BigInt(SIZE / 65536),
    maximum: BigInt(SIZE / 65536),
  } as unknown as WebAssembly.MemoryDescriptor;
  return new WebAssembly.Memory(descriptor).buffer as ArrayBuffer;
}

const Cell = struct("Cell", {
  _: HostLayout,
  id: u64,
  hits: atomic(u32),
  low: bits(u32, 5),
  address: be32,
  name: text(5),
  on: bool,
  list: array(u16, 2),
});

/** Offsets around everything that could overflow. */
const offsets = [
  0,
  GiB - 32,
  GiB,
  2 * GiB - 32,
  2 * GiB,
  2 * GiB + 32,
  3 * GiB - 32,
  4 * GiB - 32,
  4 * GiB,
  8 * GiB - 32,
  8 * GiB,
  SIZE - 32,
];

const values = {
  id: 2n ** 64n - 2n,
  hits: 7,
  low: 21,
  address: 0x01020304,
  name: "abcde",
  on: true,
  list: [1, 65535],
};

function clear(bytes: Uint8Array, offset: number): void {
  bytes.fill(0, offset, offset + Cell.size);
}

for (const offset of offsets) {
  Deno.test(`a struct at offset ${offset} of ${SIZE} bytes lies there and nowhere else`, () => {
    const { buffer, bytes } = wide();
    assertEquals(Cell.size, 32);
    const cell = pointer(Cell, buffer, offset);
    const seen = view(Cell, buffer, offset);
    assign(cell, values);
    const data = new DataView(buffer, offset, Cell.size);
    assertEquals(data.getBigUint64(0, true), values.id);
    assertEquals(data.getUint32(8, true), 7);
    assertEquals(data.getUint32(16), values.address);
    assertEquals(snapshot(seen), values);
    clear(bytes, offset);
    cell.id = 5n;
    cell.hits.add(3);
    cell.low = 9;
    cell.address = 6;
    cell.name = "z";
    cell.on = true;
    cell.list[1] = 8;
    const now = { id: 5n, hits: 3, low: 9, address: 6, name: "z", on: true };
    assertEquals(snapshot(cell), { ...now, list: [0, 8] });
    assertEquals([...seen.list], [0, 8]);
    const { id } = { id: field(Cell, "id").of(cell) };
    id.value += 1n;
    assertEquals([seen.id, seen.hits.load(), seen.low], [6n, 3, 9]);
    for (const other of offsets) {
      if (Math.abs(other - offset) < 32) continue;
      assertEquals(view(Cell, buffer, other).id, 0n, `${other}`);
    }
    clear(bytes, offset);
  });
}

Deno.test("an array of 2^31 elements is reached to its end", () => {
  const { buffer, bytes } = wide();
  const Words = array(u32, 2 ** 31);
  const words = pointer(Words, buffer);
  assertEquals([words.length, words.constructor], [2 ** 31, Uint32Array]);
  words[2 ** 31 - 1] = 7;
  const seen = view(Words, buffer);
  assertEquals([seen.length, seen.at(-1), seen.at(2 ** 31 - 1)], [
    2 ** 31,
    7,
    7,
  ]);
  assertEquals(seen.at(2 ** 31), undefined);
  assertEquals(Array.from(seen.slice(-2)), [0, 7]);
  assertEquals(bytes[8 * GiB - 4], 7);
  words[2 ** 31 - 1] = 0;
});

Deno.test("an array of more than 2^32 elements is reached to its end", () => {
  const { buffer, bytes } = wide();
  const count = 2 ** 33;
  const flags = pointer(array(bool, count), buffer);
  const Tiny = struct("Tiny", { _: HostLayout, x: u8 });
  const cells = pointer(array(Tiny, count), buffer);
  const column = cells.column("x");
  for (
    const index of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, count - 1]
  ) {
    flags.set(index, true);
    assertEquals([bytes[index], flags.at(index)], [1, true]);
    cells.at(index).x = 2;
    assertEquals([bytes[index], cells.at(index).x, column.at(index)], [
      2,
      2,
      2,
    ]);
    column.set(index, 3);
    assertEquals(bytes[index], 3);
    bytes[index] = 0;
  }
  assertEquals(flags.at(-1), false);
  for (const index of [count, count + 1, 2 ** 53, -1]) {
    assertThrows(() => flags.set(index, true), BoundsError, `Index ${index}`);
    assertThrows(() => cells.at(index), BoundsError, `Index ${index}`);
    assertThrows(() => column.at(index), BoundsError, `Index ${index}`);
    assertThrows(() => column.set(index, 1), BoundsError, `Index ${index}`);
  }
});

Deno.test("cells and columns beyond 4 GiB agree", () => {
  const { buffer, bytes } = wide();
  const count = SIZE / Cell.size;
  const Cells = array(Cell, count);
  const cells = pointer(Cells, buffer);
  const seen = view(Cells, buffer);
  const last = count - 1;
  for (const index of [0, 2 ** 25 - 1, 2 ** 26, 2 ** 27, 2 ** 28, last]) {
    const cell = cells.at(index);
    cell.id = BigInt(index);
    cell.hits.store(index % 1000);
    cell.name = "here";
    cell.low = 17;
    cell.on = true;
    assertEquals(seen.at(index).id, BigInt(index));
    assertEquals(seen.column("id").at(index), BigInt(index));
    assertEquals(seen.column("hits").at(index), index % 1000);
    assertEquals(seen.column("name").at(index), "here");
    assertEquals(seen.column("low").at(index), 17);
    assertEquals(seen.column("on").at(index), true);
    cells.column("low").set(index, 3);
    cells.column("name").set(index, "x");
    assertEquals([seen.at(index).low, seen.at(index).name], [3, "x"]);
    assertEquals(bytes[index * 32 + 20], 0x78);
    clear(bytes, index * 32);
  }
  assertThrows(() => cells.at(count), BoundsError, `${count} elements`);
});

Deno.test("a struct of more than 4 GiB reaches its last field", () => {
  const { buffer, bytes } = wide();
  const Huge = struct("Huge", {
    _: HostLayout,
    head: u32,
    gap: padding(5 * GiB),
    tag: u8,
    id: u64,
    low: bits(u64, 40),
    cell: Cell,
    hits: atomic(u64),
    cells: array(Cell, 2 ** 26),
    flags: array(bool, 4),
    words: array(u64, 2),
  });
  const huge = pointer(Huge, buffer, 64);
  const seen = view(Huge, buffer, 64);
  assign(huge, { head: 1, id: 2n, low: 2n ** 40n - 1n, words: [1n, 2n] });
  huge.tag = 255;
  huge.cell.name = "deep";
  huge.hits.add(9n);
  huge.cells.at(2 ** 26 - 1).id = 3n;
  huge.flags.set(3, true);
  huge.words[1] = 4n;
  assertEquals([seen.head, seen.tag, seen.id], [1, 255, 2n]);
  assertEquals([seen.low, seen.cell.name], [2n ** 40n - 1n, "deep"]);
  assertEquals([seen.hits.load(), seen.flags.at(3)], [9n, true]);
  assertEquals(seen.cells.column("id").at(2 ** 26 - 1), 3n);
  assertEquals([...seen.words], [1n, 4n]);
  assertEquals(bytes[64 + 5 * GiB + 4], 255);
  assertThrows(() => huge.low = 2n ** 40n, RangeError, "Huge.low");
  assertThrows(() => huge.id = 2n ** 64n, RangeError, "Huge.id");
  assertThrows(
    () => pointer(Huge, buffer, 4 * GiB),
    BoundsError,
    `exceeds the buffer of ${SIZE} bytes`,
  );
});

Deno.test("a flexible array takes all the bytes there are, however many", () => {
  const { buffer, bytes } = wide();
  const Tail = struct("Tail", { _: HostLayout, n: u32, all: array(be32) });
  const tail = pointer(Tail, buffer, 128);
  const count = (SIZE - 128 - 4) / 4;
  assertEquals(tail.all.length, count);
  for (const index of [0, 2 ** 28, 2 ** 29, 2 ** 30, count - 1]) {
    tail.all.set(index, 0x01020304);
    assertEquals(tail.all.at(index), 0x01020304);
    assertEquals(bytes[132 + index * 4], 1);
    tail.all.set(index, 0);
  }
  assertThrows(() => tail.all.set(count, 0), BoundsError);
  const few = pointer(Tail, buffer, 4 * GiB, { length: 3 });
  few.all.set(2, 1);
  assertEquals([few.all.length, bytes[4 * GiB + 15]], [3, 1]);
});

Deno.test("assign() copies between the ends of the memory", () => {
  const { buffer } = wide();
  const from = pointer(Cell, buffer, SIZE - 32);
  const to = pointer(Cell, buffer, 64);
  assign(from, values);
  assign(to, from);
  assertEquals(snapshot(to), values);
  const cells = pointer(array(Cell, SIZE / 32), buffer);
  assign(cells.at(2 ** 27), from);
  assertEquals(snapshot(cells.at(2 ** 27)), values);
  assertEquals(Deno.inspect(cells.at(2 ** 27)), Deno.inspect(from));
});
