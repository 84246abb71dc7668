/** Making maps, opening them by their ids, and freezing them. */

import { BPF_F_RDONLY } from "../../ffi/mod.ts";
import { Descriptor } from "../../memory/_descriptor.ts";
import { clearAttributes, runChecked, SIZE } from "../syscall/_attributes.ts";

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
