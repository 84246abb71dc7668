/** Facts about a program, which the kernel tells of a descriptor. */

import { EBADF } from "../../ffi/mod.ts";
import { type Pointer, pointer, sizeOf } from "../../layout/mod.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { kernelIsOlderThan } from "../../ffi/kernel_version.ts";
import { askInfo, isSomethingElse } from "../../ffi/bpf/object_info.ts";
import { scratchBlock } from "../../ffi/block.ts";
import { KernelProgramInfo } from "./kernel_info.ts";
import { type ProgramType, programTypeName } from "./type.ts";

/** Facts about a program (`linux/bpf.h`, `struct bpf_prog_info`). */
export interface ProgramInfo {
  /** Its type; undefined for one that this package does not know. */
  readonly type: ProgramType | undefined;
  /** The number of its type (`enum bpf_prog_type`). */
  readonly typeNumber: number;
  /** Its number in the whole system, for as long as it is loaded. */
  readonly id: number;
  /** The first 15 bytes of its name; empty where it was given none. */
  readonly name: string;
  /** A hash of its instructions, 16 hexadecimal digits, the same at each load. */
  readonly tag: string;
  /** The time at which it was loaded, in nanoseconds since the boot. */
  readonly loadTime: bigint;
  /** The user who loaded it. */
  readonly createdByUid: number;
  /** True if its licence lets it call functions that are for the GPL alone. */
  readonly gplCompatible: boolean;
  /** The ids of the maps that it uses; none without CAP_BPF. */
  readonly mapIds: readonly number[];
  /** The id of the BTF that describes it; 0 without one. */
  readonly btfId: number;
  /** The size of its instructions as the verifier left them, in bytes. */
  readonly translatedSize: number;
  /** The size of its machine code in bytes; 0 where it is interpreted. */
  readonly jitedSize: number;
  /** The number of instructions that the verifier looked at (Linux 5.16). */
  readonly verifiedInstructions: number;
  /**
   * The total time that it has run, in nanoseconds; counted while there is a
   * {@linkcode BpfStatistics}, or the sysctl `kernel.bpf_stats_enabled` is 1.
   */
  readonly runTime: bigint;
  /** The number of times that it has run; counted as `runTime` is. */
  readonly runCount: bigint;
  /**
   * The number of times that it was not run because it was running already
   * (Linux 5.12).
   */
  readonly recursionMisses: bigint;
  /**
   * The id of the type that it is attached to, such as a function, in the BTF of
   * `attachBtfObjectId`; 0 for none (Linux 5.19).
   */
  readonly attachBtfId: number;
  /** The id of that BTF, of the kernel, a module or a program; 0 for none. */
  readonly attachBtfObjectId: number;
}

/** `MAX_USED_MAPS` of the kernel: no program uses more. */
const MAPS_MAX = 64;
/** The offset of the ids of the maps, in bytes from the info. */
const IDS_AT = sizeOf(KernelProgramInfo);
const ROOM = IDS_AT + 4 * MAPS_MAX;

/**
 * Reads the kernel's information about the program of a descriptor.
 *
 * @param fd The descriptor.
 * @param name The name of the descriptor in error messages.
 * @throws {NotSupportedError} if the descriptor is not a program's.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function programInfoOf(fd: number, name: string): ProgramInfo {
  const { buffer, bytes, address } = scratchBlock(ROOM);
  bytes.fill(0, 0, ROOM);
  const raw = pointer(KernelProgramInfo, buffer);
  raw.mapCount = MAPS_MAX;
  raw.mapIds = address + BigInt(IDS_AT);
  askInfo(fd, address, IDS_AT, name, "program");
  if (!isProgram(fd)) throw isSomethingElse(name, "program");
  return translate(raw, new Uint32Array(buffer, IDS_AT, MAPS_MAX));
}

/**
 * Tests whether a descriptor is a program's. Maps and links have an info as
 * well, and nothing in it tells which. So a map that is none is bound to it:
 * the kernel looks at the program first, and answers EINVAL for what is none.
 */
function isProgram(fd: number): boolean {
  const { bindMap } = clearAttributes();
  bindMap.progFd = fd;
  bindMap.mapFd = NO_DESCRIPTOR;
  const result = run("BPF_PROG_BIND_MAP", SIZE.bindMap);
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
    attachBtfId: raw.attachBtfId,
    attachBtfObjectId: raw.attachBtfObjectId,
  };
}
