/** Maps that are made with types: what the kernel, and bpftool, then know. */

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Btf } from "../../../btf/mod.ts";
import { TypeWriter } from "../../../btf/writing/write_types.ts";
import { BpfMap, type MapType, SystemError } from "../../../bpf/mod.ts";
import { InvalidTypeError } from "../../../errors.ts";
import {
  array,
  atomic,
  be16,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bits,
  bool,
  bytes,
  declarationOf,
  enumeration,
  f16,
  f64,
  HostLayout,
  i128,
  i16,
  padding,
  safe,
  struct,
  text,
  text16,
  type Type,
  u128,
  u32,
  u64,
  u8,
  union,
} from "../../../layout/mod.ts";
import { bpfMaps, bpfTest, command, root, testWith } from "../../_needs.ts";

const Inner = struct("inner", { _: HostLayout, a: u8, b: u32 });

/** A field of each kind that BTF has a word for. */
const Everything = struct("everything", {
  _: HostLayout,
  count: u64,
  comm: text(16),
  title: text16(8),
  port: be16,
  low: bits(u32, 3),
  flag: bits(bool, 1),
  colour: enumeration("colour", { RED: 0, GREEN: 5, NEGATIVE: -1 }),
  inner: Inner,
  list: array(Inner, 2),
  square: array(array(u8, 3), 2),
  ratio: f64,
  yes: bool,
  hidden: padding(3),
  short: i16,
  either: union("either", { _: HostLayout, small: u32, large: u64 }),
});

/** A declaration without what BTF has no word for. */
function declared(type: Type): string {
  return declarationOf(type as typeof Everything)
    .replaceAll("_Atomic ", "")
    // BTF has no word for UTF-16.
    .replaceAll("char16_t", "uint16_t")
    .split("\n").filter((line) => !/XXX|hidden|members|^$/.test(line))
    .join("\n");
}

bpfTest("A map that is made with types gives them to whoever opens it", () => {
  using map = BpfMap.create({
    type: "hash",
    keyType: Inner,
    valueType: Everything,
    maxEntries: 4,
  });
  assertEquals([map.info.keySize, map.info.valueSize], [8, Everything.size]);
  assert(map.keyType === Inner && map.valueType === Everything);
  const table = map.table();
  table.set({ a: 1, b: 2 }, {
    comm: "init",
    title: "é😀",
    port: 443,
    inner: { b: 7 },
  });
  const { port, title } = table.get({ a: 1, b: 2 })!;
  assertEquals([port, title], [443, "é😀"]);
});

testWith(bpfMaps, root)("The BTF of such a map says the same layout", () => {
  using map = BpfMap.create({
    type: "array",
    valueType: Everything,
    maxEntries: 1,
  });
  using opened = BpfMap.fromId(map.info.id);
  assertNotEquals(opened.valueType, Everything);
  assertEquals(declared(opened.valueType!), declared(Everything));
});

testWith(bpfMaps, root)("The kernel takes a type of every kind", () => {
  const Rest = struct("rest", {
    _: HostLayout,
    wide: u128,
    minus: i128,
    half: f16,
    short: bei16,
    int: bei32,
    long: bei64,
    single: bef32,
    double: bef64,
    address: bytes(6),
  });
  using map = BpfMap.create({ type: "array", valueType: Rest, maxEntries: 1 });
  using opened = BpfMap.fromId(map.info.id);
  const fields = (type: Type) => declared(type).match(/\w+(?=(\[\d+\])?;)/g);
  assertEquals(fields(opened.valueType!), fields(Rest));
  assertEquals(opened.valueType!.size, Rest.size);
  assertEquals(
    Object.values((opened.valueType as unknown as typeof Rest).fields)
      .map(({ kind }): string => kind),
    // Bytes have no word of their own.
    Object.values(Rest.fields).map(({ kind }) =>
      kind === "bytes" ? "array" : kind
    ),
  );
});

testWith(bpfMaps, root, command("bpftool"))(
  "bpftool shows the fields of a map that is made with types",
  () => {
    const Value = struct("value", {
      _: HostLayout,
      count: atomic(u64),
      low: bits(u32, 3),
      high: bits(u32, 7),
      list: array(Inner, 2),
      total: safe(u64),
    });
    using map = BpfMap.create({
      type: "hash",
      valueType: Value,
      maxEntries: 4,
    });
    map.table().set(9, {
      count: 5n,
      low: 5,
      high: 100,
      list: [{ a: 1, b: 2 }, { b: 3 }],
      total: 6,
    });
    const args = ["--json", "map", "dump", "id", `${map.info.id}`];
    const { stdout } = new Deno.Command("bpftool", { args }).outputSync();
    const [{ formatted }] = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals(formatted, {
      key: 9,
      value: {
        count: 5,
        low: "0x5",
        high: "0x64",
        list: [{ a: 1, b: 2 }, { a: 0, b: 3 }],
        total: 6,
      },
    });
  },
);

