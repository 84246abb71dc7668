/** Opening events: `perf_event_open(2)`. */

import {
  check,
  closeDescriptor,
  EACCES,
  EINVAL,
  EMFILE,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
  openPerfEvent,
} from "../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
  typedArrayFill,
} from "../layout/_intrinsics.ts";
import {
  bits,
  HostLayout,
  padding,
  pointer,
  sizeOf,
  struct,
  u32,
  u64,
} from "../layout/mod.ts";

/** `struct perf_event_attr` up to `config2` (`PERF_ATTR_SIZE_VER1`). */
const Attributes = struct("perf_event_attr", {
  _: HostLayout,
  type: u32,
  size: u32,
  config: u64,
  /** Or the frequency. */
  period: u64,
  sampleType: u64,
  readFormat: u64,
  disabled: bits(u32, 1),
  otherFlags: padding.bits(u32, 9),
  byFrequency: bits(u32, 1),
  moreFlags: padding(4),
  wakeupEvents: u32,
  breakpointType: u32,
  config1: u64,
  config2: u64,
});

/** An event, by the numbers of `linux/perf_event.h`. */
export interface EventRequest {
  readonly type: number;
  readonly config: bigint;
  readonly config1?: bigint;
  readonly config2?: bigint;
  readonly period?: bigint;
  /** Whether the period is a frequency. */
  readonly byFrequency?: boolean;
  /** The process, -1 for all. */
  readonly pid: number;
  /** The CPU, -1 for all. */
  readonly cpu: number;
}

const bytes = new NativeUint8Array(new NativeArrayBuffer(sizeOf(Attributes)));
const attributes = pointer(Attributes, bytes);

const hints: Readonly<Record<number, string>> = {
  [EACCES]:
    "events need CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8), or a lower kernel.perf_event_paranoid",
  [EPERM]:
    "events need CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8), or a lower kernel.perf_event_paranoid; a container's seccomp profile may forbid the call",
  [EINVAL]:
    "there is no such event, or no such CPU, or not with this period or frequency",
  [ENOENT]: "this machine has no such event, as is usual in virtual machines",
  [EOPNOTSUPP]: "this machine's hardware cannot do it",
  [ENODEV]: "there is no such CPU, or it is offline",
  [ESRCH]: "there is no such process",
  [EMFILE]: "raise the limit of open files (ulimit -n)",
};

/**
 * Opens an event, and has something made of it before it is closed again: a link
 * keeps its event.
 *
 * @param request Which event.
 * @param use Makes the link of the event's descriptor.
 * @param own Hints for this kind of event.
 * @throws {SystemError} if the kernel will not.
 */
export function withEvent(
  request: EventRequest,
  use: (fd: number) => number,
  own: Readonly<Record<number, string>> = {},
): number {
  typedArrayFill(bytes, 0);
  attributes.type = request.type;
  attributes.size = sizeOf(Attributes);
  attributes.config = request.config;
  attributes.config1 = request.config1 ?? 0n;
  attributes.config2 = request.config2 ?? 0n;
  attributes.period = request.period ?? 0n;
  attributes.byFrequency = request.byFrequency === true ? 1 : 0;
  attributes.disabled = 1;
  const result = openPerfEvent(bytes, request.pid, request.cpu);
  const hint = own[-result] ?? hints[-result];
  const fd = check(result, "perf_event_open", hint);
  try {
    return use(fd);
  } finally {
    closeDescriptor(fd);
  }
}
