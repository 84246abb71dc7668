/** What a descriptor's map is. */

import { EINVAL } from "../../ffi/mod.ts";
import {
  HostLayout,
  sizeOf,
  struct,
  text,
  u32,
  u64,
  type View,
  view,
} from "../../layout/mod.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { askInfo, isSomethingElse } from "../../ffi/bpf/object_info.ts";
import { scratchBlock } from "../../ffi/block.ts";
import { mapFlagNames } from "./flag.ts";
import type { MapInfo } from "./info.ts";
import { mapTypeName } from "./type.ts";

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
export function mapInfoOf(fd: number, name: string): MapInfo {
  const size = sizeOf(KernelMapInfo);
  const { buffer, bytes, address } = scratchBlock(size);
  bytes.fill(0, 0, size);
  askInfo(fd, address, size, name, "map");
  const info = translate(view(KernelMapInfo, buffer));
  if (!isMap(fd, info)) throw isSomethingElse(name, "map");
  return info;
}

function translate(raw: View<typeof KernelMapInfo>): MapInfo {
  return Object.freeze({
    type: mapTypeName(raw.type),
    typeNumber: raw.type,
    id: raw.id,
    keySize: raw.keySize,
    valueSize: raw.valueSize,
    maxEntries: raw.maxEntries,
    flags: Object.freeze(mapFlagNames(raw.mapFlags)),
    flagBits: raw.mapFlags,
    name: raw.name,
    mapExtra: raw.mapExtra,
    btfId: raw.btfId,
    btfKeyTypeId: raw.btfKeyTypeId,
    btfValueTypeId: raw.btfValueTypeId,
  });
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
