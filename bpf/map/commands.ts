/** Making maps, opening them by their ids, and freezing them. */

import {
  BPF_F_MMAPABLE,
  BPF_F_RDONLY,
  EINVAL,
  pageSize,
  systemError,
} from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import {
  checked,
  clearAttributes,
  run,
  runChecked,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { type MapType, mapTypeName } from "./type.ts";

/** What a new map shall be, in the kernel's numbers. */
export interface MapRequest {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flagBits: number;
  readonly name: string;
  readonly mapExtra: bigint;
  /** A descriptor of a map such as those that a map of maps shall hold. */
  readonly innerFd: number | undefined;
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
  const size = request.mapExtra === 0n ? SIZE.mapCreate : SIZE.mapCreateExtra;
  const command = "BPF_MAP_CREATE";
  const result = run(command, size);
  const hint = result === -EINVAL ? mistakeIn(request) : undefined;
  if (hint !== undefined) throw systemError(EINVAL, `bpf(${command})`, hint);
  return new Descriptor(checked(command, result));
}

/** `linux/bpf.h` */
const BPF_F_NO_PREALLOC = 1;

/** True for maps that grow with what they belong to: their size must be 0. */
function isUnbounded(type: MapType): boolean {
  return type.endsWith("_storage");
}

/** What the kernel is known not to take of what it refused; undefined for nothing. */
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
