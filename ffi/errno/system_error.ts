/**
 * From a negative error number to a {@linkcode SystemError} that helps.
 */

import { SystemError } from "../../errors.ts";
import {
  EACCES,
  EAGAIN,
  EBADF,
  EFBIG,
  EINVAL,
  EMFILE,
  ENFILE,
  ENODEV,
  ENOMEM,
  ENOTSUPP,
  EPERM,
} from "../constants.ts";
import { errnoEntry } from "./errno_table.ts";

/** Hints for any call that failed, by error number. */
const hints: Readonly<Record<number, string>> = {
  [EBADF]: "the descriptor is not open, or not open for this",
  [EFBIG]: "the limit of file sizes may be reached (ulimit -f)",
  [EMFILE]: "the limit of open files is reached (ulimit -n)",
  [ENFILE]: "the system's limit of open files is reached (fs.file-max)",
};

/** Hints for a call that failed to map, by error number. */
const mapHints: Readonly<Record<number, string>> = {
  [EPERM]: "the object's seals may forbid it, or it is frozen",
  [EACCES]:
    "the descriptor may not be open for reading, or the object not take a shared mapping",
  [EAGAIN]: "the limit of locked memory may be reached (ulimit -l)",
  [ENOMEM]:
    "memory, huge pages, address space or the mappings of this process (vm.max_map_count) may be exhausted",
  [ENODEV]: "what the descriptor refers to cannot be mapped",
  [EINVAL]:
    "the range may not lie within the object, or a BPF map not have been made with BPF_F_MMAPABLE",
  [ENOTSUPP]: "this map cannot be mapped: its kind does not support it",
};

function hintFor(errno: number, syscall: string): string | undefined {
  return (syscall === "mmap" ? mapHints[errno] : undefined) ?? hints[errno];
}

/**
 * The error for a failed call.
 *
 * @param errno The positive error number.
 * @param syscall The call that failed: `"mmap"`, `"bpf(BPF_MAP_CREATE)"`.
 * @param hint A hint that may help; by default what is known of the call.
 */
export function systemError(
  errno: number,
  syscall: string,
  hint: string | undefined = hintFor(errno, syscall),
): SystemError {
  return new SystemError({ ...errnoEntry(errno), errno, syscall, hint });
}

/**
 * Passes a result on, or throws the error that it is.
 *
 * @param result A result or a negative error number.
 * @param syscall The call that gave it.
 * @param hint As in {@linkcode systemError}.
 * @throws {SystemError} if the result is negative.
 */
export function check(result: number, syscall: string, hint?: string): number {
  if (result < 0) throw systemError(-result, syscall, hint);
  return result;
}
