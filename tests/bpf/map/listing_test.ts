import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap, BpfObject } from "../../../bpf/mod.ts";
import { possibleCpus } from "../../../ffi/calls/cpus.ts";
import { NotSupportedError } from "../../../errors.ts";
import { atomic, HostLayout, struct, u32, u64 } from "../../../layout/mod.ts";
import { bpfMounts, bpfObjects, bpfTest, testWith } from "../../_needs.ts";
import { objectFile } from "../_objects.ts";

bpfTest("BpfMap.keys(), values() and entries() are views of one thing", () => {
  using map = BpfMap.create({
    type: "hash",
    keySize: 4,
    valueSize: 8,
    maxEntries: 8,
  });
  const types = { keyType: u32, valueType: u64 };
  const table = map.table(types);
  for (let i = 1; i <= 5; i++) table.set(i, BigInt(10 * i));
  const entries = [...map.entries(types)];
  assertEquals(new Map(entries), new Map([...table]));
  assertEquals([...map.keys(types)], entries.map(([key]) => key));
  assertEquals([...map.values(types)], entries.map(([, value]) => value));
  // By the type of the map that `create` gave, not to be checked at run time.
  const sum: bigint = entries.reduce((sum, [, value]) => sum + value, 0n);
  assertEquals(sum, 150n);
  assertEquals([...map], [...map.entries()]);
  assertEquals([...map.keyBytes()].map((key) => map.lookup(key)![0]).sort(), [
    10,
    20,
    30,
    40,
    50,
  ]);
});

bpfTest(
  "BpfMap.entries() of a per-CPU map has arrays, with types or not",
  () => {
    using map = BpfMap.create({
      type: "percpu_array",
      valueSize: 8,
      maxEntries: 2,
    });
    const cpus = possibleCpus().length;
    const values = Array.from({ length: cpus }, (_, cpu) => BigInt(cpu + 1));
    map.perCpu({ valueType: u64 }).set(1, values);
    const zeros = values.map(() => 0n);
    assertEquals([...map.entries({ valueType: u64 })], [[0, zeros], [
      1,
      values,
    ]]);
    const typed: bigint[][] = [...map.values({ valueType: u64 })];
    assertEquals(typed, [zeros, values]);
    assertEquals([...map.keys()], [0, 1]);
    const bytes = [...map.entries()];
    assertEquals(bytes, [...map.entries({})]);
    assertEquals(
      (bytes[1]![1] as Uint8Array[]).map((one) => one[0]),
      [
        ...Array(cpus).keys(),
      ].map((cpu) => cpu + 1),
    );
  },
);

bpfTest(
  "Maps that cannot be listed or looked up in say so by their type",
  () => {
    const queue = { type: "queue", valueSize: 4, maxEntries: 4 } as const;
    const ring = { type: "ringbuf", maxEntries: 4096 } as const;
    const bloom = {
      type: "bloom_filter",
      valueSize: 4,
      maxEntries: 4,
    } as const;
    for (const options of [queue, ring, bloom]) {
      using map = BpfMap.create(options);
      const message = `of type ${options.type}`;
      for (
        const use of [
          () => [...map.keyBytes()],
          () => map.entries(),
          () => map.keys(),
          () => map.values(),
        ]
      ) {
        assertThrows(use, NotSupportedError, message);
      }
    }
    for (
      const type of ["perf_event_array", "cgroup_array", "xskmap"] as const
    ) {
      using map = BpfMap.create({
        type,
        keySize: 4,
        valueSize: 4,
        maxEntries: 2,
      });
      assertEquals(
        [...map.keys()],
        type === "perf_event_array" ? [0, 1] : [
          ...map.keys(),
        ],
      );
      assertThrows(
        () => map.lookup(0),
        NotSupportedError,
        `A map of type ${type} cannot be looked up in by processes`,
      );
      assertThrows(() => [...map.entries()], NotSupportedError, `type ${type}`);
    }
  },
);

bpfTest("BpfMap tells which options there are", () => {
  const options = {
    type: "array",
    valueSize: 8,
    maxEntries: 1,
    flags: ["mmapable"],
  } as const;
  assertThrows(
    () => BpfMap.create({ ...options, maxEntry: 4 } as never),
    TypeError,
    'There is no option "maxEntry": the options are type, keySize, valueSize, keyType,',
  );
  using map = BpfMap.create(options);
  for (
    const use of [
      () => BpfMap.open("/sys/fs/bpf/none", { readonly: true } as never),
      () => BpfMap.fromId(1, { readonly: true } as never),
      () => map.table({ value: u64 } as never),
      () => map.perCpu({ value: u64 } as never),
      () => map.entries({ value: u64 } as never),
      () => map.queue({ value: u64 } as never),
    ]
  ) {
    assertThrows(use, TypeError, "There is no option");
  }
  assertThrows(
    () => map.table(u64 as never),
    TypeError,
    "Types must be an object with keyType and valueType: received the type u64",
  );
  assertThrows(
    () => map.update(0, new Uint8Array(8), "exist" as never),
    TypeError,
    'Mode must be "any", "create" or "replace": received "exist"',
  );
  assertThrows(
    () => map.pointer(0 as never, u64 as never),
    TypeError,
    "comes before its index",
  );
});

testWith(bpfObjects, bpfMounts)(
  "BpfMap.variable() is a variable of a map of a section, however it was opened (needs clang and libbpf)",
  async () => {
    using object = BpfObject.load(await objectFile("variables"));
    using map = BpfMap.fromFd(object.map(".bss").fd);
    const hits = map.variable("hits", atomic(u64));
    assertEquals(hits.section, ".bss");
    hits.pointer().add(3n);
    assertEquals(object.variable("hits").get(), 3n);
    map.variable("hits").set(4n);
    assertEquals(object.variable("hits", u64).view().value, 4n);
    assertThrows(
      () => map.variable("none"),
      RangeError,
      'There is no variable named "none": it must be one of "',
    );
    using constants = BpfMap.fromFd(object.map(".rodata").fd);
    assertEquals(constants.variable("limit").readOnly, true);
    assertEquals(
      constants.variable("limit").get(),
      object.variable("limit").get(),
    );
    const closed = map.variable("hits");
    map.close();
    assertThrows(() => closed.get(), Error, "is closed");
    assertThrows(() => map.variable("hits"), Error, "is closed");
  },
);

bpfTest("BpfMap.variable() says which maps have variables", () => {
  const Stats = struct("Stats", { _: HostLayout, packets: u64 });
  using map = BpfMap.create({
    type: "array",
    valueSize: Stats.size,
    maxEntries: 1,
  });
  assertThrows(
    () => map.variable("hits"),
    NotSupportedError,
    "must be that of a section",
  );
});
