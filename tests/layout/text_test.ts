import { assertEquals, assertThrows } from "@std/assert";
import { AlignmentError, ClosedError } from "../../errors.ts";
import {
  alignOf,
  array,
  HostLayout,
  pointer,
  sizeOf,
  struct,
  text,
  text16,
  u8,
  view,
} from "../../layout/mod.ts";
import { Random, seed } from "../_support.ts";

Deno.test("a text ends at a NUL, or fills its bytes", () => {
  const bytes = new Uint8Array(6).fill(0x7a);
  const name = pointer(text(4), bytes, 1);
  name.value = "abcd";
  assertEquals([...bytes], [0x7a, 97, 98, 99, 100, 0x7a]);
  assertEquals(name.value, "abcd");
  name.value = "x";
  assertEquals([...bytes], [0x7a, 120, 0, 0, 0, 0x7a]);
  name.value = "";
  assertEquals([...bytes], [0x7a, 0, 0, 0, 0, 0x7a]);
  bytes.set([97, 0, 98, 99], 1);
  assertEquals(name.value, "a");
});

Deno.test("a text is measured in bytes, not in characters", () => {
  const bytes = new Uint8Array(4);
  const name = pointer(text(4), bytes);
  for (const fits of ["éé", "€a", "😀", "\u{10ffff}", "\ufffd"]) {
    name.value = fits;
    assertEquals(name.value, fits);
  }
  name.value = "keep";
  for (
    const [long, size] of [["ééa", 5], ["€€", 6], ["😀a", 5], ["abcde", 5]]
  ) {
    assertThrows(
      () => name.value = long as string,
      RangeError,
      `must take at most 4 bytes in UTF-8 and takes ${size}`,
    );
    assertEquals(name.value, "keep");
  }
});

Deno.test("a text holds no NUL and no lone surrogate", () => {
  const name = pointer(text(16), new ArrayBuffer(16));
  name.value = "keep";
  for (const bad of ["\0", "a\0", "a\0b", "\0".repeat(16)]) {
    assertThrows(() => name.value = bad, RangeError, "NUL");
  }
  for (const bad of ["\ud83d", "\ude00", "a\ud800b", "\ude00\ud83d"]) {
    assertThrows(() => name.value = bad, RangeError, "lone surrogate");
  }
  assertEquals(name.value, "keep");
});

