import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { BpfMap, BpfProgram } from "../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../errors.ts";
import { u64 } from "../../layout/mod.ts";
import { bpfTest } from "../_needs.ts";
import { createMap } from "../../bpf/map/commands.ts";
import { mapFlagBits } from "../../bpf/map/flag.ts";
import { mistakeIn } from "../../bpf/map/mistakes.ts";
import { isUnbounded, type MapType, mapTypeName } from "../../bpf/map/type.ts";

/** An error to provoke: the errno, the call, and what the message must say. */
interface Row {
  readonly errno: string;
  readonly call: string;
  /** Looked up: the cause that the message states. */
  readonly says: string;
  readonly provoke: () => void;
}

function lpm(): BpfMap {
  return BpfMap.create({
    type: "lpm_trie",
    keySize: 8,
    valueSize: 4,
    maxEntries: 4,
    flags: ["no_prealloc"],
  });
}

const hash = { type: "hash", valueSize: 4, maxEntries: 1 } as const;
const array = { type: "array", valueSize: 4, maxEntries: 2 } as const;
const four = new Uint8Array(4);

/** Errno × call × cause, each provoked of the kernel. */
const rows: Record<string, Row> = {
  "a trie that is allocated beforehand": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "must have the flag no_prealloc",
    provoke: () =>
      BpfMap.create({
        type: "lpm_trie",
        keySize: 8,
        valueSize: 4,
        maxEntries: 4,
      }),
  },
  "a trie whose keys have no prefix": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "keySize of a map of type lpm_trie must be at least 5",
    provoke: () =>
      BpfMap.create({
        type: "lpm_trie",
        keySize: 4,
        valueSize: 4,
        maxEntries: 4,
        flags: ["no_prealloc"],
      }),
  },
  "a perf_event_array without entries": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "maxEntries of a map of type perf_event_array must be at least 1",
    provoke: () =>
      BpfMap.create({ type: "perf_event_array", valueSize: 4, maxEntries: 0 }),
  },
  "a ring of no power of two": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "must be a power of two",
    provoke: () => BpfMap.create({ type: "ringbuf", maxEntries: 5000 }),
  },
  "an array with long keys": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "keySize of a map of type array must be 4: it is 8",
    provoke: () => BpfMap.create({ ...array, keySize: 8 }),
  },
  "programs that are no descriptors": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "valueSize of a map of type prog_array must be 4: it is 8",
    provoke: () =>
      BpfMap.create({ type: "prog_array", valueSize: 8, maxEntries: 1 }),
  },
  "a map of maps without an inner map": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "must be made with an innerMap",
    provoke: () =>
      BpfMap.create({ type: "array_of_maps", valueSize: 4, maxEntries: 1 }),
  },
  "storage of control groups with a number of entries": {
    errno: "EINVAL",
    call: "BPF_MAP_CREATE",
    says: "maxEntries of a map of type cgroup_storage must be 0: it is 1",
    provoke: () =>
      BpfMap.create({
        type: "cgroup_storage",
        keySize: 8,
        valueSize: 4,
        maxEntries: 1,
      }),
  },
  "a prefix that is too long": {
    errno: "EINVAL",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "the prefix of a key must have at most 32 bits: it has 33",
    provoke: () => {
      using map = lpm();
      map.update(new Uint8Array([33, 0, 0, 0, 1, 2, 3, 4]), four);
    },
  },
  "an index that is none": {
    errno: "E2BIG",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "the index must be below the number of entries, 2: it is 2",
    provoke: () => {
      using map = BpfMap.create(array);
      map.update(2, four);
    },
  },
  "a hash that is full": {
    errno: "E2BIG",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "no room",
    provoke: () => {
      using map = BpfMap.create(hash);
      map.update(1, four);
      map.update(2, four);
    },
  },
  "an inner map unlike its template": {
    errno: "EINVAL",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "may be unlike the one that the map was made with",
    provoke: () => {
      using inner = BpfMap.create(array);
      using outer = BpfMap.create({
        type: "array_of_maps",
        valueSize: 4,
        maxEntries: 1,
        innerMap: inner,
      });
      using other = BpfMap.create({ ...array, valueSize: 8 });
      outer.updateMap(0, other);
    },
  },
  "an entry of an array that is deleted": {
    errno: "EINVAL",
    call: "BPF_MAP_DELETE_ELEM",
    says: "cannot be deleted",
    provoke: () => {
      using map = BpfMap.create(array);
      map.delete(0);
    },
  },
  "an entry that is there, created": {
    errno: "EEXIST",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "",
    provoke: () => {
      using map = BpfMap.create(hash);
      map.update(1, four, "create");
      map.update(1, four, "create");
    },
  },
  "an entry that is not there, replaced": {
    errno: "ENOENT",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "",
    provoke: () => {
      using map = BpfMap.create(hash);
      map.update(1, four, "replace");
    },
  },
  "a map that is frozen": {
    errno: "EPERM",
    call: "BPF_MAP_UPDATE_ELEM",
    says: "frozen",
    provoke: () => {
      using map = BpfMap.create(array);
      map.freeze();
      map.update(0, four);
    },
  },
  "a map that is mapped, frozen": {
    errno: "EBUSY",
    call: "BPF_MAP_FREEZE",
    says: "mapped for writing",
    provoke: () => {
      using map = BpfMap.create({ ...array, flags: ["mmapable"] });
      using _memory = map.memory();
      map.freeze();
    },
  },
  "a path where nothing is": {
    errno: "ENOENT",
    call: "BPF_OBJ_GET",
    says: '"/sys/fs/bpf/no_such_pin"',
    provoke: () => BpfMap.open("/sys/fs/bpf/no_such_pin"),
  },
  "an id that is no map's": {
    errno: "ENOENT",
    call: "BPF_MAP_GET_FD_BY_ID",
    says: "4294967295",
    provoke: () => BpfMap.fromId(0xffff_ffff),
  },
  "an id that is no program's": {
    errno: "ENOENT",
    call: "BPF_PROG_GET_FD_BY_ID",
    says: "4294967295",
    provoke: () => BpfProgram.fromId(0xffff_ffff),
  },
};

