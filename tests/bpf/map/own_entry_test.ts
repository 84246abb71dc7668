import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import { InvalidTypeError } from "../../../errors.ts";
import {
  array,
  bef32,
  bef64,
  bits,
  bool,
  bytes,
  f16,
  f32,
  f64,
  HostLayout,
  struct,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";

/** `_: HostLayout` and these fields. */
function structOf(fields: Record<string, Type>, offsets?: object): Type {
  const options = offsets === undefined ? {} : { offsets };
  return struct("Key", { _: HostLayout, ...fields }, options as never);
}

const overlapping = structOf(
  { v4: u32, v6: array(u8, 8), family: u8 },
  { v4: 0, v6: 0, family: 8 },
);

/** Types whose values do not tell all of their bytes, and bytes of each. */
const kinds: Record<string, readonly [type: Type, bytes: readonly number[]]> = {
  "padding behind a field": [
    structOf({ address: u32, port: u16 }),
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  "padding of nested structs in arrays": [
    structOf({ list: array(structOf({ a: u8, b: u16 }), 2) }),
    [1, 255, 2, 3, 4, 254, 5, 6],
  ],
  "padding between bit-fields": [
    structOf({ a: bits(u32, 3), b: bits(u16, 9) }),
    [255, 255, 255, 255],
  ],
  "text behind its NUL": [
    structOf({ name: text(8) }),
    [97, 0, 98, 99, 0, 0, 0, 1],
  ],
  "text16 behind its NUL": [
    structOf({ name: text16(4) }),
    [0, 1, 97, 0, 0, 0, 0, 1],
  ],
  "text that is not UTF-8": [
    structOf({ name: text(8) }),
    [97, 233, 0, 1, 2, 3, 4, 5],
  ],
  "a boolean that is not 1": [structOf({ on: bool }), [7]],
  "a NaN of f32": [structOf({ x: f32 }), [1, 2, 0xc0, 0x7f]],
  "a NaN of f64": [structOf({ x: f64 }), [1, 2, 3, 4, 5, 6, 0xf8, 0x7f]],
  "a NaN of f16": [structOf({ x: f16 }), [1, 0x7e]],
  "a NaN of bef32": [structOf({ x: bef32 }), [0x7f, 0x80, 2, 1]],
  "a NaN of bef64": [structOf({ x: bef64 }), [0xff, 0xf0, 0, 0, 0, 0, 0, 1]],
  "bytes and padding": [
    structOf({ mac: bytes(5), port: u16 }),
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  "bytes alone": [bytes(3), [1, 2, 3]],
  "a union": [
    structOf({ u: union("U", { _: HostLayout, t: text(4), n: u32 }) }),
    [97, 0, 98, 99],
  ],
  "members that share bytes": [
    overlapping,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  ],
};

for (const [what, [type, given]] of Object.entries(kinds)) {
  bpfTest(`A key that iteration gave finds its own entry: ${what}`, () => {
    const key = new Uint8Array(given);
    assertEquals(type.size, key.length);
    using map = BpfMap.create({
      type: "hash",
      keySize: key.length,
      valueSize: key.length,
      maxEntries: 4,
    });
    map.update(key, key);
    const table = map.table({ keyType: type, valueType: type });
    const [own] = table.keys();
    assertEquals(table.get(own!), table.get(own!));
    assertEquals(table.has(own!), true);
    const [[again, value]] = [...table] as [[unknown, unknown]];
    table.set(again, value);
    assertEquals([...map.keyBytes()], [key]);
    assertEquals(map.lookup(key), key);
    table.setAll([[own!, table.get(own!)!]]);
    assertEquals(map.lookup(key), key);
    assertEquals(table.delete(own!), true);
    assertEquals([...map.keyBytes()], []);
    map.update(key, key);
    assertEquals(table.deleteAll([own!]), 1);
    map.update(key, key);
    assertEquals(table.take(again), value);
  });
}

bpfTest("A key whose bytes were changed finds no other's entry", () => {
  const Link = struct("Link", { _: HostLayout, mac: bytes(6), port: u32 });
  using map = BpfMap.create({
    type: "hash",
    keySize: 12,
    valueSize: 8,
    maxEntries: 4,
  });
  map.update(
    Uint8Array.of(1, 2, 3, 4, 5, 6, 9, 9, 80, 0, 0, 0),
    new Uint8Array(8),
  );
  const [own] = map.table({ keyType: Link, valueType: u64 }).keys();
  const table = map.table({ keyType: Link, valueType: u64 });
  assertEquals(table.has(own!), true);
  own!.mac[0] = 2;
  assertEquals(table.has(own!), false);
});

bpfTest("A key that was changed or copied finds no other's entry", () => {
  const Flow = struct("Flow", { _: HostLayout, address: u32, port: u16 });
  using map = BpfMap.create({
    type: "hash",
    keySize: 8,
    valueSize: 8,
    maxEntries: 4,
  });
  const key = new Uint8Array([1, 0, 0, 0, 80, 0, 9, 9]);
  map.update(key, new Uint8Array(8));
  const table = map.table({ keyType: Flow, valueType: u64 });
  const [own] = table.keys();
  assertEquals(table.has({ ...own! }), false);
  (own as { port: number }).port = 81;
  assertEquals(table.has(own!), false);
  (own as { port: number }).port = 80;
  assertEquals(table.has(own!), true);
});

bpfTest("Members that share bytes and differ are refused, not chosen", () => {
  using map = BpfMap.create({
    type: "hash",
    keySize: 12,
    valueSize: 8,
    maxEntries: 4,
  });
  map.update(new Uint8Array(12), new Uint8Array(8));
  const table = map.table({ keyType: overlapping, valueType: u64 });
  const [own] = table.keys();
  assertThrows(
    () => table.set({ ...own as object, v4: 0x08080808 }, 5n),
    RangeError,
    "v4",
  );
  assertEquals([...table].length, 1);
  table.set({ v4: 0x08080808, family: 2 }, 5n);
  assertEquals(table.get({ v4: 0x08080808, family: 2 }), 5n);
  using counts = BpfMap.create({
    type: "percpu_array",
    valueSize: 12,
    maxEntries: 1,
  });
  assertThrows(
    () => counts.perCpu({ valueType: overlapping }).sum(0),
    InvalidTypeError,
    "share bytes",
  );
});

bpfTest(
  "A key that cannot be told from its value says so when it is read",
  () => {
    for (
      const [type, key] of [
        [text(4), [97, 0, 98, 0]],
        [text16(2), [0, 0, 98, 0]],
        [f64, [1, 2, 3, 4, 5, 6, 0xf8, 0x7f]],
        [f32, [1, 2, 0xc0, 0x7f]],
        [bool, [3]],
      ] as const
    ) {
      const bytesOfKey = new Uint8Array(key);
      using map = BpfMap.create({
        type: "hash",
        keySize: key.length,
        valueSize: 4,
        maxEntries: 4,
      });
      map.update(bytesOfKey, new Uint8Array(4));
      assertThrows(
        () => [...map.keys({ keyType: type as Type })],
        RangeError,
        "bytes that it does not tell",
      );
      const whole = map.table({ keyType: array(u8, key.length) });
      assertEquals(whole.delete([...whole.keys()][0]!), true);
    }
  },
);