Deno.test("a byte that is not UTF-8 reads as a lone surrogate, and is stored back", () => {
  const cases: [number[], string][] = [
    [[0xff], "\udcff"],
    [[0x61, 0xe9], "a\udce9"],
    [[0x61, 0xff, 0x62], "a\udcffb"],
    [[0x80, 0xbf], "\udc80\udcbf"],
    [[0xc3], "\udcc3"],
    [[0x61, 0xe2, 0x82], "a\udce2\udc82"],
    [[0xe2, 0x82, 0x61], "\udce2\udc82a"],
    [[0xf0, 0x9f, 0x98], "\udcf0\udc9f\udc98"],
    [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
    [[0xc0, 0x80], "\udcc0\udc80"],
    [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    [[0xef, 0xbf, 0xbd, 0xff], "\ufffd\udcff"],
    [[0xf0, 0x9f, 0x98, 0x80, 0xff], "😀\udcff"],
  ];
  for (const [raw, expected] of cases) {
    const bytes = new Uint8Array(8);
    bytes.set(raw);
    const { value } = view(text(8), bytes);
    assertEquals(value, expected);
    const copy = new Uint8Array(8).fill(0x7a);
    pointer(text(8), copy).value = value;
    assertEquals(copy, bytes);
  }
});

Deno.test("random bytes come back from the text that they read as", () => {
  const random = new Random(seed());
  for (let round = 0; round < 300; round++) {
    const bytes = random.bytes(1 + random.int(40));
    const end = bytes.indexOf(0);
    if (end >= 0) bytes.fill(0, end);
    const copy = new Uint8Array(bytes.length);
    pointer(text(bytes.length), copy).value =
      view(text(bytes.length), bytes).value;
    assertEquals(copy, bytes);
  }
});

Deno.test("a text stored back unchanged keeps what follows its NUL", () => {
  const bytes = new Uint8Array([97, 0, 98, 99]);
  const name = pointer(text(4), bytes);
  name.value = `${name.value}`;
  assertEquals([...bytes], [97, 0, 98, 99]);
  name.value = "b";
  assertEquals([...bytes], [98, 0, 0, 0]);
});

Deno.test("a byte order mark is a character like any other", () => {
  const bytes = new Uint8Array(8);
  const name = pointer(text(8), bytes);
  name.value = "\ufeffab";
  assertEquals([...bytes.slice(0, 5)], [0xef, 0xbb, 0xbf, 97, 98]);
  assertEquals(name.value, "\ufeffab");
});

Deno.test("texts of every length up to 200 come back, in shared memory, too", () => {
  for (const shared of [false, true]) {
    for (let size = 1; size <= 200; size++) {
      const buffer = shared
        ? new SharedArrayBuffer(size)
        : new ArrayBuffer(size);
      const name = pointer(text(size), buffer);
      for (const value of ["x".repeat(size), "y".repeat(size - 1)]) {
        name.value = value;
        assertEquals(name.value, value);
      }
    }
  }
});

Deno.test("random texts come back, or are refused where they do not fit", () => {
  const random = new Random(seed());
  const encoder = new TextEncoder();
  const parts = ["a", "é", "€", "😀", "\u0001", "\u007f", "\ufeff", "\uffff"];
  const size = 24;
  const name = pointer(text(size), new ArrayBuffer(size));
  for (let round = 0; round < 2000; round++) {
    const length = random.int(16);
    const value = Array.from({ length }, () => random.pick(parts)).join("");
    if (encoder.encode(value).length <= size) {
      name.value = value;
      assertEquals(name.value, value);
    } else assertThrows(() => name.value = value, RangeError);
  }
});

Deno.test("texts in arrays and packed structs keep to their own bytes", () => {
  const Names = struct("Names", {
    _: HostLayout,
    tag: u8,
    names: array(text(3), 3),
    end: u8,
  }, { packed: true });
  const bytes = new Uint8Array(Names.size);
  const it = pointer(Names, bytes);
  it.tag = it.end = 255;
  it.names.set(1, "abc");
  it.names.set(2, "é");
  assertEquals([...it.names], ["", "abc", "é"]);
  assertEquals(
    [...bytes],
    [255, 0, 0, 0, 97, 98, 99, 0xc3, 0xa9, 0, 255],
  );
  (bytes.buffer as ArrayBuffer).transfer();
  assertThrows(() => it.names.set(1, "a"), ClosedError);
  assertThrows(() => it.names.at(1), ClosedError);
});

Deno.test("a text16 ends at a NUL, or fills its code units, each as it is", () => {
  const bytes = new Uint8Array(12).fill(0x7a);
  const name = pointer(text16(4), bytes, 2);
  assertEquals(name.value, "\u7a7a".repeat(4));
  name.value = "ab\u{1f600}";
  assertEquals([...bytes.subarray(2, 10)], [97, 0, 98, 0, 0x3d, 0xd8, 0, 0xde]);
  assertEquals(name.value, "ab\u{1f600}");
  name.value = "\udc00";
  assertEquals([...bytes.subarray(2, 10)], [0, 0xdc, 0, 0, 0, 0, 0, 0]);
  assertEquals(name.value, "\udc00");
  // A byte that is 0 is no NUL: Ā is 0x0100.
  name.value = "\u0100a";
  assertEquals(name.value, "\u0100a");
  assertEquals([bytes[0], bytes[1], bytes[10], bytes[11]], [
    0x7a,
    0x7a,
    0x7a,
    0x7a,
  ]);
  bytes.set([97, 0, 0, 0, 98, 0], 2);
  assertEquals(name.value, "a");
  name.value = "a";
  assertEquals(bytes[6], 98, "What is there already changes nothing");
  assertThrows(
    () => name.value = "12345",
    RangeError,
    "must take at most 4 code units in UTF-16 and takes 5",
  );
  assertThrows(() => name.value = "a\0b", RangeError, "must not hold a NUL");
  assertEquals(name.value, "a");
});

Deno.test("a text16 of a packed struct lies at any offset, and a long one is read whole", () => {
  const Packed = struct("packed", {
    _: HostLayout,
    tag: u8,
    name: text16(20_000),
  }, {
    packed: true,
  });
  const it = pointer(Packed, new ArrayBuffer(40_001));
  const random = new Random(seed());
  const long = String.fromCharCode(
    ...Array.from({ length: 20_000 }, () => 1 + random.int(0xffff)),
  );
  it.name = long;
  assertEquals(it.name, long);
  assertEquals([sizeOf(Packed), alignOf(text16(3))], [40_001, 2]);
  assertThrows(() => pointer(text16(2), new ArrayBuffer(5), 1), AlignmentError);
});
