import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import { InvalidTypeError } from "../../../errors.ts";
import {
  HostLayout,
  struct,
  type StructType,
  u16,
  type U32,
  u32,
  type U64,
  u64,
} from "../../../layout/mod.ts";
import { Builder, K, SIGNED } from "../../btf/_builder.ts";
import { bpfMaps, bpfTest, setpriv, testWith } from "../../_needs.ts";
import { run } from "../../_support.ts";
import { btfMap, type BtfMapOptions } from "./_btf_maps.ts";
import { mappable } from "../_maps.ts";

const BPF_F_MMAPABLE = 1 << 10;

/** `struct flow { u32 address; u16 port; }` and `struct count { u64 packets; char name[8]; }` */
function flows(
  options: Partial<BtfMapOptions> = {},
): BpfMap {
  const btf = new Builder();
  const int = btf.int("unsigned int", 4);
  const short = btf.int("unsigned short", 2);
  const long = btf.int("unsigned long long", 8);
  const char = btf.int("char", 1, SIGNED);
  const name = btf.array(char, 8);
  const flow = btf.struct("flow", 8, [["address", int, 0], [
    "port",
    short,
    32,
  ]]);
  const count = btf.struct("count", 16, [["packets", long, 0], [
    "name",
    name,
    64,
  ]]);
  return btfMap({
    type: "hash",
    keySize: options.type?.includes("array") ? 4 : 8,
    valueSize: 16,
    maxEntries: 8,
    btf,
    keyTypeId: options.type?.includes("array") ? int : flow,
    valueTypeId: count,
    ...options,
  });
}

type Count = StructType<{ packets: U64 }>;

bpfTest("BpfMap.keyType and valueType are what the map's own BTF says", () => {
  using map = flows();
  const { keyType, valueType } = map;
  assertEquals([keyType!.name, keyType!.size], ["flow", 8]);
  assertEquals([valueType!.name, valueType!.size], ["count", 16]);
  assert(map.keyType === keyType);
  assertEquals(map.btf!.find("flow", "struct")!.members.length, 2);
  // One BTF for all who have it.
  using other = BpfMap.fromId(map.info.id);
  assert(other.valueType === valueType);
});

bpfTest(
  "BpfMap.keyType of an array is u32, and nothing is known without BTF",
  () => {
    using array = mappable();
    assertEquals([array.btf, array.keyType, array.valueType], [
      undefined,
      u32,
      undefined,
    ]);
    using hash = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
    });
    assertEquals([hash.keyType, hash.valueType], [undefined, undefined]);
    const message =
      "The map has no BTF that says what its values are: pass a type";
    assertThrows(() => array.pointer(0), InvalidTypeError, message);
    assertThrows(() => array.view(0), InvalidTypeError, message);
    assertThrows(() => array.elements(), InvalidTypeError, message);
    assertThrows(
      () => array.elementViews(),
      InvalidTypeError,
      message,
    );
  },
);

bpfTest(
  "BpfMap.elements(), pointer() and view() without a type take valueType",
  () => {
    using map = flows({ type: "array", flagBits: BPF_F_MMAPABLE });
    const pointer = map.pointer<Count>(3);
    pointer.packets = 7n;
    (pointer as unknown as { name: string }).name = "eth0";
    assertEquals(map.view<Count>(3).packets, 7n);
    assertEquals(map.lookup(3)![8], "e".charCodeAt(0));
    const values = map.elements<Count>();
    assertEquals([...values.column("packets")], [
      0n,
      0n,
      0n,
      7n,
      0n,
      0n,
      0n,
      0n,
    ]);
    values.set(0, { packets: 1n });
    const views = map.elementViews<Count>();
    assertEquals([views.at(0).packets, views.length], [1n, 8]);
    // Unknown until someone says what it is.
    const unknown: unknown = map.pointer(0);
    assertEquals((unknown as { packets: bigint }).packets, 1n);
    // @ts-expect-error Its fields are not known.
    assertEquals(map.pointer(0).packets, 1n);
    map.memory().close();
  },
);

