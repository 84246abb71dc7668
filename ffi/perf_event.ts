import { resultOf } from "./errno.ts";
import { libcPerf } from "./libc.ts";
import { platform } from "./platform.ts";

/** `linux/perf_event.h`: close-on-exec (Linux 3.14). */
const PERF_FLAG_FD_CLOEXEC = 8n;

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
    libcPerf().perfEventOpen(
      perfEventOpen,
      attributes as BufferSource,
      pid,
      cpu,
      -1,
      PERF_FLAG_FD_CLOEXEC,
    )
  );
}
