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

/** What helps, whichever call failed. */
const hints: ReadonlyMap<number, string> = new Map([
  [EBADF, "the descriptor is not open, or not open for this"],
  [EFBIG, "raise the limit of file sizes (ulimit -f)"],
  [EMFILE, "raise the limit of open files (ulimit -n)"],
  [ENFILE, "the system's limit of open files is reached (fs.file-max)"],
]);

/** What helps when a call that maps failed. */
const mapHints: ReadonlyMap<number, string> = new Map([
  [EPERM, "the object's seals forbid it, or it is frozen"],
  [EACCES, "the descriptor must be open for reading"],
  [
    EAGAIN,
    "the limit of locked memory is reached (ulimit -l)",
  ],
  [
    ENOMEM,
    "memory, huge pages, address space or the mappings of this process (vm.max_map_count) are exhausted",
  ],
  [ENODEV, "what the descriptor refers to cannot be mapped"],
  [
    EINVAL,
    "the range must lie within the object, and a BPF map must have been made with BPF_F_MMAPABLE",
  ],
  [ENOTSUPP, "this map cannot be mapped: its kind does not support it"],
]);

/** What helps when `bpf(2)` failed. */
const bpfHints: ReadonlyMap<number, string> = new Map([
  [
    EPERM,
    "bpf(2) needs CAP_BPF (CAP_SYS_ADMIN before Linux 5.8); a container's seccomp profile may forbid it; before Linux 5.11 the limit of locked memory (ulimit -l) may be too low",
  ],
  [ENOTSUPP, "this kind of map does not support it"],
]);

function hintFor(errno: number, syscall: string): string | undefined {
  const specific = syscall === "mmap"
    ? mapHints
    : syscall.startsWith("bpf(")
    ? bpfHints
    : undefined;
  return specific?.get(errno) ?? hints.get(errno);
}

/**
 * The error for a failed call.
 *
 * @param errno The positive error number.
 * @param syscall The call that failed: `"mmap"`, `"bpf(BPF_MAP_CREATE)"`.
 * @param hint What is likely to help; by default what is known of the call.
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
