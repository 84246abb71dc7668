import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfMap,
  type CreateMapOptions,
  type MapType,
} from "../../../bpf/mod.ts";
import { mapFlagBits, mapFlagNames } from "../../../bpf/map/flag.ts";
import { mapTypeName, mapTypeNumber } from "../../../bpf/map/type.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { bpfMaps, bpfTest, root, testWith } from "../../_needs.ts";
import { openDescriptors } from "../../_support.ts";
import { mappable } from "../_maps.ts";
import { Program } from "../_program.ts";

bpfTest("BpfMap.info is what the kernel says of a new map", () => {
  using map = BpfMap.create({
    type: "hash",
    keySize: 6,
    valueSize: 40,
    maxEntries: 100,
    flags: ["no_prealloc", "rdonly_prog"],
    name: "a_name.of_15_ch",
  });
  const { id, ...rest } = map.info;
  assert(id > 0);
  assertEquals(rest, {
    type: "hash",
    typeNumber: 1,
    keySize: 6,
    valueSize: 40,
    maxEntries: 100,
    flags: ["no_prealloc", "rdonly_prog"],
    flagBits: 0x81,
    name: "a_name.of_15_ch",
    mapExtra: 0n,
    btfId: 0,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
  });
});

bpfTest(
  "BpfMap.info cannot be used to change what the map is taken for",
  () => {
    using map = mappable();
    const info = map.info as { valueSize: number; maxEntries: number };
    assertThrows(() => info.valueSize = 4096, TypeError, "read only");
    assertThrows(() => info.maxEntries = 2 ** 30, TypeError, "read only");
    assertEquals([map.info.valueSize, map.info.maxEntries], [8, 4]);
    assertEquals(map.lookup(0)!.length, 8);
  },
);

bpfTest("BpfMap.create() passes map_extra on", () => {
  using map = BpfMap.create({
    type: "bloom_filter",
    valueSize: 4,
    maxEntries: 8,
    mapExtra: 3n, // the number of hash functions
  });
  assertEquals([map.info.mapExtra, map.info.keySize], [3n, 0]);
});

const sound: CreateMapOptions = {
  type: "array",
  valueSize: 8,
  maxEntries: 1,
};

const unsound: [
  Record<string, unknown>,
  typeof TypeError | typeof RangeError,
  string,
][] = [
  [{ type: "toString" }, TypeError, `received "toString"`],
  [{ type: 2 }, TypeError, "received 2"],
  [{ type: undefined }, TypeError, "received undefined"],
  [{ keySize: -1 }, RangeError, "Key size must be an integer from 0"],
  [{ valueSize: 0.5 }, RangeError, "received 0.5"],
  [{ valueSize: 2 ** 32 }, RangeError, "from 0 to 4294967295: received"],
  [{ valueSize: "8" }, RangeError, `received "8"`],
  [{ maxEntries: NaN }, RangeError, "Number of entries must be"],
  [{ maxEntries: 8n }, RangeError, "received 8n"],
  [{ flags: ["mmapable", "x"] }, TypeError, `received "x"`],
  [{ flags: "mmapable" }, TypeError, "must be an array of names"],
  [{ flags: -1 }, RangeError, "Flags must be an integer"],
  [{ flags: null }, TypeError, "received null"],
  [{ name: "a name" }, RangeError, `received "a name"`],
  [{ name: "0123456789abcdef" }, RangeError, "at most 15"],
  [{ name: "a\0" }, RangeError, "at most 15"],
  [{ name: "a\n" }, RangeError, "at most 15"],
  [{ name: 1 }, TypeError, "Map name must be a string"],
  [{ mapExtra: 1 }, TypeError, "Map extra must be a bigint"],
  [{ mapExtra: -1n }, RangeError, "received -1"],
  [{ mapExtra: 2n ** 64n }, RangeError, "Map extra must have 64 bits"],
  [{ innerMap: {} }, TypeError, "Inner map must be a BpfMap"],
  [{ innerMap: null }, TypeError, "received null"],
];

for (const [options, errorClass, message] of unsound) {
  const [[name, value]] = Object.entries(options) as [[string, unknown]];
  Deno.test(`BpfMap.create() refuses ${name} ${Deno.inspect(value)}`, () => {
    const all = { ...sound, ...options } as unknown as CreateMapOptions;
    assertThrows(() => BpfMap.create(all), errorClass, message);
  });
}

bpfTest(
  "BpfMap.create() passes the kernel's refusals on, with what may help",
  () => {
    const before = openDescriptors("anon_inode:bpf-map").length;
    const error = assertThrows(
      () => BpfMap.create({ ...sound, type: "hash", flags: ["mmapable"] }),
      SystemError,
      "a map of type hash cannot be mmapable",
    );
    assertEquals(
      [error.code, error.errno, error.syscall],
      ["EINVAL", 22, "bpf(BPF_MAP_CREATE)"],
    );
    assertEquals(openDescriptors("anon_inode:bpf-map").length, before);
  },
);

