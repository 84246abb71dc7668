/** Tracepoints of the kernel, by way of tracefs. */

import { NotSupportedError } from "../../../errors.ts";
import {
  check,
  closeDescriptor,
  EACCES,
  ENOENT,
  O_RDONLY,
  openFile,
} from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import { withEvent } from "../../../ffi/calls/perf_event.ts";
import { requireType } from "../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../target_kind.ts";
import { eventPoint, linkEvent } from "./event.ts";
import { readNumber } from "../../../ffi/kernel_file.ts";

/** A tracepoint of the kernel (Linux 5.15). Takes a mounted tracefs. */
export interface AttachTracepoint extends AttachCookie {
  /** The kind of target. */
  readonly kind: "tracepoint";
  /** Its category: `"sched"`, `"syscalls"`. */
  readonly category: string;
  /** Its name there: `"sched_switch"`, `"sys_enter_openat"`. */
  readonly name: string;
}

const options = {
  kind: true,
  category: true,
  name: true,
  cookie: true,
} as const satisfies OptionNames<AttachTracepoint>;

const point = eventPoint("a tracepoint", "tracepoint");

/** `linux/perf_event.h`, `enum perf_type_id`. */
const PERF_TYPE_TRACEPOINT = 2;

/** The places of tracefs: since Linux 4.1, and as part of debugfs before. */
const TRACEFS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

const TRACE_NAME = /^[A-Za-z0-9_:-]+$/;

function requireTraceName(name: string, value: unknown): string {
  if (typeof value !== "string" || !TRACE_NAME.test(value)) {
    throw new TypeError(
      `${name} must be of letters, digits and "_": received ${show(value)}`,
    );
  }
  return value;
}

/** The number of a tracepoint. @throws if there is none, or no tracefs. */
function tracepointId(category: string, name: string): number {
  let result = -ENOENT;
  for (const root of TRACEFS) {
    result = readNumber(`${root}/events/${category}/${name}/id`);
    if (result >= 0) return result;
    if (result !== -ENOENT) break;
  }
  if (result === -ENOENT && !isTracefsMounted()) {
    throw new NotSupportedError(
      `Cannot find tracepoint ${category}:${name}: ${NO_TRACEFS}, or attach a raw_tracepoint program, which needs none`,
    );
  }
  const cause = result === -ENOENT
    ? `the kernel has no tracepoint ${category}:${name}`
    : result === -EACCES
    ? "reading tracefs takes root"
    : undefined;
  return check(result, "open", cause);
}

/** The words for what `isTracefsMounted` says no to. */
export const NO_TRACEFS = `tracefs is not mounted at ${
  TRACEFS[0]
}; mount it there (mount -t tracefs none ${TRACEFS[0]})`;

/** Tells whether tracefs is mounted, also if it may not be read. */
export function isTracefsMounted(): boolean {
  return TRACEFS.some((root) => {
    const fd = openFile(`${root}/events`, O_RDONLY);
    if (fd >= 0) closeDescriptor(fd);
    return fd >= 0 || fd === -EACCES;
  });
}

/** Attaching to a tracepoint. */
export const tracepoint: TargetKind<AttachTracepoint> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const category = requireTraceName("Category", given.category);
    const name = requireTraceName("Name of a tracepoint", given.name);
    const cookie = cookieOf(given.cookie);
    const config = BigInt(tracepointId(category, name));
    // Programs of a tracepoint run on every CPU, whichever the event is for.
    return withEvent(
      { type: PERF_TYPE_TRACEPOINT, config, pid: -1, cpu: 0 },
      (event) => linkEvent(program, point, event, cookie),
    );
  },
};
