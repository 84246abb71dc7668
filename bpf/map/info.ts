/** Facts about a map, which the kernel tells of a descriptor. */

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
import { type MapFlag, mapFlagNames } from "./flag.ts";
import { type MapType, mapTypeName } from "./type.ts";

/**
 * The kernel's information about a map (`linux/bpf.h`, `struct bpf_map_info`).
 */
export interface MapInfo {
  /** Its type; undefined for one that this package does not know. */
  readonly type: MapType | undefined;
  /** The number of its type (`enum bpf_map_type`). */
  readonly typeNumber: number;
  /** Its number in the whole system, for as long as it exists. */
  readonly id: number;
  /** The size of a key in bytes. */
  readonly keySize: number;
  /** The size of a value in bytes. */
  readonly valueSize: number;
  /**
   * The number of entries it has room for; the size in bytes of a ring buffer, in
   * pages of an arena.
   */
  readonly maxEntries: number;
  /** Its flags, those that this package knows. */
  readonly flags: readonly MapFlag[];
  /** Its flags as a number (`BPF_F_*`). */
  readonly flagBits: number;
  /** Its name; empty where it was given none. */
  readonly name: string;
  /**
   * The number that some types of map need besides (`map_extra`, Linux 5.16).
   */
  readonly mapExtra: bigint;
  /** The id of the BTF that describes keys and values; 0 without one. */
  readonly btfId: number;
  /** The id in that BTF of the type of keys. */
  readonly btfKeyTypeId: number;
  /** The id in that BTF of the type of values. */
  readonly btfValueTypeId: number;
}

/** A map that is open, or was: as much of a `BpfMap` as its entries take. */
export interface OpenMap {
  /** Its descriptor. @throws {ClosedError} if it is closed. */
  readonly fd: number;
  /** The kernel's information about it. */
  readonly info: MapInfo;
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
 * Reads the kernel's information about the map of a descriptor.
 *
 * @param fd The descriptor.
 * @param name The name of the descriptor in error messages.
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
 * Tests whether a descriptor is a map's: programs and links have an info as
 * well, and nothing in it tells which. So it is asked for its first key, with
 * nowhere to put it. What is not a map answers EINVAL; of maps only queues and
 * stacks do.
 */
function isMap(fd: number, { type, keySize }: MapInfo): boolean {
  clearAttributes().element.mapFd = fd;
  const result = run("BPF_MAP_GET_NEXT_KEY", SIZE.element);
  if (result !== -EINVAL) return true;
  return (type === "queue" || type === "stack") && keySize === 0;
}
