/** Functions of programs and libraries, and other places in them. */

import { NotSupportedError } from "../../../../errors.ts";
import { EACCES, EINVAL, EIO, ENOENT, EPERM } from "../../../../ffi/mod.ts";
import {
  type OptionNames,
  requireOffset,
  requireText,
  requireU32,
} from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import { withText } from "../../../../ffi/block.ts";
import { withEvent } from "../../../../ffi/calls/perf_event.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import { type AttachPoint, requireType } from "../../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../../target_kind.ts";
import { functionOffset } from "./elf_symbols.ts";
import { eventPoint, linkEvent, processOf } from "../event.ts";
import { readNumber } from "../../../../ffi/kernel_file.ts";
import { programFile } from "./program_file.ts";

/**
 * A function of a program or library: where it begins, or where it returns
 * (Linux 5.15).
 */
export interface AttachUprobe extends AttachCookie {
  /** `"uprobe"` for the function's beginning, `"uretprobe"` for its return. */
  readonly kind: "uprobe" | "uretprobe";
  /**
   * The path of the file, or a `file:` URL. A name without `/` is of a file in
   * the working directory, or else of a library or program of the system, such
   * as `"libc.so.6"`. Deno's permission is asked for the file that is found.
   */
  readonly path: string | URL;
  /**
   * The function's name, in `.symtab` or `.dynsym`; `"name@VERSION"` for one of
   * several versions of it.
   */
  readonly symbol?: string | undefined;
  /**
   * The number of bytes after the symbol's beginning; without a symbol, after
   * the file's. 0 by default with a symbol.
   */
  readonly offset?: number | undefined;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
  /**
   * The offset in the file of a counter, an `unsigned short` that the kernel counts
   * up while the probe is there, in every process (Linux 4.20): the semaphore of a
   * USDT probe, by which the program sees whether to prepare its arguments.
   */
  readonly refCounterOffset?: number | undefined;
}

const options = {
  kind: true,
  path: true,
  symbol: true,
  offset: true,
  pid: true,
  cookie: true,
  refCounterOffset: true,
} as const satisfies OptionNames<AttachUprobe>;

/** A function, or another place in a program. */
export const uprobePoint: AttachPoint = eventPoint(
  "a function of a program",
  "kprobe",
);

/**
 * The privilege that the kernel asks for: `perf_uprobe_event_init` wants
 * CAP_SYS_ADMIN, where other events are content with CAP_PERFMON.
 */
export const uprobePrivilege =
  "probes in programs need CAP_SYS_ADMIN: CAP_BPF and CAP_PERFMON do not suffice";

/** The event source of uprobes. */
const SOURCE = "/sys/bus/event_source/devices/uprobe";

/** Attaching to a function of a program. */
export const uprobe: TargetKind<AttachUprobe> = {
  options,
  attach(program, given) {
    requireType(program, uprobePoint);
    const pid = processOf(given.pid);
    const cookie = cookieOf(given.cookie);
    const { kind, symbol, offset, refCounterOffset = 0 } = given;
    requireU32("Offset of a counter", refCounterOffset, 0);
    const name = symbol === undefined
      ? undefined
      : requireText("Symbol", symbol);
    requirePlace(name, offset);
    const path = programFile(given.path);
    const at = name === undefined
      ? offset!
      : functionOffset(path, name) + (offset ?? 0);
    return attachAt(program, {
      path,
      offset: at,
      returns: kind === "uretprobe",
      pid,
      cookie,
      counter: refCounterOffset,
    });
  },
};

/** A place in a file to be probed. */
export interface UprobePlace {
  /** An absolute path, which the program may read. */
  readonly path: string;
  readonly offset: number;
  readonly returns: boolean;
  /** The process; -1 for all. */
  readonly pid: number;
  readonly cookie: bigint;
  /** The offset of a counter; 0 for none. */
  readonly counter: number;
}

/** Attaches to one place in a file. */
export function attachAt(
  program: UsedProgram,
  { path, offset, returns, pid, cookie, counter }: UprobePlace,
): Descriptor {
  const type = readNumber(`${SOURCE}/type`);
  if (type < 0) {
    throw new NotSupportedError(
      `Attaching to a function of a program needs a kernel with uprobes, Linux 4.17 or later: ${SOURCE} cannot be read`,
    );
  }
  return withText(path, (address) =>
    withEvent(
      {
        type,
        // As the format of the event source has it: bit 0 is `retprobe`, and from
        // bit 32 on is `ref_ctr_offset`.
        config: (returns ? 1n : 0n) | BigInt(counter) << 32n,
        config1: address,
        config2: BigInt(offset),
        pid,
        cpu: pid < 0 ? 0 : -1,
      },
      (event) => linkEvent(program, uprobePoint, event, cookie),
      {
        [EACCES]: uprobePrivilege,
        [EPERM]: uprobePrivilege,
        [ENOENT]: `there is no file "${path}"`,
        [EINVAL]: counterMistake(counter) ??
          `"${path}" is not a file of code, has no instruction at offset ${offset}, or another probe there has another counter`,
        [EIO]:
          `"${path}" has no pages in memory, as files of /proc and /sys have none`,
      },
    ));
}

/** A counter is an `unsigned short`, which the kernel wants to be aligned. */
export function counterMistake(offset: number): string | undefined {
  return offset % 2 === 0
    ? undefined
    : `the offset of a counter must be a multiple of 2: it is ${offset}`;
}

function requirePlace(symbol: string | undefined, offset: unknown): void {
  if (symbol !== undefined) {
    if (offset !== undefined) requireOffset(offset);
    return;
  }
  if (!Number.isSafeInteger(offset) || (offset as number) < 0) {
    throw new RangeError(
      `Offset must be a whole number of bytes from 0, or a symbol must be given: received ${
        show(offset)
      }`,
    );
  }
}
