/** The mistakes in the definition of a map, which the kernel calls EINVAL alone. */

import { BPF_F_MMAPABLE, pageSize } from "../../ffi/mod.ts";
import {
  isKeyless,
  isLocalStorage,
  isUnbounded,
  type MapType,
  mapTypeName,
} from "./type.ts";

/** The definition of a map, in the kernel's numbers. */
export interface MapDefinition {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flagBits: number;
}

/** `linux/bpf.h` */
const BPF_F_NO_PREALLOC = 1;
const BPF_F_STACK_BUILD_ID = 1 << 5;

/** Other parts of a definition: whether they are there. */
export interface MapParts {
  readonly types: boolean;
  readonly innerMap: boolean;
}

/** The known reason why the kernel refused a map; undefined for none. */
export function mistakeIn(
  definition: MapDefinition,
  parts: MapParts,
): string | undefined {
  const type = mapTypeName(definition.type);
  if (type === undefined) return undefined;
  return mistakeInStorage(type, definition, parts) ??
    mistakeInEntries(type, definition) ??
    mistakeInKeys(type, definition) ??
    mistakeInValues(type, definition) ??
    mistakeInFlags(type, definition) ??
    (parts.innerMap || !type.endsWith("_of_maps")
      ? undefined
      : `a map of type ${type} must be made with an innerMap, such as it takes`);
}

function mistakeInStorage(
  type: MapType,
  { maxEntries, flagBits }: MapDefinition,
  { types }: MapParts,
): string | undefined {
  if (!isLocalStorage(type)) return undefined;
  if (!types) {
    return `a map of type ${type} must be made with types: pass a valueType`;
  }
  return maxEntries !== 0 || (flagBits & BPF_F_NO_PREALLOC) === 0
    ? `a map of type ${type} must have maxEntries 0 and the flag no_prealloc: its entries are made with what they belong to`
    : undefined;
}

function mistakeInEntries(
  type: MapType,
  { maxEntries }: MapDefinition,
): string | undefined {
  if (type === "ringbuf" || type === "user_ringbuf") {
    return maxEntries === 0 || maxEntries % pageSize() !== 0 ||
        (maxEntries & (maxEntries - 1)) !== 0
      ? `maxEntries of a ring buffer is its size in bytes, which must be a power of two and a multiple of the page, ${pageSize()} bytes: it is ${maxEntries}`
      : undefined;
  }
  if (isUnbounded(type)) {
    return maxEntries === 0
      ? undefined
      : `maxEntries of a map of type ${type} must be 0: it is ${maxEntries}`;
  }
  if (maxEntries !== 0) return undefined;
  return `maxEntries of a map of type ${type} must be at least 1: it is 0${
    type === "perf_event_array" ? "; one for each CPU is possibleCpus()" : ""
  }`;
}

function mistakeInKeys(
  type: MapType,
  { keySize }: MapDefinition,
): string | undefined {
  if (type === "lpm_trie") {
    return keySize < 5
      ? `keySize of a map of type lpm_trie must be at least 5, a u32 of the prefix's length in bits and the prefix: it is ${keySize}`
      : undefined;
  }
  const must = (size: string) =>
    `keySize of a map of type ${type} must be ${size}: it is ${keySize}`;
  if (isKeyless(type)) return keySize === 0 ? undefined : must("0");
  if (hasNumbers(type)) return keySize === 4 ? undefined : must("4");
  if (type === "cgroup_storage" || type === "percpu_cgroup_storage") {
    return keySize === 8 || keySize === 16
      ? undefined
      : must("8, the id of a control group, or 16 with an attach type");
  }
  return keySize === 0 ? must("at least 1 byte") : undefined;
}

/** Tests whether the keys of a type are indices, ids or descriptors: 4 bytes. */
function hasNumbers(type: MapType): boolean {
  return isLocalStorage(type) ||
    /array|^(devmap|devmap_hash|cpumap|xskmap|sockmap|stack_trace)$/
      .test(type);
}

function mistakeInValues(
  type: MapType,
  { valueSize, flagBits }: MapDefinition,
): string | undefined {
  const must = (size: string) =>
    `valueSize of a map of type ${type} must be ${size}: it is ${valueSize}`;
  switch (type) {
    case "array":
    case "percpu_array":
    case "hash":
    case "percpu_hash":
    case "lru_hash":
    case "lru_percpu_hash":
    case "lpm_trie":
    case "queue":
    case "stack":
    case "bloom_filter":
    case "cgroup_storage":
    case "percpu_cgroup_storage":
    case "sk_storage":
    case "inode_storage":
    case "task_storage":
    case "cgrp_storage":
      return valueSize === 0 ? must("at least 1 byte") : undefined;
    case "prog_array":
    case "perf_event_array":
    case "cgroup_array":
    case "array_of_maps":
    case "hash_of_maps":
    case "xskmap":
      return valueSize === 4 ? undefined : must("4");
    case "devmap":
    case "devmap_hash":
    case "cpumap":
    case "sockmap":
    case "sockhash":
    case "reuseport_sockarray":
      return valueSize === 4 || valueSize === 8 ? undefined : must("4 or 8");
    case "stack_trace":
      if ((flagBits & BPF_F_STACK_BUILD_ID) !== 0) return undefined;
      return valueSize === 0 || valueSize % 8 !== 0
        ? must("a multiple of 8, the size of an address")
        : undefined;
    case "ringbuf":
    case "user_ringbuf":
    case "arena":
      return valueSize === 0 ? undefined : must("0");
    default:
      return undefined;
  }
}

function mistakeInFlags(
  type: MapType,
  { flagBits }: MapDefinition,
): string | undefined {
  if (type === "lpm_trie" && (flagBits & BPF_F_NO_PREALLOC) === 0) {
    return "a map of type lpm_trie must have the flag no_prealloc";
  }
  const isMappable = (flagBits & BPF_F_MMAPABLE) !== 0;
  if (type === "arena") {
    return isMappable
      ? undefined
      : "a map of type arena must have the flag mmapable";
  }
  return isMappable && type !== "array"
    ? `a map of type ${type} cannot be mmapable: only array and arena can`
    : undefined;
}
