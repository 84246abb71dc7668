/** Getting descriptors of maps, and knowing what they are of. */

import { BPF_F_RDONLY, EINVAL } from "../ffi/mod.ts";
import { typedArrayFill } from "../layout/_intrinsics.ts";
import {
  HostLayout,
  sizeOf,
  struct,
  text,
  u32,
  u64,
  type View,
  view,
} from "../layout/mod.ts";
import { Descriptor } from "../memory/_descriptor.ts";
import { clearAttributes, run, runChecked, SIZE } from "./_attributes.ts";
import { askInfo, isSomethingElse } from "./_object_info.ts";
import { payloadOf } from "./_payload.ts";
import { mapFlagNames } from "./map_flag.ts";
import type { MapInfo } from "./map_info.ts";
import { mapTypeName } from "./map_type.ts";

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
  return new Descriptor(runChecked("BPF_MAP_CREATE", size));
}

/** Opens a map by its id. @throws {SystemError} */
export function openById(id: number, readOnly: boolean): Descriptor {
  const { objectId } = clearAttributes();
  objectId.id = id;
  if (readOnly) objectId.openFlags = BPF_F_RDONLY;
  return new Descriptor(runChecked("BPF_MAP_GET_FD_BY_ID", SIZE.openById));
}

/** Freezes a map. @throws {SystemError} if the kernel will not. */
export function freeze(fd: number): void {
  clearAttributes().element.mapFd = fd;
  runChecked("BPF_MAP_FREEZE", SIZE.mapFd);
}

/** `struct bpf_map_info` of Linux 5.16; older ones lack its end. */
const KernelMapInfo = struct("bpf_map_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  mapFlags: u32,
  name: text(16),
  ifindex: u32,
  btfVmlinuxValueTypeId: u32,
  netnsDev: u64,
  netnsIno: u64,
  btfId: u32,
  btfKeyTypeId: u32,
  btfValueTypeId: u32,
  btfVmlinuxId: u32,
  mapExtra: u64,
});

/**
 * What a descriptor's map is.
 *
 * @param fd The descriptor.
 * @param name What error messages call it.
 * @throws {NotSupportedError} if the descriptor is not a map's.
 * @throws {SystemError} if it is not open.
 */
export function infoOf(fd: number, name: string): MapInfo {
  const size = sizeOf(KernelMapInfo);
  const { buffer, bytes, address } = payloadOf(size);
  typedArrayFill(bytes, 0, 0, size);
  askInfo(fd, address, size, name, "map");
  const info = translate(view(KernelMapInfo, buffer));
  if (!isMap(fd, info)) throw isSomethingElse(name, "map");
  return info;
}

function translate(raw: View<typeof KernelMapInfo>): MapInfo {
  return {
    type: mapTypeName(raw.type),
    typeNumber: raw.type,
    id: raw.id,
    keySize: raw.keySize,
    valueSize: raw.valueSize,
    maxEntries: raw.maxEntries,
    flags: mapFlagNames(raw.mapFlags),
    flagBits: raw.mapFlags,
    name: raw.name,
    mapExtra: raw.mapExtra,
    btfId: raw.btfId,
    btfKeyTypeId: raw.btfKeyTypeId,
    btfValueTypeId: raw.btfValueTypeId,
  };
}

/**
 * Whether a descriptor is a map's: programs and links have an info as well, and
 * nothing in it tells which. So it is asked for its first key, with nowhere to
 * put it. What is not a map answers EINVAL; of maps only queues and stacks do.
 */
function isMap(fd: number, { type, keySize }: MapInfo): boolean {
  clearAttributes().element.mapFd = fd;
  const result = run("BPF_MAP_GET_NEXT_KEY", SIZE.element);
  if (result !== -EINVAL) return true;
  return (type === "queue" || type === "stack") && keySize === 0;
}
