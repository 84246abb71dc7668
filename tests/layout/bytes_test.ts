import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  array,
  assign,
  BoundsError,
  bytes,
  ClosedError,
  codeOf,
  declarationOf,
  decode,
  encode,
  equals,
  field,
  HostLayout,
  InvalidTypeError,
  jsonValue,
  offsetOf,
  type Pointer,
  pointer,
  snapshot,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  type Value,
  view,
} from "../../layout/mod.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { leafOf } from "../../layout/leaves/leaf_of.ts";
import type { Loose } from "./_kinds.ts";

const Link = struct("Link", {
  _: HostLayout,
  flag: u8,
  mac: bytes(6),
  index: u32,
  seen: array(bytes(3), 2),
});
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 255);

Deno.test("bytes are the engine's own Uint8Array through a pointer, and a copy through a view", () => {
  const buffer = new ArrayBuffer(Link.size);
  const link: Pointer<typeof Link> = pointer(Link, buffer);
  const seen = view(Link, buffer);
  link.mac.set(MAC);
  link.mac[5]! -= 1;
  assertEquals(link.mac.buffer, buffer);
  assertEquals([link.mac.byteOffset, link.mac.length], [1, 6]);
  const copy = seen.mac;
  assertEquals(copy, Uint8Array.of(2, 0, 0, 0, 0, 254));
  assert(copy.buffer !== buffer);
  link.mac[0] = 4;
  assertEquals([copy[0], seen.mac[0]], [2, 4]);
  assertThrows(() => (link as unknown as Loose).mac = MAC, TypeError);
  link.seen.at(1)[2] = 9;
  assertEquals([...seen.seen], [new Uint8Array(3), Uint8Array.of(0, 0, 9)]);
  assertThrows(() => link.seen.at(2), BoundsError);
});

Deno.test("bytes are a Uint8Array as plain data, there and back", () => {
  const value: Value<typeof Link> = {
    flag: 1,
    mac: MAC,
    index: 7,
    seen: [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)],
  };
  const encoded = encode(Link, value);
  assertEquals([...encoded.subarray(1, 7)], [...MAC]);
  assertEquals(decode(Link, encoded), value);
  assertEquals(snapshot(view(Link, encoded)), value);
  assert(equals(Link, pointer(Link, encoded), value));
  assert(!equals(Link, view(Link, encoded), { ...value, mac: MAC.with(0, 3) }));
  assertEquals(jsonValue(value), {
    flag: 1,
    mac: [...MAC],
    index: 7,
    seen: [[1, 2, 3], [4, 5, 6]],
  });
  const json = JSON.stringify(jsonValue(value));
  assertEquals(JSON.stringify(pointer(Link, encoded)), json);
  assertEquals(JSON.stringify(view(Link, encoded)), json);
  assert(Deno.inspect(view(Link, encoded)).includes("Uint8Array(6)"));
});

Deno.test("bytes are stored whole or not at all", () => {
  const encoded = encode(Link, { flag: 9, mac: MAC });
  const link = pointer(Link, encoded);
  for (
    const [mac, expected, message] of [
      [
        MAC.subarray(1),
        RangeError,
        "Cannot store 5 bytes as Link.mac: must be 6",
      ],
      [new Uint8Array(7), RangeError, "7 bytes"],
      [[1, 2, 3, 4, 5, 6], TypeError, "must be a Uint8Array"],
      ["020000", TypeError, "Link.mac"],
      [undefined, TypeError, "Link.mac"],
      [new Int8Array(6), TypeError, "Link.mac"],
    ] as const
  ) {
    const before = encoded.slice();
    assertThrows(
      () => assign(link, { flag: 1, mac: mac as Uint8Array }),
      expected,
      message,
    );
    assertEquals(encoded, before);
  }
});

Deno.test("bytes are what the engine says that they are, whatever a class adds to them", () => {
  class Liar extends Uint8Array {
    override get length(): 6 {
      return 6;
    }
    override slice(): Uint8Array<ArrayBuffer> {
      return new Uint8Array(100);
    }
  }
  const all = new Uint8Array(Link.size * 4);
  const list = pointer(array(Link, 4), all);
  for (const mac of [new Liar(20), Object.create(Uint8Array.prototype)]) {
    assertThrows(() => assign(list.at(0), { mac }), Error, "Link.mac");
    assertThrows(() => list.column("mac").set(0, mac), Error, ".mac");
  }
  assertThrows(() => list.column("mac").set(0, new Proxy(MAC, {})), TypeError);
  assertEquals(all, new Uint8Array(all.length));
  assign(list.at(3), { mac: new Liar(MAC) });
  assertEquals([...list.at(3).mac], [...MAC]);
});

