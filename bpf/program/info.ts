import type { ProgramType } from "./type.ts";

/** What the kernel tells of a program (`linux/bpf.h`, `struct bpf_prog_info`). */
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
  /** When it was loaded, in nanoseconds since the system was started. */
  readonly loadTime: bigint;
  /** Which user loaded it. */
  readonly createdByUid: number;
  /** Whether its licence lets it call functions that are for the GPL alone. */
  readonly gplCompatible: boolean;
  /** The ids of the maps that it uses; none without CAP_BPF. */
  readonly mapIds: readonly number[];
  /** The id of the BTF that describes it; 0 without one. */
  readonly btfId: number;
  /** The size of its instructions as the verifier left them, in bytes. */
  readonly translatedSize: number;
  /** The size of its machine code in bytes; 0 where it is interpreted. */
  readonly jitedSize: number;
  /** How many instructions the verifier looked at (Linux 5.16). */
  readonly verifiedInstructions: number;
  /**
   * How long it has run in all, in nanoseconds; counted while there is a
   * {@linkcode BpfStatistics}, or the sysctl `kernel.bpf_stats_enabled` is 1.
   */
  readonly runTime: bigint;
  /** How often it has run; counted as `runTime` is. */
  readonly runCount: bigint;
  /** How often it was not run because it was running already (Linux 5.12). */
  readonly recursionMisses: bigint;
}
