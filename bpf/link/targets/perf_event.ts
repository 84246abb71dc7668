/** Attaching to events: those of counters and clocks. */

import {
  check,
  closeDescriptor,
  EBADF,
  EEXIST,
  EINVAL,
  enablePerfEvent,
  toBigInt,
} from "../../../ffi/mod.ts";
import { show } from "../../../base/show.ts";
import {
  requireDescriptor,
  requireU32,
  requireU64,
  requireWhole,
} from "../../../base/arguments.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import type { ProgramType } from "../../program/type.ts";
import { SIZE } from "../../../ffi/bpf/attributes.ts";
import { type EventRequest, withEvent } from "../../../ffi/calls/perf_event.ts";
import { cookieOf } from "./tracing.ts";
import { createLink, requireType, type Way } from "../create.ts";
import type { AttachPerfEvent, PerfEventName } from "../attach_target.ts";

/** A way to an event, for programs of some types. */
export function eventWay(name: string, ...types: ProgramType[]): Way {
  return {
    name,
    since: [5, 15],
    types,
    capability: "CAP_PERFMON",
    hints: {
      [EBADF]: "the descriptor must be of an event of perf_event_open(2)",
      [EINVAL]: "the event does not run programs of this type",
      [EEXIST]: "a program is attached to the event already",
    },
  };
}

const perfEvent = eventWay("an event", "perf_event");
const anyEvent = eventWay("an event", "perf_event", "tracepoint", "kprobe");

/** Attaches to the event of a descriptor, and starts it: the link's descriptor. */
export function linkEvent(
  program: UsedProgram,
  way: Way,
  event: number,
  cookie: bigint,
): number {
  const link = createLink({
    program,
    way,
    target: event,
    attachType: "perf_event",
    size: SIZE.linkCreateCookie,
    fill: ({ perfEvent }) => {
      perfEvent.cookie = cookie;
    },
  });
  const result = enablePerfEvent(event);
  if (result < 0) closeDescriptor(link);
  check(result, "ioctl(PERF_EVENT_IOC_ENABLE)");
  return link;
}

/** `linux/perf_event.h`, `enum perf_type_id`. */
const PERF_TYPE_HARDWARE = 0;
const PERF_TYPE_SOFTWARE = 1;

/** `linux/perf_event.h`, `enum perf_hw_id`, each at its number. */
const hardware: readonly PerfEventName[] = [
  "cpu_cycles",
  "instructions",
  "cache_references",
  "cache_misses",
  "branch_instructions",
  "branch_misses",
  "bus_cycles",
];
/** `linux/perf_event.h`, `enum perf_sw_ids`, each at its number. */
const software: readonly PerfEventName[] = [
  "cpu_clock",
  "task_clock",
  "page_faults",
  "context_switches",
  "cpu_migrations",
  "minor_faults",
  "major_faults",
  "alignment_faults",
  "emulation_faults",
];

function eventOf(
  event: AttachPerfEvent["event"],
): { readonly type: number; readonly config: bigint } {
  if (typeof event === "object" && event !== null) {
    const { type, config } = event;
    return {
      type: requireU32("Event type", type, 0),
      config: requireU64("Event config", config),
    };
  }
  const soft = software.indexOf(event!);
  if (soft >= 0) return { type: PERF_TYPE_SOFTWARE, config: toBigInt(soft) };
  const hard = hardware.indexOf(event!);
  if (hard >= 0) return { type: PERF_TYPE_HARDWARE, config: toBigInt(hard) };
  throw new TypeError(
    `Event must be a name such as "cpu_clock", or type and config; or fd must be given: received ${
      show(event)
    }`,
  );
}

const I32_MAX = 0x7fff_ffff;

/** A number from `least` that fits an `int`; -1 where none is given. */
function numberOrAll(name: string, value: unknown, least: number): number {
  if (value === undefined) return -1;
  const number = requireU32(name, value, least);
  if (number > I32_MAX) {
    throw new RangeError(
      `${name} must be at most ${I32_MAX}: received ${number}`,
    );
  }
  return number;
}

/** The process that was asked for; -1 where none was. */
export function processOf(pid: unknown): number {
  return numberOrAll("Process", pid, 1);
}

function positive(name: string, value: unknown): bigint {
  requireWhole(name, value, 1);
  return toBigInt(value);
}

function periodOf(
  { period, frequency }: AttachPerfEvent,
): Pick<EventRequest, "period" | "byFrequency"> {
  if ((period === undefined) === (frequency === undefined)) {
    throw new TypeError(
      "An event must have either a period or a frequency: " +
        (period === undefined ? "neither is given" : "both are given"),
    );
  }
  return period !== undefined
    ? { period: positive("Period", period) }
    : { period: positive("Frequency", frequency), byFrequency: true };
}

/** Attaches to an event: the link's descriptor. */
export function attachPerfEvent(
  program: UsedProgram,
  options: AttachPerfEvent,
): number {
  const { fd } = options;
  const cookie = cookieOf(options.cookie);
  if (fd !== undefined) {
    requireType(program, anyEvent);
    requireDescriptor(fd);
    return linkEvent(program, anyEvent, fd, cookie);
  }
  requireType(program, perfEvent);
  const request = {
    ...eventOf(options.event),
    pid: processOf(options.pid),
    cpu: numberOrAll("CPU", options.cpu, 0),
    ...periodOf(options),
  };
  if (request.pid < 0 && request.cpu < 0) {
    throw new TypeError(
      "An event must have a pid or a cpu: neither is given; for all CPUs attach once for each",
    );
  }
  return withEvent(
    request,
    (event) => linkEvent(program, perfEvent, event, cookie),
  );
}
