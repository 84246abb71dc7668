/** What a descriptor's program is. */

import { NotSupportedError } from "../errors.ts";
import { EBADF, EINVAL, systemError, toBigInt } from "../ffi/mod.ts";
import { NativeUint32Array, typedArrayFill } from "../layout/_intrinsics.ts";
import { type Pointer, pointer, sizeOf } from "../layout/mod.ts";
import { clearAttributes, payloadOf, run, SIZE } from "./_attributes.ts";
import { hintFor } from "./_commands.ts";
import { kernelIsOlderThan } from "./_kernel_version.ts";
import {
  clearProgramAttributes,
  KernelProgramInfo,
  PROGRAM_SIZE,
  runProgramCommand,
} from "./_program_attributes.ts";
import type { ProgramInfo } from "./program_info.ts";
import { programTypeName } from "./program_type.ts";

/** `MAX_USED_MAPS` of the kernel: no program uses more. */
const MAPS_MAX = 64;
/** Where the ids of the maps are put, in bytes from the info. */
const IDS_AT = sizeOf(KernelProgramInfo);
const ROOM = IDS_AT + 4 * MAPS_MAX;

function notAProgram(name: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${name} as a BPF program: it is something else`,
  );
}

/**
 * What a descriptor's program is.
 *
 * @param fd The descriptor.
 * @param name What error messages call it.
 * @throws {NotSupportedError} if the descriptor is not a program's.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function programInfoOf(fd: number, name: string): ProgramInfo {
  const { buffer, bytes, address } = payloadOf(ROOM);
  typedArrayFill(bytes, 0, 0, ROOM);
  const raw = pointer(KernelProgramInfo, buffer);
  raw.mapCount = MAPS_MAX;
  raw.mapIds = address + toBigInt(IDS_AT);
  const { objectInfo } = clearAttributes();
  objectInfo.bpfFd = fd;
  objectInfo.infoLen = IDS_AT;
  objectInfo.info = address;
  const command = "BPF_OBJ_GET_INFO_BY_FD";
  const result = run(command, SIZE.objectInfo);
  if (result === -EINVAL) throw notAProgram(name);
  if (result < 0) {
    throw systemError(-result, `bpf(${command})`, hintFor(command, -result));
  }
  if (!isProgram(fd)) throw notAProgram(name);
  return translate(raw, new NativeUint32Array(buffer, IDS_AT, MAPS_MAX));
}

/**
 * Whether a descriptor is a program's. Maps and links have an info as well, and
 * nothing in it tells which. So a map that is none is bound to it: the kernel
 * looks at the program first, and answers EINVAL for what is none.
 */
function isProgram(fd: number): boolean {
  const { bindMap } = clearProgramAttributes();
  bindMap.progFd = fd;
  bindMap.mapFd = NO_DESCRIPTOR;
  const result = runProgramCommand("BPF_PROG_BIND_MAP", PROGRAM_SIZE.bindMap);
  return result === -EBADF || kernelIsOlderThan([5, 10]);
}

/** -1 as the kernel's attributes have it. */
const NO_DESCRIPTOR = 0xffff_ffff;

function translate(
  raw: Pointer<typeof KernelProgramInfo>,
  ids: Uint32Array,
): ProgramInfo {
  const mapIds: number[] = [];
  const used = raw.mapCount;
  for (let i = 0; i < used && i < MAPS_MAX; i++) mapIds[i] = ids[i]!;
  let tag = "";
  for (let i = 0; i < 8; i++) tag += raw.tag[i]!.toString(16).padStart(2, "0");
  return {
    type: programTypeName(raw.type),
    typeNumber: raw.type,
    id: raw.id,
    name: raw.name,
    tag,
    loadTime: raw.loadTime,
    createdByUid: raw.createdByUid,
    gplCompatible: raw.gplCompatible !== 0,
    mapIds,
    btfId: raw.btfId,
    translatedSize: raw.translatedLength,
    jitedSize: raw.jitedLength,
    verifiedInstructions: raw.verifiedInstructions,
    runTime: raw.runTime,
    runCount: raw.runCount,
    recursionMisses: raw.recursionMisses,
  };
}
