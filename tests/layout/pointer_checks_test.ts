import { assertEquals, assertThrows } from "@std/assert";
import {
  AlignmentError,
  BoundsError,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
} from "../../errors.ts";
import {
  array,
  HostLayout,
  pointer,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  view,
} from "../../layout/mod.ts";

type Make = (
  type: unknown,
  buffer: unknown,
  offset?: unknown,
  options?: { length?: unknown },
) => { value: unknown };

const makers: readonly [string, Make][] = [
  ["pointer()", pointer as unknown as Make],
  ["view()", view as unknown as Make],
];

const bare = struct("Bare", { x: u32 });
const nothing = struct("Nothing", { _: HostLayout });

for (const [name, make] of makers) {
  Deno.test(`${name} refuses offsets that are no integer of at least 0`, () => {
    const buffer = new ArrayBuffer(64);
    const offsets: [unknown, string][] = [
      [-1, "-1"],
      [-4, "-4"],
      [0.5, "0.5"],
      [NaN, "NaN"],
      [Infinity, "Infinity"],
      [-Infinity, "-Infinity"],
      [2 ** 53, "9007199254740992"],
      ["0", '"0"'],
      ["", '""'],
      [null, "null"],
      [0n, "0n"],
      [true, "true"],
      [Symbol("0"), "Symbol(0)"],
      [[], "an object"],
      [{ valueOf: () => 0 }, "an object"],
    ];
    for (const [offset, shown] of offsets) {
      const error = assertThrows(() => make(u32, buffer, offset), RangeError);
      assertEquals(
        error.message,
        `u32: The offset must be an integer of at least 0: received ${shown}`,
      );
      assertEquals(error.name, "RangeError");
    }
  });

  Deno.test(`${name} bounds the value, and never wraps`, () => {
    const buffer = new ArrayBuffer(4096);
    const outside = (type: Type, offset: number, message: string) =>
      assertThrows(() => make(type, buffer, offset), BoundsError, message);
    make(u64, buffer, 4088);
    make(u8, buffer, 4095);
    make(array(u32, 1024), buffer);
    outside(u64, 4096, "8-byte value at offset 4096");
    outside(u8, 4096, "exceeds the buffer of 4096 bytes");
    outside(array(u32, 1025), 0, "4100-byte value at offset 0");
    outside(array(u32, 1024), 4, "4096-byte value at offset 4 ");
    outside(u32, 2 ** 32, "offset 4294967296");
    outside(u32, 2 ** 32 - 4, "offset 4294967292");
    outside(u8, 2 ** 53 - 1, "offset 9007199254740991");
    outside(array(u8, 2 ** 53 - 1), 4095, "9007199254740991-byte value");
    outside(array(u64, 2 ** 29 + 1), 0, "4294967304-byte value");
    assertThrows(
      () => make(u8, new ArrayBuffer(0)),
      BoundsError,
      "exceeds the buffer of 0 bytes",
    );
  });

  Deno.test(`${name} wants the alignment of the type`, () => {
    const buffer = new ArrayBuffer(64);
    const error = assertThrows(() => make(u64, buffer, 12), AlignmentError);
    assertEquals(
      error.message,
      "u64: 8-byte aligned read at offset 12: the offset must be a multiple of 8",
    );
    assertEquals(error instanceof RangeError, true);
    const packed = struct("Packed", { _: HostLayout, a: u8, b: u64 }, {
      packed: true,
    });
    make(packed, buffer, 1);
    make(struct("S", { _: HostLayout, a: u8 }, { align: 16 }), buffer, 32);
    assertThrows(
      () =>
        make(struct("S", { _: HostLayout, a: u8 }, { align: 16 }), buffer, 8),
      AlignmentError,
      "16-byte aligned read at offset 8",
    );
  });

  Deno.test(`${name} checks type, size, offset, alignment and bounds in this order`, () => {
    const buffer = new ArrayBuffer(8);
    const detached = new ArrayBuffer(8);
    detached.transfer();
    const late = { offset: -1, length: -1 };
    const cases: [unknown, unknown, unknown, ErrorConstructor | unknown][] = [
      [null, detached, late.offset, ClosedError],
      [bare, buffer, "0", InvalidTypeError],
      [nothing, buffer, "0", InvalidTypeError],
      [array(bare, 0), buffer, "0", InvalidTypeError],
      [u64, buffer, 12.5, RangeError],
      [u64, buffer, 12, AlignmentError],
      [u64, buffer, 16, BoundsError],
    ];
    for (const [type, where, offset, expected] of cases) {
      const error = assertThrows(() => make(type, where, offset)) as Error;
      assertEquals(error.constructor, expected, error.message);
    }
    assertThrows(
      () => make(array(bare, 0), buffer, "0"),
      InvalidTypeError,
      "HostLayout",
    );
  });

  Deno.test(`${name} keeps within the view that it was given`, () => {
    const buffer = new ArrayBuffer(64);
    const parts: ArrayBufferView[] = [
      new Uint8Array(buffer, 8, 16),
      new Uint8ClampedArray(buffer, 8, 16),
      new Int16Array(buffer, 8, 8),
      new Float32Array(buffer, 8, 4),
      new BigInt64Array(buffer, 8, 2),
      new Float16Array(buffer, 8, 8),
      new DataView(buffer, 8, 16),
    ];
    new Uint8Array(buffer).set(Array.from({ length: 64 }, (_, i) => i));
    for (const part of parts) {
      assertEquals(make(u8, part, 0).value, 8);
      assertEquals(make(u8, part, 15).value, 23);
      assertThrows(
        () => make(u8, part, 16),
        BoundsError,
        "exceeds the buffer of 16 bytes",
      );
      assertThrows(() => make(u64, part, 12), AlignmentError);
    }
    const odd = new Uint8Array(buffer, 3, 8);
    assertEquals(make(u8, odd, 1).value, 4);
    assertEquals(make(u16, odd, 1).value, 0x0504);
    assertThrows(
      () => make(u16, odd, 0),
      AlignmentError,
      "offset 0, which is byte 3 of the buffer",
    );
    const tail = struct("Tail", { _: HostLayout, n: u8, all: array(u8) });
    const { all } = make(tail, odd) as unknown as { all: { length: number } };
    assertEquals(all.length, 7);
  });

  Deno.test(`${name} takes nothing but buffers and views of them`, () => {
    const others: unknown[] = [
      null,
      undefined,
      8,
      "buffer",
      {},
      [1, 2, 3, 4],
      { byteLength: 8 },
      Object.create(ArrayBuffer.prototype),
      Object.create(Uint8Array.prototype),
      new Proxy(new ArrayBuffer(8), {}),
      new Proxy(new Uint8Array(8), {}),
      ArrayBuffer,
      new WebAssembly.Memory({ initial: 1 }),
    ];
    for (const other of others) {
      assertThrows(
        () => make(u32, other),
        TypeError,
        "Buffer must be an ArrayBuffer",
      );
    }
    make(u32, new SharedArrayBuffer(8));
    make(u32, new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer);
  });

  Deno.test(`${name} refuses buffers that can change their length`, () => {
    const resizable = new ArrayBuffer(8, { maxByteLength: 16 });
    const growable = new SharedArrayBuffer(8, { maxByteLength: 16 });
    for (const buffer of [resizable, growable]) {
      for (const given of [buffer, new Uint8Array(buffer, 0, 4)]) {
        assertThrows(() => make(u32, given), NotSupportedError, "resized");
      }
      assertThrows(() => make(u32, new DataView(buffer)), NotSupportedError);
    }
  });

  Deno.test(`${name} refuses detached buffers, known before or not`, () => {
    const known = new ArrayBuffer(8);
    const array = new Uint8Array(known);
    const data = new DataView(known);
    const value = make(u32, known);
    known.transfer();
    for (const given of [known, array, data]) {
      assertThrows(() => make(u32, given), ClosedError, "detached");
    }
    assertThrows(() => value.value, ClosedError);
    const unknown = new ArrayBuffer(8);
    unknown.transfer();
    assertThrows(() => make(u32, unknown), ClosedError, "detached");
  });

  Deno.test(`${name} refuses a length that no flexible array takes`, () => {
    const buffer = new ArrayBuffer(64);
    const tail = struct("Tail", { _: HostLayout, n: u32, all: array(u32) });
    for (const length of [-1, 0.5, NaN, Infinity, 2 ** 53, "3", null, 3n]) {
      assertThrows(
        () => make(tail, buffer, 0, { length }),
        RangeError,
        "The length must be an integer of at least 0",
      );
    }
    assertThrows(() => make(u32, buffer, 0, { length: 1 }), TypeError, "u32");
    assertThrows(
      () => make(tail, buffer, 0, { length: 16 }),
      BoundsError,
      "68-byte value at offset 0 exceeds the buffer of 64 bytes",
    );
    for (const length of [2 ** 53 - 1, 2 ** 51, 2 ** 30]) {
      assertThrows(() => make(tail, buffer, 0, { length }), BoundsError);
    }
  });
}

Deno.test("a pointer and a view of one buffer are of the same memory", () => {
  const buffer = new ArrayBuffer(8);
  const one = pointer(u32, buffer, 4);
  one.value = 7;
  assertEquals(view(u32, buffer, 4).value, 7);
  assertEquals(new Uint32Array(buffer)[1], 7);
});

Deno.test("a pointer has no property of its own, and cannot be made by others", () => {
  const type = struct("Point", { _: HostLayout, x: u32 });
  const one = pointer(type, new ArrayBuffer(4));
  assertEquals(Reflect.ownKeys(one), []);
  assertEquals("constructor" in Object.getPrototypeOf(one), true);
  assertEquals((one as { constructor?: unknown }).constructor, Object);
});
