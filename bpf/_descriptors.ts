/** Getting descriptors of maps, and knowing what they are of. */

import { NotSupportedError } from "../errors.ts";
import { cString, EINVAL, ENOENT, systemError } from "../ffi/mod.ts";
import { typedArrayLength, typedArraySet } from "../layout/_intrinsics.ts";
import {
  askInfo,
  checked,
  clearAttributes,
  payloadOf,
  type RawMapInfo,
  releasePayload,
  run,
  SIZE,
} from "./_attributes.ts";
import { hintFor } from "./_commands.ts";
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

/** Makes a map: its descriptor. @throws {SystemError} if the kernel will not. */
export function createMap(request: MapRequest): number {
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
  return checked("BPF_MAP_CREATE", run("BPF_MAP_CREATE", size));
}

/** `linux/bpf.h`: a descriptor for reading alone. */
const BPF_F_RDONLY = 1 << 3;

/** Opens what is pinned at a path: its descriptor. @throws {SystemError} */
export function openPinned(path: string, readOnly: boolean): number {
  return withPath(path, (pathname) => {
    const { objectPath } = clearAttributes();
    objectPath.pathname = pathname;
    if (readOnly) objectPath.fileFlags = BPF_F_RDONLY;
    return checked("BPF_OBJ_GET", run("BPF_OBJ_GET", SIZE.objectPath));
  });
}

/** Pins a map to a path. @throws {SystemError} if the kernel will not. */
export function pin(fd: number, path: string): void {
  withPath(path, (pathname) => {
    const { objectPath } = clearAttributes();
    objectPath.pathname = pathname;
    objectPath.bpfFd = fd;
    return checked("BPF_OBJ_PIN", run("BPF_OBJ_PIN", SIZE.objectPath));
  });
}

function withPath(path: string, call: (address: bigint) => number): number {
  const text = cString(path);
  const payload = payloadOf(typedArrayLength(text));
  try {
    typedArraySet(payload.bytes, text);
    return call(payload.address);
  } finally {
    releasePayload();
  }
}

/** Opens a map by its id: its descriptor. @throws {SystemError} */
export function openById(id: number, readOnly: boolean): number {
  const { objectId } = clearAttributes();
  objectId.id = id;
  if (readOnly) objectId.openFlags = BPF_F_RDONLY;
  return checked(
    "BPF_MAP_GET_FD_BY_ID",
    run("BPF_MAP_GET_FD_BY_ID", SIZE.objectId),
  );
}

/** The id of the map behind another; undefined after the last. */
export function nextMapId(id: number): number | undefined {
  const { objectId } = clearAttributes();
  objectId.id = id;
  const result = run("BPF_MAP_GET_NEXT_ID", SIZE.objectId);
  if (result === -ENOENT) return undefined;
  checked("BPF_MAP_GET_NEXT_ID", result);
  return objectId.nextId;
}

/** Freezes a map. @throws {SystemError} if the kernel will not. */
export function freeze(fd: number): void {
  clearAttributes().element.mapFd = fd;
  checked("BPF_MAP_FREEZE", run("BPF_MAP_FREEZE", SIZE.mapFd));
}

/**
 * What a descriptor's map is.
 *
 * @param fd The descriptor.
 * @param name What error messages call it.
 * @throws {NotSupportedError} if the descriptor is not a map's.
 * @throws {SystemError} if it is not open.
 */
export function infoOf(fd: number, name: string): MapInfo {
  const raw = askInfo(fd);
  if (typeof raw === "number") {
    if (raw === -EINVAL) throw notAMap(name);
    const command = "BPF_OBJ_GET_INFO_BY_FD";
    throw systemError(-raw, `bpf(${command})`, hintFor(command, -raw));
  }
  const info = translate(raw);
  if (!isMap(fd, info)) throw notAMap(name);
  return info;
}

function notAMap(name: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${name} as a BPF map: it is something else`,
  );
}

function translate(raw: RawMapInfo): MapInfo {
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
