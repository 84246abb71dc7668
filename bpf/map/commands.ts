/** Making maps, opening them by their ids, and freezing them. */

import { BPF_F_RDONLY, EINVAL, EPERM, systemError } from "../../ffi/mod.ts";
import { releaseScratch, scratchBlock } from "../../ffi/block.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import {
  checked,
  clearAttributes,
  run,
  runChecked,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { type MapDefinition, mistakeIn } from "./mistakes.ts";

/** The properties of a new map, in the kernel's numbers. */
export interface MapRequest extends MapDefinition {
  readonly name: string;
  readonly mapExtra: bigint;
  /** A descriptor of a map such as those that a map of maps shall hold. */
  readonly innerFd?: number | undefined;
  /** The NUMA node that its memory is to lie on. */
  readonly numaNode?: number | undefined;
  /** Its types as BTF. */
  readonly btf?: MapBtfRequest | undefined;
  /** A descriptor of the token that allows it. */
  readonly tokenFd?: number | undefined;
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
/** Of maps and of BTF: there is a token. */
const BPF_F_TOKEN_FD = 1 << 16;

/**
 * Loads BTF into the kernel.
 *
 * @param tokenFd A descriptor of the token that allows it.
 * @throws {SystemError} with its reason.
 */
export function loadBtf(bytes: Uint8Array, tokenFd?: number): Descriptor {
  const block = scratchBlock(bytes.length);
  try {
    block.put(bytes);
    const { btfLoad } = clearAttributes();
    btfLoad.btf = block.address;
    btfLoad.btfSize = bytes.length;
    if (tokenFd !== undefined) {
      btfLoad.btfFlags = BPF_F_TOKEN_FD;
      btfLoad.btfTokenFd = tokenFd;
    }
    const size = tokenFd === undefined ? SIZE.btfLoad : SIZE.btfLoadToken;
    return new Descriptor(runChecked("BPF_BTF_LOAD", size));
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
  if (request.tokenFd !== undefined) {
    mapCreate.mapFlags |= BPF_F_TOKEN_FD;
    mapCreate.mapTokenFd = request.tokenFd;
  }
  const size = sizeFor(request);
  const command = "BPF_MAP_CREATE";
  const result = run(command, size);
  const hint = hintOf(request, result);
  if (hint !== undefined) throw systemError(-result, `bpf(${command})`, hint);
  return new Descriptor(checked(command, result));
}

/** Finds what may help with a map that was refused, where its request tells. */
function hintOf(request: MapRequest, result: number): string | undefined {
  if (result === -EINVAL) {
    return mistakeIn(request, {
      types: request.btf !== undefined,
      innerMap: request.innerFd !== undefined,
    });
  }
  return result === -EPERM && request.tokenFd !== undefined
    ? "the token may not allow BPF_MAP_CREATE or this type of map; token.info tells"
    : undefined;
}

/** The size of the attributes that it needs: older kernels know no more. */
function sizeFor({ mapExtra, btf, tokenFd }: MapRequest): number {
  if (tokenFd !== undefined) return SIZE.mapCreateToken;
  if (mapExtra !== 0n) return SIZE.mapCreateExtra;
  return btf === undefined ? SIZE.mapCreate : SIZE.mapCreateBtf;
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