bpfTest("BpfMap.pointer(0) of a section is a struct of its variables", () => {
  const btf = new Builder();
  const int = btf.int("int", 4, SIGNED);
  const long = btf.int("long", 8, SIGNED);
  const hits = btf.add(K.VAR, "hits", long, [1]);
  const limit = btf.add(K.VAR, "limit", int, [1]);
  const section = btf.add(K.DATASEC, ".bss", 16, [
    hits,
    0,
    8,
    limit,
    8,
    4,
  ], 2);
  using map = btfMap({
    type: "array",
    keySize: 4,
    valueSize: 16,
    maxEntries: 1,
    flagBits: BPF_F_MMAPABLE,
    btf,
    keyTypeId: 0,
    valueTypeId: section,
  });
  assertEquals([map.keyType, map.valueType!.name], [u32, ".bss"]);
  const variables = map.pointer(0) as { hits: bigint; limit: number };
  variables.hits += 5n;
  variables.limit = -1;
  assertEquals([...map.entries()], [[0, { hits: 5n, limit: -1 }]]);
  map.memory().close();
});

bpfTest("BpfMap.entries() decodes by the map's own BTF", () => {
  using map = flows();
  const table = map.table();
  table.set({ address: 1, port: 80 }, { packets: 2n, name: "eth0" });
  assertEquals([...map.entries()], [
    [{ address: 1, port: 80 }, { packets: 2n, name: "eth0" }],
  ]);
  assertEquals(table.get({ address: 1, port: 80 }), {
    packets: 2n,
    name: "eth0",
  });
  // What is passed goes before it.
  const Raw = struct("Raw", { _: HostLayout, a: u64, b: u64 });
  const entries = [
    ...map.entries({ keyType: u64, valueType: Raw }),
  ];
  const [key, value] = entries[0]! as [bigint, { a: bigint }];
  assertEquals([key, value.a], [80n << 32n | 1n, 2n]);
  assertThrows(
    () => map.entries({ keyType: u16 }),
    InvalidTypeError,
    "must have the size of the map's keys, 8 bytes: it has 2",
  );
});

bpfTest("BpfMap.perCpu() adds up the structs that BTF has", () => {
  const btf = new Builder();
  const int = btf.int("unsigned int", 4);
  const long = btf.int("unsigned long long", 8);
  const stats = btf.struct("stats", 16, [["packets", long, 0], [
    "drops",
    int,
    64,
  ]]);
  using map = btfMap({
    type: "percpu_array",
    keySize: 4,
    valueSize: 16,
    maxEntries: 2,
    btf,
    keyTypeId: int,
    valueTypeId: stats,
  });
  const table = map.perCpu<U32, StructType<{ packets: U64; drops: U32 }>>();
  const cpus = table.get(1)!.length;
  table.set(
    1,
    Array.from({ length: cpus }, (_, cpu) => ({
      packets: BigInt(cpu),
      drops: 2 ** 32 - 1,
    })),
  );
  assertEquals(table.sum(1), {
    packets: BigInt(cpus * (cpus - 1) / 2),
    drops: cpus * (2 ** 32 - 1),
  });
});

testWith(bpfMaps, setpriv)(
  "BpfMap.valueType without CAP_SYS_ADMIN says that it takes it",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { array, u64 } from "@hostmem/hostmem";
      import { Builder } from "./tests/btf/_builder.ts";
      import { btfMap } from "./tests/bpf/map/_btf_maps.ts";

      const btf = new Builder();
      const long = btf.int("unsigned long long", 8);
      using map = btfMap({
        type: "hash",
        keySize: 8,
        valueSize: 8,
        maxEntries: 1,
        btf,
        keyTypeId: long,
        valueTypeId: long,
      });
      for (
        const use of [
          () => map.valueType,
          () => map.keyType,
          () => map.entries(),
          () => map.table({ keyType: u64 }),
          () => map.perCpu(),
        ]
      ) {
        try {
          use();
        } catch (error) {
          console.log(error.code, error.syscall, error.message);
        }
      }
      const table = map.table({ keyType: u64, valueType: u64 });
      table.set(1n, 2n);
      console.log(...table.get(1n) === 2n ? ["read"] : []);
    `,
      {
        permissions: ["-A"],
        under: [
          "setpriv",
          "--bounding-set=-all,+bpf",
          "--inh-caps=-all,+bpf",
        ],
      },
    );
    assertEquals(code, 0, stderr);
    const lines = stdout.trim().split("\n");
    assertEquals(lines.pop(), "read");
    assertEquals(lines.length, 5);
    for (const line of lines) {
      assertMatch(
        line,
        /^EPERM bpf\(BPF_BTF_GET_FD_BY_ID\) .*: the map's own types cannot be read; pass types, or: .*CAP_SYS_ADMIN/,
      );
    }
  },
);