for (const [what, { errno, call, says, provoke }] of Object.entries(rows)) {
  bpfTest(`A hint is true: ${errno} of ${call} for ${what}`, () => {
    let error: unknown;
    try {
      provoke();
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, SystemError);
    assertEquals(error.code, errno);
    assertStringIncludes(error.syscall, call);
    assertStringIncludes(error.message, says);
  });
}

/** A type of map whose sizes are refused, or not, and nothing else. */
function flagsOf(type: MapType): number {
  if (type === "arena") return mapFlagBits(["mmapable"]);
  return type === "lpm_trie" ? mapFlagBits(["no_prealloc"]) : 0;
}

bpfTest(
  "The sizes that a type of map is said to take are those that the kernel takes",
  () => {
    const parts = { types: true, innerMap: true };
    for (let number = 1; mapTypeName(number) !== undefined; number++) {
      const type = mapTypeName(number)!;
      const rest = {
        type: number,
        maxEntries: isUnbounded(type)
          ? 0
          : type.endsWith("ringbuf")
          ? 65536
          : 1,
        flagBits: flagsOf(type),
        name: "",
        mapExtra: 0n,
      };
      const taken: string[] = [];
      const said: string[] = [];
      for (const keySize of [0, 3, 4, 5, 8, 16]) {
        for (const valueSize of [0, 1, 4, 8, 9, 16]) {
          const request = { ...rest, keySize, valueSize };
          const sizes = `${type} ${keySize} ${valueSize}`;
          if (mistakeIn(request, parts) === undefined) said.push(sizes);
          try {
            createMap(request).close();
            taken.push(sizes);
          } catch (error) {
            assertInstanceOf(error, SystemError);
          }
        }
      }
      // Refused whatever the sizes: it takes types, an inner map, privileges, or
      // a kernel that knows it.
      if (taken.length > 0) assertEquals(said, taken);
    }
  },
);

bpfTest("A map without memory says which methods have its entries", () => {
  using map = BpfMap.create(hash);
  let message = "";
  try {
    map.pointer(u64, 0);
  } catch (error) {
    assertInstanceOf(error, NotSupportedError);
    ({ message } = error);
  }
  assertStringIncludes(message, "table() and entries()");
});