Deno.test("new BpfMap() is refused", () => {
  const Constructor = BpfMap as unknown as new () => BpfMap;
  assertThrows(() => new Constructor(), TypeError, "Illegal constructor");
});

Deno.test("Map types and flags have the kernel's numbers", () => {
  // include/uapi/linux/bpf.h, enum bpf_map_type, the BPF_F_ flags of maps.
  const types: [MapType, number][] = [
    ["hash", 1],
    ["array", 2],
    ["percpu_array", 6],
    ["lru_hash", 9],
    ["array_of_maps", 12],
    ["queue", 22],
    ["ringbuf", 27],
    ["user_ringbuf", 31],
    ["arena", 33],
  ];
  for (const [name, number] of types) {
    assertEquals(mapTypeNumber(name), number);
    assertEquals(mapTypeName(number), name);
  }
  for (const number of [-1, 0, 0.5, 34, 2 ** 32 - 1]) {
    assertEquals(mapTypeName(number), undefined);
  }
  assertEquals(mapFlagBits(["rdonly", "wronly"]), 0x18);
  assertEquals(mapFlagBits(["rdonly_prog", "mmapable"]), 0x480);
  assertEquals(mapFlagBits(["segv_on_fault"]), 1 << 17);
  assertEquals(mapFlagBits(2 ** 32 - 1), 2 ** 32 - 1);
  assertEquals(mapFlagNames(0x480), ["rdonly_prog", "mmapable"]);
  assertEquals(mapFlagNames(2 ** 31), []);
});

bpfTest("BpfMap.fromFd() duplicates the descriptor", () => {
  using map = mappable();
  map.update(0, new Uint8Array(8).fill(7));
  {
    using same = BpfMap.fromFd(map.fd);
    assert(same.fd !== map.fd);
    assertEquals(same.info, map.info);
  }
  // The caller's own is still open.
  assertEquals(map.lookup(0), new Uint8Array(8).fill(7));
});

bpfTest(
  "BpfMap.fromFd() refuses what is not a map, and leaves nothing behind",
  () => {
    using map = mappable({ maxEntries: 1 });
    using program = Program.adding(map.fd, 0, 1);
    using memory = Memory.create(pageSize());
    const before = openDescriptors().length;
    for (const fd of [program.fd, memory.fd!, 0]) {
      assertThrows(
        () => BpfMap.fromFd(fd),
        NotSupportedError,
        `Cannot use descriptor ${fd} as a BPF map`,
      );
    }
    const error = assertThrows(() => BpfMap.fromFd(-1), SystemError);
    assertEquals([error.code, error.syscall], ["EBADF", "fcntl"]);
    for (const fd of [0.5, NaN, 2 ** 32, "3", null, undefined, 3n]) {
      assertThrows(() => BpfMap.fromFd(fd as number), RangeError, "Descriptor");
    }
    assert(openDescriptors().length <= before);
  },
);

bpfTest("BpfMap.fromFd() knows a map of any type from something else", () => {
  for (
    const options of [
      { type: "queue", valueSize: 8, maxEntries: 4 },
      { type: "stack", valueSize: 8, maxEntries: 4 },
      { type: "ringbuf", maxEntries: pageSize() },
      { type: "bloom_filter", valueSize: 8, maxEntries: 4 },
      { type: "stack_trace", valueSize: 8, maxEntries: 4 },
      { ...sound, flags: ["wronly"] },
    ] satisfies CreateMapOptions[]
  ) {
    using map = BpfMap.create(options);
    using same = BpfMap.fromFd(map.fd);
    assertEquals(same.info.type, options.type);
  }
});

bpfTest("BpfMap.fromId() opens a map by its number", () => {
  using map = mappable({ name: "by_id" });
  const { id } = map.info;
  using same = BpfMap.fromId(id);
  assertEquals(same.info, map.info);
  using readable = BpfMap.fromId(id, { readOnly: true });
  assertEquals(readable.lookup(0), new Uint8Array(8));
  const error = assertThrows(
    () => readable.update(0, new Uint8Array(8)),
    SystemError,
    "opened for reading alone",
  );
  assertEquals(error.code, "EPERM");
});

bpfTest("BpfMap.fromId() of no map says so", () => {
  const error = assertThrows(
    () => BpfMap.fromId(2 ** 32 - 1),
    SystemError,
    "there is no map of that id",
  );
  assertEquals([error.code, error.syscall], [
    "ENOENT",
    "bpf(BPF_MAP_GET_FD_BY_ID)",
  ]);
  for (const id of [-1, 0.5, 2 ** 32, "1", null]) {
    assertThrows(() => BpfMap.fromId(id as number), RangeError, "Map id");
  }
});

testWith(bpfMaps, root)(
  "BpfMap.ids() lists the maps of the system in ascending order",
  () => {
    using first = mappable();
    using second = mappable();
    const ids = [...BpfMap.ids()];
    assertEquals(ids, ids.toSorted((a, b) => a - b));
    for (const { id } of [first.info, second.info]) {
      assertEquals(ids.filter((other) => other === id).length, 1);
    }
  },
);
