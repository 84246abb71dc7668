/** The types of a map's keys and values, once its object is loaded. */

import type { MapType, ObjectFileMap } from "../../bpf/mod.ts";
import { array, type Type, u32, u64 } from "../../layout/mod.ts";

/** A key's or a value's type: bytes where only the size is known. */
export type EntryType = Type | "bytes";

/** The types of a map's entries; undefined for what it does not have. */
export interface EntryTypes {
  readonly key: EntryType | undefined;
  readonly value: EntryType | undefined;
}

/** Maps of records, of pages, and of what the running kernel lays out. */
const WITHOUT_ENTRIES: ReadonlySet<MapType | undefined> = new Set<MapType>([
  "ringbuf",
  "user_ringbuf",
  "arena",
  "struct_ops",
]);

/** Maps without keys. */
const WITHOUT_KEYS: ReadonlySet<MapType | undefined> = new Set<MapType>([
  "queue",
  "stack",
  "bloom_filter",
]);

/** Maps whose keys are indices, or ids. */
const INDEXED: ReadonlySet<MapType | undefined> = new Set<MapType>([
  "array",
  "percpu_array",
  "prog_array",
  "perf_event_array",
  "stack_trace",
  "cgroup_array",
  "array_of_maps",
  "devmap",
  "devmap_hash",
  "cpumap",
  "xskmap",
  "sockmap",
  "reuseport_sockarray",
]);

/** Maps that are given descriptors, and give ids. */
const OF_IDS: ReadonlySet<MapType | undefined> = new Set<MapType>([
  "prog_array",
  "array_of_maps",
  "hash_of_maps",
]);

/** The types that `BpfMap` has for a map's entries once it is loaded. */
export function entryTypesOf(map: ObjectFileMap): EntryTypes {
  const { type, keySize, keyType, valueType } = map;
  if (WITHOUT_ENTRIES.has(type)) return { key: undefined, value: undefined };
  return {
    key: WITHOUT_KEYS.has(type)
      ? undefined
      : keyType ?? (INDEXED.has(type) && keySize === u32.size ? u32 : "bytes"),
    value: OF_IDS.has(type) ? u32 : valueType ?? impliedValue(map) ?? "bytes",
  };
}

/** `linux/bpf.h` */
const BPF_F_STACK_BUILD_ID = 1 << 5;

/** The type of values that the map's type implies where none is defined. */
function impliedValue(
  { type, flagBits, valueSize }: ObjectFileMap,
): Type | undefined {
  // Addresses of instructions, unless they are looked up in files.
  return type === "stack_trace" && (flagBits & BPF_F_STACK_BUILD_ID) === 0
    ? array(u64, valueSize / u64.size) as unknown as Type
    : undefined;
}

/** Maps of records: the class that reads, or writes, them. */
export function ringClassOf(
  type: MapType | undefined,
): "RingBuffer" | "PerfBuffer" | "UserRingBuffer" | undefined {
  switch (type) {
    case "ringbuf":
      return "RingBuffer";
    case "perf_event_array":
      return "PerfBuffer";
    case "user_ringbuf":
      return "UserRingBuffer";
    default:
      return undefined;
  }
}
