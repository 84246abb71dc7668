import { show } from "../../base/show.ts";

/**
 * A type of map, by the name that `linux/bpf.h` gives it: `"percpu_array"` is
 * `BPF_MAP_TYPE_PERCPU_ARRAY`.
 */
export type MapType =
  | "hash"
  | "array"
  | "prog_array"
  | "perf_event_array"
  | "percpu_hash"
  | "percpu_array"
  | "stack_trace"
  | "cgroup_array"
  | "lru_hash"
  | "lru_percpu_hash"
  | "lpm_trie"
  | "array_of_maps"
  | "hash_of_maps"
  | "devmap"
  | "sockmap"
  | "cpumap"
  | "xskmap"
  | "sockhash"
  | "cgroup_storage"
  | "reuseport_sockarray"
  | "percpu_cgroup_storage"
  | "queue"
  | "stack"
  | "sk_storage"
  | "devmap_hash"
  | "struct_ops"
  | "ringbuf"
  | "inode_storage"
  | "task_storage"
  | "bloom_filter"
  | "user_ringbuf"
  | "cgrp_storage"
  | "arena";

/** `linux/bpf.h`, `enum bpf_map_type`, each at its number. */
const names: readonly (MapType | undefined)[] = [
  undefined,
  "hash",
  "array",
  "prog_array",
  "perf_event_array",
  "percpu_hash",
  "percpu_array",
  "stack_trace",
  "cgroup_array",
  "lru_hash",
  "lru_percpu_hash",
  "lpm_trie",
  "array_of_maps",
  "hash_of_maps",
  "devmap",
  "sockmap",
  "cpumap",
  "xskmap",
  "sockhash",
  "cgroup_storage",
  "reuseport_sockarray",
  "percpu_cgroup_storage",
  "queue",
  "stack",
  "sk_storage",
  "devmap_hash",
  "struct_ops",
  "ringbuf",
  "inode_storage",
  "task_storage",
  "bloom_filter",
  "user_ringbuf",
  "cgrp_storage",
  "arena",
];

/** The name of a type; undefined for one that this package does not know. */
export function mapTypeName(number: number): MapType | undefined {
  return number > 0 && number < names.length ? names[number] : undefined;
}

/**
 * The number of a type.
 *
 * @throws {TypeError} if there is no such name.
 */
export function mapTypeNumber(name: unknown): number {
  for (let number = 1; number < names.length; number++) {
    if (names[number] === name) return number;
  }
  throw new TypeError(
    `Map type must be a name such as "array", "hash" or "ringbuf": received ${
      show(name)
    }`,
  );
}

/** Tests whether elements of a type have no keys, so that a key has 0 bytes. */
export function isKeyless(type: MapType): boolean {
  switch (type) {
    case "queue":
    case "stack":
    case "ringbuf":
    case "user_ringbuf":
    case "bloom_filter":
    case "arena":
      return true;
    default:
      return false;
  }
}

/** Tests whether keys of a type are indices of elements that may be empty. */
export function hasSlots(type: MapType): boolean {
  switch (type) {
    case "prog_array":
    case "perf_event_array":
    case "cgroup_array":
    case "stack_trace":
    case "array_of_maps":
    case "devmap":
    case "cpumap":
    case "xskmap":
    case "sockmap":
    case "reuseport_sockarray":
      return true;
    default:
      return false;
  }
}

/**
 * Tests whether maps of a type grow with what their entries belong to: their
 * size must be 0.
 */
export function isUnbounded(type: MapType): boolean {
  return type.endsWith("_storage");
}

/** Tests whether those entries belong to sockets, files, tasks, … */
export function isLocalStorage(type: MapType): boolean {
  return isUnbounded(type) && type !== "cgroup_storage" &&
    type !== "percpu_cgroup_storage";
}

/**
 * Tests whether the value that is looked up is the id of a map, or of a
 * program.
 */
export function hasIds(type: MapType | undefined): boolean {
  return type === "array_of_maps" || type === "hash_of_maps" ||
    type === "prog_array";
}

/** A type of map whose values are one for each CPU. */
export type PerCpuMapType =
  | "percpu_hash"
  | "percpu_array"
  | "lru_percpu_hash"
  | "percpu_cgroup_storage";

/** Tests whether a value of a type is one for each CPU. */
export function isPerCpu(type: MapType | undefined): type is PerCpuMapType {
  switch (type) {
    case "percpu_hash":
    case "percpu_array":
    case "lru_percpu_hash":
    case "percpu_cgroup_storage":
      return true;
    default:
      return false;
  }
}
