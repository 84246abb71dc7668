import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfMap,
  type CreateMapOptions,
  type MapType,
} from "../../../bpf/mod.ts";
import {
  AlignmentError,
  BoundsError,
  InvalidTypeError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import {
  aligned,
  array,
  atomic,
  HostLayout,
  padding,
  snapshot,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { arenas, bpfMaps, bpfTest, testWith, userRings } from "../../_needs.ts";
import { mappings } from "../../_support.ts";
import { bytes, mappable, number } from "../_maps.ts";

const page = pageSize();

/** The options of each type, where it needs no BTF and no device. */
const makings: [MapType, Partial<CreateMapOptions> | undefined][] = [
  ["hash", {}],
  ["array", {}],
  ["prog_array", { valueSize: 4 }],
  ["perf_event_array", { valueSize: 4 }],
  ["percpu_hash", {}],
  ["percpu_array", {}],
  ["stack_trace", {}],
  ["cgroup_array", { valueSize: 4 }],
  ["lru_hash", { maxEntries: 64 }],
  ["lru_percpu_hash", { maxEntries: 64 }],
  ["lpm_trie", { keySize: 8, flags: ["no_prealloc"] }],
  ["array_of_maps", { valueSize: 4 }],
  ["hash_of_maps", { valueSize: 4 }],
  ["devmap", { valueSize: 4 }],
  ["sockmap", {}],
  ["cpumap", { valueSize: 4, maxEntries: 1 }],
  ["xskmap", { valueSize: 4 }],
  ["sockhash", {}],
  ["cgroup_storage", { keySize: 8, maxEntries: 0 }],
  ["reuseport_sockarray", {}],
  ["percpu_cgroup_storage", { keySize: 8, maxEntries: 0 }],
  ["queue", {}],
  ["stack", {}],
  ["sk_storage", undefined],
  ["devmap_hash", { valueSize: 4 }],
  ["struct_ops", undefined],
  ["ringbuf", { valueSize: 0, maxEntries: page }],
  ["inode_storage", undefined],
  ["task_storage", undefined],
  ["bloom_filter", {}],
  ["user_ringbuf", { valueSize: 0, maxEntries: page }],
  ["cgrp_storage", undefined],
  ["arena", { valueSize: 0, flags: ["mmapable"] }],
];

/** The needs of maps of some types. */
const needs = new Map([["arena", arenas], ["user_ringbuf", userRings]]);

for (const [type, making] of makings) {
  testWith(bpfMaps, needs.get(type) ?? [])(
    `BpfMap.memory() of a map of type ${type}: ${
      type === "array" ? "its memory" : "says that it needs an array"
    }`,
    () => {
      using innerMap = mappable({ flags: [] });
      const options = {
        type,
        valueSize: 8,
        maxEntries: 4,
        innerMap: type.endsWith("_of_maps") ? innerMap : undefined,
        ...making,
      };
      // Not to be had without BTF: so says the kernel.
      if (making === undefined) {
        const error = assertThrows(() => BpfMap.create(options), SystemError);
        assertEquals(error.syscall, "bpf(BPF_MAP_CREATE)");
        return;
      }
      if (type === "array") options.flags = ["mmapable"];
      using map = BpfMap.create(options);
      assertEquals(map.info.type, type);
      if (type === "array") {
        using memory = map.memory();
        assertEquals([memory.size, memory.readOnly], [page, false]);
        return;
      }
      const message =
        `Cannot map a map of type ${type} as a whole: its type must be array, with the flag mmapable (BPF_F_MMAPABLE)`;
      assertThrows(() => map.memory(), NotSupportedError, message);
      assertThrows(() => map.memorySize, NotSupportedError, message);
      assertThrows(() => map.pointer(u64, 0), NotSupportedError, message);
      assertThrows(() => map.view(u64, 0), NotSupportedError, message);
      assertThrows(() => map.elements(u64), NotSupportedError, message);
    },
  );
}

bpfTest("BpfMap.memory() says which flag an array needs", () => {
  using map = mappable({ flags: [] });
  assertThrows(
    () => map.memory(),
    NotSupportedError,
    "must have been made with the flag mmapable (BPF_F_MMAPABLE)",
  );
});

bpfTest(
  "BpfMap.memory() has all entries in whole pages, and is mapped once",
  () => {
    using map = mappable({ valueSize: 4, maxEntries: page / 8 + 1 });
    assertEquals(map.memorySize, 2 * page);
    const memory = map.memory();
    assertEquals([memory.size, memory.readOnly], [2 * page, false]);
    assertEquals(map.memory(), memory);
    const lines = mappings("anon_inode:bpf-map").length;
    map.pointer(u32, 0);
    map.elements(u32);
    assertEquals(mappings("anon_inode:bpf-map").length, lines);
    map.update(page / 8, new Uint8Array([1, 2, 3, 4]));
    assertEquals(memory.view(u32, page).value, 0x04030201);
    memory.close();
    assertEquals(mappings("anon_inode:bpf-map").length, lines - 1);
    const again = map.memory();
    assert(again !== memory);
    assertEquals(again.view(u32, page).value, 0x04030201);
    again.close();
  },
);

bpfTest("BpfMap.memorySize is what Memory.map() takes, for Workers too", () => {
  using map = mappable();
  using memory = Memory.map(map.fd, map.memorySize, { workers: true });
  memory.pointer(u64, 8).value = 5n;
  assertEquals(number(map.lookup(1)), 5n);
});

const Packed = struct("Packed", { _: HostLayout, a: u32, b: u32, c: u8 }, {
  packed: true,
});
const Twelve = struct("Twelve", {
  _: HostLayout,
  a: u32,
  b: array(u16, 2),
  c: atomic(u32),
});
const Sixteen = struct("Sixteen", { _: HostLayout, id: u64, name: text(8) });

bpfTest(
  "BpfMap.pointer() and view() are of the entry that lookup() copies",
  () => {
    using map = mappable({ valueSize: 9 });
    for (let i = 0; i < 4; i++) map.update(i, new Uint8Array(9).fill(i + 1));
    for (let i = 0; i < 4; i++) {
      const { a, b, c } = map.view(Packed, i);
      assertEquals([a, b, c], [
        0x1010101 * (i + 1),
        0x1010101 * (i + 1),
        i + 1,
      ]);
      assertEquals(map.memory().view(u8, 16 * i + 8).value, i + 1);
    }
    map.memory().close();
    using other = mappable({ valueSize: 12 });
    const pointer = other.pointer(Twelve, 3);
    pointer.a = 1;
    pointer.b[1] = 2;
    pointer.c.add(3);
    assertEquals(
      other.lookup(3),
      new Uint8Array([1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0]),
    );
    assertEquals(other.view(Twelve, 3).c.load(), 3);
  },
);

bpfTest("BpfMap.pointer() checks the type, its size, and the index", () => {
  using map = mappable({ valueSize: 16 });
  const Unmarked = struct("Unmarked", { id: u64, count: u64 });
  const attempts: [
    unknown,
    unknown,
    typeof InvalidTypeError | typeof RangeError,
    string,
  ][] = [
    [
      0,
      u64,
      InvalidTypeError,
      "must have the size of the map's values, 16 bytes: it has 8",
    ],
    [0, array(u64, 3), InvalidTypeError, "it has 24"],
    [0, Unmarked, InvalidTypeError, "must have a field of type HostLayout"],
    [
      0,
      { kind: "u64", size: 16, align: 8 },
      InvalidTypeError,
      "Expected a type",
    ],
    [0, null, InvalidTypeError, "Expected a type"],
    [0, padding(16), InvalidTypeError, "can only be a field"],
    [
      4,
      Sixteen,
      BoundsError,
      "below the number of entries, 4: received 4",
    ],
    [2 ** 53 - 1, Sixteen, BoundsError, "received 9007199254740991"],
    [
      -1,
      Sixteen,
      RangeError,
      "Index must be a whole number from 0: received -1",
    ],
    [0.5, Sixteen, RangeError, "received 0.5"],
    [NaN, Sixteen, RangeError, "received NaN"],
    [2 ** 53, Sixteen, RangeError, "received 9007199254740992"],
    ["0", Sixteen, RangeError, `received "0"`],
    [null, Sixteen, RangeError, "received null"],
    [0n, Sixteen, RangeError, "received 0n"],
  ];
  for (const [index, type, errorClass, message] of attempts) {
    const args = [type, index] as [typeof Sixteen, number];
    assertThrows(() => map.pointer(...args), errorClass, message);
    assertThrows(() => map.view(...args), errorClass, message);
    if (errorClass !== InvalidTypeError) continue;
    assertThrows(() => map.elements(args[0]), errorClass, message);
    assertThrows(() => map.elementViews(args[0]), errorClass, message);
  }
});

bpfTest(
  "BpfMap.pointer() and elements() refuse what entries are not aligned for",
  () => {
    const Wide = aligned(array(u32, 2), 32);
    using map = mappable();
    assertEquals(map.pointer(Wide, 0).length, 2);
    assertThrows(() => map.pointer(Wide, 1), AlignmentError, "at offset 8");
    assertThrows(
      () => map.elements(Wide),
      AlignmentError,
      "Entries of the map lie 8 bytes apart: u32[2] must be aligned to 32",
    );
  },
);

bpfTest("A flexible array ends with its entry", () => {
  const List = struct("List", {
    _: HostLayout,
    count: u32,
    items: array(u16),
  });
  using map = mappable({ valueSize: 13 });
  const list = map.pointer(List, 1);
  assertEquals(list.items.length, 4);
  list.items[3] = 0x0201;
  assertEquals(map.lookup(1)!.slice(10, 12), new Uint8Array([1, 2]));
  assertEquals(map.view(List, 1).items.at(3), 0x0201);
  assertEquals(map.view(List, 1).items.at(4), undefined);
  using small = mappable({ valueSize: 3 });
  assertThrows(() => small.pointer(List, 0), InvalidTypeError, "it has 4");
  assertThrows(() => map.elements(List), InvalidTypeError);
});

for (const [type, size] of [[u8, 1], [u16, 2], [u32, 4]] as const) {
  bpfTest(`BpfMap.elements() of ${type.name} steps by 8 bytes`, () => {
    using map = mappable({ valueSize: size, maxEntries: 600 });
    const values = map.elements(type);
    assertEquals(values.length, 600);
    values.set(599, 3);
    values.set(1, 5);
    assertEquals([values.at(1), values.at(2), values.at(599)], [5, 0, 3]);
    const expected = new Uint8Array(size);
    expected[0] = 3;
    assertEquals(map.lookup(599), expected);
    map.update(2, expected);
    assertEquals([...values].slice(0, 3), [0, 5, 3]);
    const views = map.elementViews(type);
    assertEquals([views.length, views.at(1)], [600, 5]);
    for (const index of [600, -1, 2 ** 31]) {
      assertThrows(() => values.at(index), BoundsError, "600 elements");
      assertThrows(() => values.set(index, 1), BoundsError, "600 elements");
      assertThrows(() => views.at(index), BoundsError, "600 elements");
    }
    for (const index of [0.5, NaN, "1"]) {
      assertThrows(() => values.at(index as number), RangeError);
      assertThrows(() => values.set(index as number, 1), RangeError);
    }
    assertThrows(() => values.set(0, 2 ** 32), RangeError, "4294967296");
    assertThrows(() => values.set(0, "1" as never), TypeError);
    assertEquals(values.at(0), 0);
  });
}

bpfTest(
  "BpfMap.elements() of structs gives pointers, columns, and stores parts",
  () => {
    using map = mappable({ valueSize: 12 });
    const values = map.elements(Twelve);
    values.at(2).a = 7;
    values.set(3, { a: 8, b: [1, 2], c: 9 });
    assertThrows(() => values.set(3, { a: 1, b: [65536] }), RangeError);
    assertThrows(() => values.set(3, { z: 1 } as never), TypeError, `"z"`);
    assertEquals([...values.column("a")], [0, 0, 7, 8]);
    assertEquals(snapshot(values.at(3)), { a: 8, b: [1, 2], c: 9 });
    const column = values.column("a");
    column.set(0, 1);
    assertEquals(map.lookup(0)![0], 1);
    values.at(3).c.add(1);
    assertEquals(values.column("c").at(3), 10);
    const views = map.elementViews(Twelve);
    assertEquals([...views].map((view) => view.a), [1, 0, 7, 8]);
    assertEquals([...views.column("a")], [1, 0, 7, 8]);
    assertThrows(
      () => (views as unknown as typeof values).set(0, { a: 5 }),
      TypeError,
    );
    assertThrows(() => (views.at(0) as { a: number }).a = 5, TypeError);
    assertEquals(values.at(0).a, 1);
    // A field of its own name is no path to the entries.
    assertThrows(() => values.column("value" as never), InvalidTypeError);
  },
);

bpfTest(
  "BpfMap.elements() of atomics and of arrays gives what a pointer gives",
  () => {
    using counters = mappable();
    const values = counters.elements(atomic(u64));
    values.at(1).add(5n);
    values.set(2, 6n);
    assertEquals(number(counters.lookup(1)), 5n);
    assertEquals(number(counters.lookup(2)), 6n);
    using arrays = mappable({ valueSize: 6 });
    const rows = arrays.elements(array(u16, 3));
    rows.set(3, [1, 2, 3]);
    rows.at(3)[1] = 9;
    assertEquals(arrays.lookup(3), new Uint8Array([1, 0, 9, 0, 3, 0]));
    assertEquals([...rows.at(3)], [1, 9, 3]);
  },
);

bpfTest(
  "BpfMap.elements() of one entry for each CPU and more stays in bounds",
  () => {
    // The last entry ends with the last page: one byte more would be a fault.
    using map = mappable({ valueSize: 8, maxEntries: page / 8 });
    const values = map.elements(u64);
    values.set(page / 8 - 1, 2n ** 64n - 1n);
    assertEquals(number(map.lookup(page / 8 - 1)), 2n ** 64n - 1n);
    assertThrows(() => values.at(page / 8), BoundsError);
    assertThrows(() => map.pointer(u64, page / 8), BoundsError);
    map.update(0, bytes(1n));
    assertEquals(values.at(0), 1n);
  },
);