/** Descriptors of what storage belongs to; Deno tells those of nothing. */
function libc() {
  return Deno.dlopen("libc.so.6", {
    syscall: { parameters: ["i64", "i64", "i64"], result: "i64" },
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
}

bpfTest(
  "Storage of tasks, sockets and files is made, and found by theirs",
  () => {
    const { symbols } = libc();
    const owners: [MapType, number][] = [
      // pidfd_open, the same number everywhere
      ["task_storage", Number(symbols.syscall(434n, BigInt(Deno.pid), 0n))],
      ["sk_storage", symbols.socket(2, 1, 0)], // AF_INET, SOCK_STREAM
      ["inode_storage", symbols.memfd_create(new Uint8Array([97, 0]), 0)],
    ];
    for (const [type, descriptor] of owners) {
      assert(descriptor >= 0, type);
      using map = BpfMap.create({
        type,
        valueType: Inner,
        maxEntries: 0,
        flags: ["no_prealloc"],
      });
      const table = map.table();
      assertEquals(table.get(descriptor), undefined, type);
      table.set(descriptor, { a: 1, b: 2 });
      assertEquals(table.get(descriptor), { a: 1, b: 2 }, type);
      assert(table.delete(descriptor), type);
      symbols.close(descriptor);
    }
  },
);

bpfTest("A struct bpf_spin_lock in the type of values is a lock", () => {
  const Locked = struct("locked", {
    _: HostLayout,
    lock: struct("bpf_spin_lock", { _: HostLayout, val: u32 }),
    count: u32,
  });
  using map = BpfMap.create({ type: "hash", valueType: Locked, maxEntries: 1 });
  const value = new Uint8Array([0, 0, 0, 0, 7, 0, 0, 0]);
  map.update(1, value, "any", { lock: true });
  assertEquals(map.lookup(1, { lock: true }), value);
});

bpfTest("Maps whose BTF the kernel does not keep have types here alone", () => {
  using queue = BpfMap.create({
    type: "queue",
    valueType: Inner,
    maxEntries: 2,
  });
  queue.queue().push({ a: 3, b: 4 });
  assertEquals(queue.queue().pop(), { a: 3, b: 4 });
  assertEquals(queue.info.btfId, 0);
});

bpfTest("Storage without types, or as a map of entries, is told why", () => {
  const make = (options: object) => () =>
    BpfMap.create({ type: "task_storage", maxEntries: 0, ...options });
  const cases: [object, string][] = [
    [{ valueSize: 8, flags: ["no_prealloc"] }, "pass a valueType"],
    [{ valueType: u64 }, "the flag no_prealloc"],
    [
      { valueType: u64, flags: ["no_prealloc"], maxEntries: 8 },
      "must have maxEntries 0",
    ],
  ];
  for (const [options, message] of cases) {
    assertThrows(make(options), SystemError, message);
  }
});

Deno.test("BpfMap.create() refuses types that say something else", () => {
  const create = (options: object) => () =>
    BpfMap.create({ type: "hash", maxEntries: 1, ...options });
  assertThrows(
    create({ valueType: u64, valueSize: 4 }),
    InvalidTypeError,
    "must have the size of the map's values, 4 bytes: it has 8",
  );
  assertThrows(
    create({ valueType: "u64" }),
    InvalidTypeError,
    "valueType: Expected a type",
  );
  assertThrows(
    create({ valueType: struct("unmarked", { a: u32 }) }),
    InvalidTypeError,
    "HostLayout",
  );
  assertThrows(
    create({ type: "array", keyType: f16, valueType: u32 }),
    InvalidTypeError,
    "f16: The keyType of a map of type array must be u32 or i32",
  );
  assertThrows(
    create({
      type: "lpm_trie",
      keyType: array(u8, 8),
      valueType: u32,
      flags: ["no_prealloc"],
    }),
    InvalidTypeError,
    "u8[8]: The keyType of a map of type lpm_trie must be a struct",
  );
  assertThrows(
    create({ keyType: u32, valueSize: 4 }),
    InvalidTypeError,
    "must have a valueType, too",
  );
  assertThrows(
    create({ valueType: enumerationOf(65536) }),
    InvalidTypeError,
    "BTF has room for 65535 members of a type: many has 65536",
  );
});

/** An enumeration of so many members. */
function enumerationOf(count: number): Type {
  const entries = Array.from({ length: count }, (_, i) => [`m${i}`, i]);
  return enumeration("many", Object.fromEntries(entries));
}

Deno.test("TypeWriter writes as many members as BTF has room for", () => {
  const writer = new TypeWriter();
  const id = writer.write(enumerationOf(65535));
  const type = Btf.parse(writer.bytes()).type(id);
  assert(type.kind === "enum");
  assertEquals(type.members.length, 65535);
  assertEquals(type.members.at(-1), { name: "m65534", value: 65534 });
});

Deno.test("TypeWriter says whether members of an enumeration have a sign", () => {
  const writer = new TypeWriter();
  const members = { LESS: -1, MORE: 1 };
  const negative = writer.write(enumeration("negative", members));
  const large = writer.write(enumeration("large", { ALL: 0xffff_ffff }));
  const btf = Btf.parse(writer.bytes());
  assertEquals(
    [negative, large].map((id) => {
      const type = btf.type(id);
      assert(type.kind === "enum");
      return type.members.map(({ value }) => value);
    }),
    [[-1, 1], [0xffff_ffff]],
  );
});

bpfTest("BpfMap.create() takes a NUMA node", () => {
  const options = { type: "hash", valueSize: 8, maxEntries: 1 } as const;
  using map = BpfMap.create({ ...options, numaNode: 0 });
  assertEquals(map.info.flags, ["numa_node"]);
  assertThrows(
    () => BpfMap.create({ ...options, numaNode: 4000 }),
    SystemError,
    "EINVAL",
  );
});

Deno.test("Names that C has not are left out of BTF, and nothing else", () => {
  const writer = new TypeWriter();
  const id = writer.write(
    struct("flow-table", {
      _: HostLayout,
      "src port": u32,
      kind: enumeration("kind", { "a b": 1 }, u8),
      ["n".repeat(200)]: u8,
    }),
  );
  const type = Btf.parse(writer.bytes()).type(id);
  assert(type.kind === "struct");
  assertEquals(type.name, "");
  assertEquals(
    type.members.map(({ name, bitOffset }) => [name, bitOffset]),
    [["", 0], ["kind", 32], ["", 40]],
  );
});
