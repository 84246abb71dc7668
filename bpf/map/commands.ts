/** Making maps, opening them by their ids, and freezing them. */

import {
  BPF_F_MMAPABLE,
  BPF_F_RDONLY,
  EINVAL,
  pageSize,
  systemError,
} from "../../ffi/mod.ts";
import { releaseScratch, scratchBlock } from "../../ffi/block.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import {
  checked,
  clearAttributes,
  run,
  runChecked,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { isLocalStorage, isUnbounded, mapTypeName } from "./type.ts";

/** The properties of a new map, in the kernel's numbers. */
export interface MapRequest {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flagBits: number;
  readonly name: string;
  readonly mapExtra: bigint;
  /** A descriptor of a map such as those that a map of maps shall hold. */
  readonly innerFd?: number | undefined;
  /** The NUMA node that its memory is to lie on. */
  readonly numaNode?: number | undefined;
  /** Its types as BTF. */
  readonly btf?: MapBtfRequest | undefined;
}

/** The types of a new map. */
export interface MapBtfRequest {
  /** A descriptor of BTF. */
  readonly fd: number;
  /** The ids in it of the types of keys and values. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

/** `linux/bpf.h` */
const BPF_F_NUMA_NODE = 1 << 2;

/** Loads BTF into the kernel. @throws {SystemError} with its reason. */
export function loadBtf(bytes: Uint8Array): Descriptor {
  const block = scratchBlock(bytes.length);
  try {
    block.put(bytes);
    const { btfLoad } = clearAttributes();
    btfLoad.btf = block.address;
    btfLoad.btfSize = bytes.length;
    return new Descriptor(runChecked("BPF_BTF_LOAD", SIZE.btfLoad));
  } finally {
    releaseScratch();
  }
}

/** Makes a map. @throws {SystemError} if the kernel will not. */
export function createMap(request: MapRequest): Descriptor {
  const { mapCreate } = clearAttributes();
  mapCreate.mapType = request.type;
  mapCreate.keySize = request.keySize;
  mapCreate.valueSize = request.valueSize;
  mapCreate.maxEntries = request.maxEntries;
  mapCreate.mapFlags = request.flagBits;
  mapCreate.mapName = request.name;
  mapCreate.mapExtra = request.mapExtra;
  if (request.innerFd !== undefined) mapCreate.innerMapFd = request.innerFd;
  if (request.numaNode !== undefined) {
    mapCreate.mapFlags |= BPF_F_NUMA_NODE;
    mapCreate.numaNode = request.numaNode;
  }
  if (request.btf !== undefined) {
    mapCreate.btfFd = request.btf.fd;
    mapCreate.btfKeyTypeId = request.btf.keyTypeId;
    mapCreate.btfValueTypeId = request.btf.valueTypeId;
  }
  const size = sizeFor(request);
  const command = "BPF_MAP_CREATE";
  const result = run(command, size);
  const hint = result === -EINVAL ? mistakeIn(request) : undefined;
  if (hint !== undefined) throw systemError(EINVAL, `bpf(${command})`, hint);
  return new Descriptor(checked(command, result));
}

/** The size of the attributes that it needs: older kernels know no more. */
function sizeFor({ mapExtra, btf }: MapRequest): number {
  if (mapExtra !== 0n) return SIZE.mapCreateExtra;
  return btf === undefined ? SIZE.mapCreate : SIZE.mapCreateBtf;
}

/** `linux/bpf.h` */
const BPF_F_NO_PREALLOC = 1;

/** The known reason why the kernel refused a map; undefined for none. */
function mistakeIn(request: MapRequest): string | undefined {
  const { maxEntries, valueSize, flagBits } = request;
  const type = mapTypeName(request.type);
  if (
    (type === "ringbuf" || type === "user_ringbuf") &&
    (maxEntries === 0 || maxEntries % pageSize() !== 0 ||
      (maxEntries & (maxEntries - 1)) !== 0)
  ) {
    return `maxEntries of a ring buffer is its size in bytes, which must be a power of two and a multiple of the page, ${pageSize()} bytes: it is ${maxEntries}`;
  }
  if ((type === "array" || type === "percpu_array") && valueSize === 0) {
    return `valueSize of a map of type ${type} must be at least 1 byte: it is 0`;
  }
  if (type === "lpm_trie" && (flagBits & BPF_F_NO_PREALLOC) === 0) {
    return "a map of type lpm_trie must have the flag no_prealloc";
  }
  if (type === "lpm_trie" && request.keySize < 5) {
    return `keySize of a map of type lpm_trie must be at least 5, a u32 of the prefix's length in bits and the prefix: it is ${request.keySize}`;
  }
  if (type !== undefined && isLocalStorage(type)) {
    if (request.btf === undefined) {
      return `a map of type ${type} must be made with types: pass a valueType`;
    }
    if (maxEntries !== 0 || (flagBits & BPF_F_NO_PREALLOC) === 0) {
      return `a map of type ${type} must have maxEntries 0 and the flag no_prealloc: its entries are made with what they belong to`;
    }
  }
  if (maxEntries === 0 && type !== undefined && !isUnbounded(type)) {
    return `maxEntries of a map of type ${type} must be at least 1: it is 0${
      type === "perf_event_array" ? "; one for each CPU is possibleCpus()" : ""
    }`;
  }
  if (
    (flagBits & BPF_F_MMAPABLE) !== 0 && type !== undefined &&
    type !== "array" && type !== "arena"
  ) {
    return `a map of type ${type} cannot be mmapable: only array and arena can`;
  }
  return undefined;
}

/** Opens a map by its id. @throws {SystemError} */
export function openById(id: number, readOnly: boolean): Descriptor {
  const { objectId } = clearAttributes();
  objectId.id = id;
  if (readOnly) objectId.openFlags = BPF_F_RDONLY;
  return new Descriptor(
    runChecked("BPF_MAP_GET_FD_BY_ID", SIZE.openById, `the id is ${id}`),
  );
}

/** Freezes a map. @throws {SystemError} if the kernel will not. */
export function freeze(fd: number): void {
  clearAttributes().element.mapFd = fd;
  runChecked("BPF_MAP_FREEZE", SIZE.mapFd);
}
