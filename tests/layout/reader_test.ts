import { assert, assertEquals, assertThrows } from "@std/assert";
import { readValue } from "../../layout/access/read_whole.ts";
import { readerOf } from "../../layout/access/reader.ts";
import { Region } from "../../layout/region/region.ts";
import type { AnyType } from "../../layout/model/types.ts";
import {
  array,
  atomic,
  be16,
  be32,
  be64,
  bef32,
  bits,
  bool,
  bytes,
  enumeration,
  f16,
  f32,
  HostLayout,
  i128,
  i16,
  i8,
  safe,
  struct,
  text,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../layout/mod.ts";
import { Btf } from "../../btf/mod.ts";
import { kernelBtf, testWith } from "../_needs.ts";
import { Random, run } from "../_support.ts";
import { kinds } from "./_kinds.ts";

/** The size in bytes of the largest types of the kernel that are read. */
const LARGEST = 4096;

/** Reads random bytes in both ways, at several places. */
function compare(type: Type, random: Random, bytes = type.size): void {
  const reader = readerOf(type as AnyType);
  assert(reader !== undefined, `${type.name} has no reader`);
  const size = 3 * type.align + bytes;
  const region = new Region(random.bytes(size).buffer, 0, size, "buffer");
  for (const at of [0, type.align, 3 * type.align]) {
    assertEquals(
      reader(region, at, bytes),
      readValue(type as AnyType, region, at, bytes),
    );
  }
}

for (const { name, type } of kinds) {
  Deno.test(`A generated reader reads what a snapshot has: ${name}`, () => {
    if (type.kind === "safe") return; // Random bits are beyond 2^53.
    const random = new Random();
    compare(type, random);
    compare(array(type, 3), random);
    compare(array(type, 20), random);
    compare(struct("S", { _: HostLayout, a: u8, b: type, c: u8 }), random);
    compare(
      struct("P", { _: HostLayout, a: u8, b: type }, { packed: true }),
      random,
    );
  });
}

Deno.test("A generated reader reads nested, odd and flexible types", () => {
  const random = new Random();
  const Inner = struct("Inner", {
    _: HostLayout,
    "__proto__x": u8,
    ["__proto__"]: u16,
    constructor: u32,
    'a"b\n`${1}`\u2028': i8,
    low: bits(u32, 5),
    high: bits(i16, 11),
    flag: bits(bool, 1),
  });
  const Either = union("Either", {
    _: HostLayout,
    inner: Inner,
    rows: array(array(u16, 3), 2),
    text: text(12),
  });
  const Color = enumeration("Color", { red: 1, blue: 2 });
  const Outer = struct("Outer", {
    _: HostLayout,
    first: Inner,
    all: array(Either, 12),
    count: atomic(u64),
    on: atomic(bool),
    color: Color,
    port: be16,
    address: be32,
    wide: be64,
    huge: i128,
    mac: bytes(6),
    half: f16,
    load: bef32,
    ratio: f32,
    tail: array(struct("Tail", { _: HostLayout, a: u32, b: array(u8, 9) })),
  });
  compare(Inner, random);
  compare(Either, random);
  compare(Outer, random, Outer.size + 100);
  compare(Outer, random, Outer.size);
  const value = readerOf(Inner as unknown as AnyType)!(
    new Region(new ArrayBuffer(64), 0, 64, "buffer"),
    0,
    Inner.size,
  );
  assertEquals(Object.keys(value as object).length, 7);
  assertEquals(Object.getPrototypeOf(value), Object.prototype);
});

Deno.test("A generated reader refuses integers that are not safe", () => {
  const Safe = struct("Safe", { _: HostLayout, n: safe(u64) });
  const region = new Region(
    new BigUint64Array([2n ** 53n - 1n, 2n ** 53n]).buffer,
    0,
    16,
    "buffer",
  );
  const reader = readerOf(Safe as unknown as AnyType)!;
  assertEquals(reader(region, 0, 8), { n: 2 ** 53 - 1 });
  assertThrows(() => reader(region, 8, 8), RangeError, "Safe.n");
});

Deno.test("There is no reader of a type that is very large", () => {
  const fields = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`f${i}`, u32]),
  );
  const Wide = struct("Wide", { _: HostLayout, ...fields });
  assertEquals(readerOf(Wide as unknown as AnyType), undefined);
  const Deep = struct("Deep", { _: HostLayout, all: array(Wide, 8) });
  assertEquals(readerOf(Deep as unknown as AnyType), undefined);
});

testWith(kernelBtf)(
  "A generated reader reads structs of the kernel as a snapshot does (needs BTF)",
  () => {
    const random = new Random();
    const btf = Btf.kernel();
    let count = 0;
    for (const { id, kind } of btf) {
      if (kind !== "struct" && kind !== "union" || id % 17 !== 0) continue;
      const type = btf.layout(id) as AnyType;
      if (type.size === 0 || type.size > LARGEST) continue;
      if (readerOf(type) === undefined) continue;
      compare(type, random);
      count++;
    }
    assert(count > 100, `${count}`);
  },
);

Deno.test("There are no readers where no text can be compiled", async () => {
  const { stdout, stderr } = await run(
    `
    import { readerOf } from "./layout/access/reader.ts";
    import { u32 } from "./layout/mod.ts";
    console.log(readerOf(u32));
  `,
    {
      permissions: [],
      v8Flags: ["disallow-code-generation-from-strings"],
    },
  );
  assertEquals(stdout, "undefined\n", stderr);
});
