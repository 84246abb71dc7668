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
} from "../mod.ts";
import { causeIn, type Causes } from "../errno/causes.ts";
import { readNumber } from "../kernel_file.ts";
import {
  bits,
  HostLayout,
  padding,
  type Pointer,
  pointer,
  sizeOf,
  struct,
  u32,
  u64,
} from "../../layout/mod.ts";

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
  moreFlags: padding.bits(u32, 3),
  watermark: bits(u32, 1),
  lastFlags: padding(4),
  /** Events, or bytes with a watermark. */
  wakeupAfter: u32,
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
  /** The parts of a sample: `PERF_SAMPLE_*`. */
  readonly sampleType?: bigint;
  /** The number of samples after which whoever waits is woken. */
  readonly wakeupEvents?: number | undefined;
  /** The number of bytes instead. */
  readonly watermark?: number | undefined;
  /** True to count from the beginning, not from when it is enabled. */
  readonly enabled?: boolean;
  /** True if the period is a frequency. */
  readonly byFrequency?: boolean;
  /** The process, -1 for all. */
  readonly pid: number;
  /** The CPU, -1 for all. */
  readonly cpu: number;
}

const bytes = new Uint8Array(new ArrayBuffer(sizeOf(Attributes)));
/** Made at the first use, so that importing this costs nothing. */
let attributes: Pointer<typeof Attributes> | undefined;

const PARANOID = "/proc/sys/kernel/perf_event_paranoid";
/** The highest level at which every kernel is content with CAP_PERFMON. */
const CONTENT = 2;

/**
 * Says that the machine may be set to open events for CAP_SYS_ADMIN alone;
 * undefined where it is not. Distributions added the levels above 2.
 */
export function eventRestriction(): string | undefined {
  const level = readNumber(PARANOID);
  return level <= CONTENT
    ? undefined
    : `kernel.perf_event_paranoid is ${level}: above ${CONTENT} some kernels, such as Debian's, open events for CAP_SYS_ADMIN alone`;
}

function wantsCapability(): string {
  const needs = "events need CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8)";
  const restriction = eventRestriction();
  return restriction === undefined
    ? `${needs}, or a lower kernel.perf_event_paranoid`
    : `${needs}; ${restriction}`;
}

/** The call that errors of {@linkcode withEvent} name. */
export const PERF_EVENT_OPEN = "perf_event_open";

/** Hints for an event that cannot be opened, by error number. */
const hints: Readonly<Record<number, string>> = {
  [EINVAL]:
    "there is no such event, or no such CPU, or not with this period or frequency",
  [ENOENT]: "this machine has no such event, as is usual in virtual machines",
  [EOPNOTSUPP]: "this machine's hardware cannot do it",
  [ENODEV]: "there is no such CPU, or it is offline",
  [ESRCH]: "there is no such process",
  [EMFILE]: "raise the limit of open files (ulimit -n)",
};

/** Says why an event cannot be opened; undefined where nothing is known. */
export function eventHint(errno: number): string | undefined {
  switch (errno) {
    case EACCES:
      return wantsCapability();
    case EPERM:
      return `${wantsCapability()}; a container's seccomp profile may forbid the call`;
    default:
      return hints[errno];
  }
}

/** Opens an event: its descriptor, or the negative reason. */
export function openEvent(request: EventRequest): number {
  const fields = attributes ??= pointer(Attributes, bytes);
  bytes.fill(0);
  fields.type = request.type;
  fields.size = sizeOf(Attributes);
  fields.config = request.config;
  fields.config1 = request.config1 ?? 0n;
  fields.config2 = request.config2 ?? 0n;
  fields.period = request.period ?? 0n;
  fields.byFrequency = request.byFrequency === true ? 1 : 0;
  fields.sampleType = request.sampleType ?? 0n;
  fields.watermark = request.watermark === undefined ? 0 : 1;
  fields.wakeupAfter = request.watermark ?? request.wakeupEvents ?? 0;
  fields.disabled = request.enabled === true ? 0 : 1;
  return openPerfEvent(bytes, request.pid, request.cpu);
}

/**
 * Opens an event, and has something made of it before it is closed again: a link
 * keeps its event.
 *
 * @param request The event to open.
 * @param use Makes the link of the event's descriptor.
 * @param own The causes of errors for this kind of event.
 * @throws {SystemError} if the kernel will not.
 */
export function withEvent<R>(
  request: EventRequest,
  use: (fd: number) => R,
  own: Causes = {},
): R {
  const result = openEvent(request);
  const hint = causeIn(own, -result) ?? eventHint(-result);
  const fd = check(result, PERF_EVENT_OPEN, hint);
  try {
    return use(fd);
  } finally {
    closeDescriptor(fd);
  }
}
