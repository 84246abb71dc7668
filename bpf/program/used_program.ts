import type { NativeProgram } from "../libbpf/program.ts";
import type { ProgramType } from "./type.ts";

/** A program that is to be run or attached. */
export interface UsedProgram {
  /**
   * Its descriptor. Called last, after everything that a caller's options could
   * do, such as closing it: its number may be another's by then.
   *
   * @throws {ClosedError} if it is closed.
   */
  readonly open: () => number;
  /**
   * The name that messages give it: `"count"`, in quotes, or the number of one
   * unnamed.
   */
  readonly label: string;
  /** Its type; undefined for one that is not known here. */
  readonly type: ProgramType | undefined;
  /** The program as libbpf has it, where libbpf has loaded it. */
  readonly native: NativeProgram | undefined;
}
