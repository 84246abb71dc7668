/** Functions of the kernel, and its system calls. */

import { NotSupportedError, SystemError } from "../../../../errors.ts";
import {
  EACCES,
  EILSEQ,
  EINVAL,
  ENOENT,
  EPERM,
  systemError,
} from "../../../../ffi/mod.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import {
  type OptionNames,
  requireOffset,
  requireText,
} from "../../../../base/arguments.ts";
import { withText } from "../../../../ffi/block.ts";
import {
  PERF_EVENT_OPEN,
  withEvent,
} from "../../../../ffi/calls/perf_event.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import { eventPrivilegeText, requireType } from "../../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../../target_kind.ts";
import { eventPoint, linkEvent } from "../event.ts";
import { readNumber } from "../../../../ffi/kernel_file.ts";

/**
 * A function of the kernel: where it begins, or another place in it, or where it
 * returns (Linux 5.15).
 */
export interface AttachKprobe extends AttachCookie {
  /** `"kprobe"` for the function's beginning, `"kretprobe"` for its return. */
  readonly kind: "kprobe" | "kretprobe";
  /** The function's name, as `/proc/kallsyms` has it: `"do_unlinkat"`. */
  readonly function: string;
  /** The number of bytes after the function's beginning; 0 by default. */
  readonly offset?: number | undefined;
}

/** A system call: where it begins, or where it returns (Linux 5.15). */
export interface AttachKsyscall extends AttachCookie {
  /** `"ksyscall"` for the call's beginning, `"kretsyscall"` for its return. */
  readonly kind: "ksyscall" | "kretsyscall";
  /** The name of the system call: `"unlinkat"`. */
  readonly name: string;
}

const kprobeOptions = {
  kind: true,
  function: true,
  offset: true,
  cookie: true,
} as const satisfies OptionNames<AttachKprobe>;

const ksyscallOptions = {
  kind: true,
  name: true,
  cookie: true,
} as const satisfies OptionNames<AttachKsyscall>;

const point = eventPoint("a function of the kernel", "kprobe");

/** The number of the event source of kprobes. */
const SOURCE = "/sys/bus/event_source/devices/kprobe/type";

/** The words for what `hasKprobes` says no to. */
export const NO_KPROBES =
  `that takes a kernel with kprobes (CONFIG_KPROBES), Linux 4.17 or later: ${SOURCE} cannot be read`;

/** Tells whether the kernel has kprobes, as far as its files say. */
export function hasKprobes(): boolean {
  return readNumber(SOURCE) >= 0;
}

/** A place in the kernel to be probed. */
export interface KprobePlace {
  readonly function: string;
  readonly offset: number;
  readonly returns: boolean;
  readonly cookie: bigint;
}

/** Attaching to a function of the kernel. */
export const kprobe: TargetKind<AttachKprobe> = {
  options: kprobeOptions,
  attach(program, given) {
    requireType(program, point);
    const name = requireText("Function", given.function);
    const { kind, offset = 0 } = given;
    requireOffset(offset);
    const returns = kind === "kretprobe";
    if (returns && offset !== 0) {
      throw new RangeError(
        `A kretprobe must have the offset 0, since it is where the function returns: received ${offset}`,
      );
    }
    const cookie = cookieOf(given.cookie);
    return attachAt(program, { function: name, offset, returns, cookie });
  },
};

/** The functions of system calls begin so, by processor. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  "x86_64": ["__x64_sys_", "__se_sys_", "sys_"],
  "aarch64": ["__arm64_sys_", "__se_sys_", "sys_"],
};

/** Attaching to a system call. */
export const ksyscall: TargetKind<AttachKsyscall> = {
  options: ksyscallOptions,
  attach(program, given) {
    requireType(program, point);
    const name = requireText("Name of a system call", given.name);
    const returns = given.kind === "kretsyscall";
    const cookie = cookieOf(given.cookie);
    let last: SystemError | undefined;
    for (const prefix of PREFIXES[Deno.build.arch] ?? ["sys_"]) {
      const place = { function: prefix + name, offset: 0, returns, cookie };
      try {
        return attachAt(program, place);
      } catch (error) {
        const isAbsent = error instanceof SystemError &&
          error.syscall === PERF_EVENT_OPEN &&
          (error.errno === ENOENT || error.errno === EINVAL);
        if (!isAbsent) throw error;
        last = error;
      }
    }
    const { errno, syscall } = last!;
    throw systemError(errno, syscall, absenceOfCall(name));
  },
};

/** Says that a function is not there, or is one of those that have no probes. */
export function absenceOfFunction(name: string): string {
  return `the kernel has no function "${name}", or it may not be probed (/sys/kernel/debug/kprobes/blacklist)`;
}

/** The same of a system call. */
export function absenceOfCall(name: string): string {
  return `the kernel has no system call "${name}", or it may not be probed`;
}

/** Attaches to one place in the kernel. */
export function attachAt(program: UsedProgram, place: KprobePlace): Descriptor {
  const type = readNumber(SOURCE);
  if (type < 0) {
    throw new NotSupportedError(
      `Cannot attach to a function of the kernel: ${NO_KPROBES}`,
    );
  }
  const { function: name, offset, returns, cookie } = place;
  const where = offset === 0 ? `"${name}"` : `"${name}"+${offset}`;
  const privilege = () =>
    `attaching to a function of the kernel needs ${eventPrivilegeText()}`;
  const absence = absenceOfFunction(name);
  return withText(name, (address) =>
    withEvent(
      {
        type,
        // Bit 0 is `retprobe`, as the format of the event source has it.
        config: returns ? 1n : 0n,
        config1: address,
        config2: BigInt(offset),
        pid: -1,
        cpu: 0,
      },
      (event) => linkEvent(program, point, event, cookie),
      {
        [EACCES]: privilege,
        [EPERM]: privilege,
        [ENOENT]: absence,
        [EINVAL]: absence,
        [EILSEQ]: `no instruction begins at ${where}`,
      },
    ));
}
