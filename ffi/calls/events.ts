/**
 * Events that BPF programs are attached to, and descriptors of iterators. Each call
 * gives its result or a negative error number.
 */

import { decodeText } from "../c_text.ts";
import { cString } from "./descriptors.ts";
import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libcAttach } from "../libc/functions.ts";
import { platform } from "../libc/platform.ts";

/** `linux/perf_event.h`: close-on-exec (Linux 3.14). */
const PERF_FLAG_FD_CLOEXEC = 8n;
/** `linux/perf_event.h`: `_IO('$', 0)`, the same on x86-64 and aarch64. */
const PERF_EVENT_IOC_ENABLE = 0x2400n;

/**
 * `perf_event_open(2)`: a descriptor, or the negative reason.
 *
 * @param attributes A `struct perf_event_attr`, with its size in it.
 * @param pid The process; -1 for all.
 * @param cpu The CPU; -1 for all.
 */
export function openPerfEvent(
  attributes: Uint8Array,
  pid: number,
  cpu: number,
): number {
  const { perfEventOpen } = platform();
  return resultOf(() =>
    libcAttach().perfEventOpen(
      perfEventOpen,
      attributes as BufferSource,
      pid,
      cpu,
      -1,
      PERF_FLAG_FD_CLOEXEC,
    )
  );
}

/** Starts an event: 0, or the negative reason. */
export function enablePerfEvent(fd: number): number {
  return resultOf(() => libcAttach().ioctl(fd, PERF_EVENT_IOC_ENABLE, 0n));
}

/** `linux/perf_event.h`: `_IOW('$', 9, __u32)` (Linux 4.7) */
const PERF_EVENT_IOC_PAUSE_OUTPUT = 0x40042409n;

/** Has nothing written to an event's ring, or again: 0, or the negative reason. */
export function pauseOutput(fd: number, paused: boolean): number {
  const argument = paused ? 1n : 0n;
  return resultOf(() =>
    libcAttach().ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, argument)
  );
}

/**
 * Reads on: how many bytes, 0 at the end, or the negative reason. For files
 * that have no offsets.
 */
export function readNext(
  fd: number,
  target: Uint8Array,
  length: number,
): number {
  const count = BigInt(length);
  return resultOfOne(() =>
    libcAttach().read(fd, target as BufferSource, count)
  );
}

/** `linux/limits.h`: the size of a path with its NUL. */
const PATH_MAX = 4096;

/** The path that a descriptor was opened by, links resolved; undefined of none. */
export function pathOfDescriptor(fd: number): string | undefined {
  const path = new Uint8Array(PATH_MAX);
  const size = BigInt(PATH_MAX - 1);
  const link = cString(`/proc/self/fd/${fd}`) as BufferSource;
  const length = resultOf(() =>
    libcAttach().readlink(link, path as BufferSource, size)
  );
  return length < 0 ? undefined : decodeText(path);
}