Deno.test("bytes that another thread makes longer after they were checked overwrite no other field", () => {
  const leaf = leafOf(bytes(6));
  const encoded = new Uint8Array(Link.size);
  const { region } = whereIs(pointer(Link, encoded))!;
  // An array that grows is, from then on, one that is too long.
  const longer = new Uint8Array(7).fill(1);
  assertThrows(() => leaf.capture!(longer), RangeError);
  const store = leaf.store("shift").plain();
  assertThrows(() => store(region, 1, longer as never), RangeError);
  assertEquals(encoded, new Uint8Array(Link.size));
});

Deno.test("bytes can be exchanged with others of the same memory", () => {
  const Two = struct("Two", { _: HostLayout, a: bytes(2), b: bytes(2) });
  const two = pointer(Two, Uint8Array.of(1, 2, 3, 4));
  assign(two, { a: two.b, b: two.a });
  assertEquals([[...two.a], [...two.b]], [[3, 4], [1, 2]]);
});

Deno.test("bytes that share their place with another member have to agree with it", () => {
  const Key = union("Key", { _: HostLayout, all: bytes(8), number: u64 });
  const key = pointer(Key, new ArrayBuffer(8));
  const one = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
  assign(key, { all: one, number: 1n });
  assertEquals(snapshot(key), { all: one, number: 1n });
  assign(key, snapshot(key));
  assertThrows(
    () => assign(key, { all: one.with(7, 1), number: 2n }),
    RangeError,
  );
  assertEquals(key.number, 1n);
});

Deno.test("bytes lie anywhere, alone too, as column and as field", () => {
  const buffer = new ArrayBuffer(64);
  const alone = pointer(bytes(5), buffer, 3);
  alone.value.fill(7);
  const seen = view(bytes(5), buffer, 3);
  assertEquals(seen.value, new Uint8Array(5).fill(7));
  assertEquals(snapshot(alone), seen.value);
  assign(alone, new Uint8Array(5));
  assertEquals(seen.value, new Uint8Array(5));

  const Odd = struct("Odd", { _: HostLayout, n: u16, key: bytes(3) }, {
    packed: true,
  });
  const list = pointer(array(Odd, 4), buffer, 0);
  const keys = list.column("key");
  keys.set(2, Uint8Array.of(1, 2, 3));
  assertEquals(keys.at(2), Uint8Array.of(1, 2, 3));
  assertEquals([...list.at(2).key], [1, 2, 3]);
  assertThrows(() => keys.set(0, new Uint8Array(2)), RangeError);
  assertThrows(() => keys.set(4, new Uint8Array(3)), BoundsError);
  assertEquals(offsetOf(Odd, "key"), 2);
  const key = field(Odd, "key").of(list.at(2));
  key.value[0] = 9;
  assertEquals(keys.at(2)[0], 9);
  buffer.transfer();
  for (
    const closed of [
      () => alone.value,
      () => seen.value,
      () => keys.at(0),
      () => keys.set(0, new Uint8Array(3)),
      () => list.at(0).key,
      () => snapshot(alone),
    ]
  ) {
    assertThrows(closed, ClosedError);
  }
});

Deno.test("bytes say what they are, and need a size", () => {
  assertEquals(declarationOf(bytes(6)), "uint8_t[6]");
  assert(declarationOf(Link).includes("mac[6];"));
  assertEquals(bytes(6).name, "bytes(6)");
  // There is none where the engine compiles no text.
  assert(codeOf(Link, { readOnly: true })?.includes("mac") ?? true);
  for (const size of [0, -1, 0.5, NaN, "6", undefined, 2 ** 53]) {
    assertThrows(
      () => bytes(size as number),
      InvalidTypeError,
      "size of bytes",
    );
  }
  assertThrows(() => pointer<Type>(bytes(9), new ArrayBuffer(8)), BoundsError);
});
