import { requireU64 } from "../../base/arguments.ts";
import type { Holder } from "../kernel_object.ts";
import type { UsedProgram } from "../program/used_program.ts";

/** A kind of target, for the table of all of them. */
export interface TargetKind<Options> {
  /** The options that there are. */
  readonly options: Readonly<Record<string, true>>;
  /** Attaches a program. @throws as `BpfProgram.attach` does. */
  attach(program: UsedProgram, options: Options): Holder;
}

/** A number that a program asks for by `bpf_get_attach_cookie()`. */
export interface AttachCookie {
  /**
   * The number that `bpf_get_attach_cookie()` gives the program, so that one
   * program can tell its links apart; 0 by default (Linux 5.15; 6.10 for raw
   * tracepoints).
   */
  readonly cookie?: bigint | undefined;
}

/** The cookie that options give; 0 by default. @throws {TypeError | RangeError} */
export function cookieOf(cookie: unknown): bigint {
  return cookie === undefined ? 0n : requireU64("Cookie", cookie);
}
