/** Events of counters and clocks. */

import {
  type OptionNames,
  requireDescriptor,
  requireU32,
  requireU64,
  requireWhole,
} from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import { type EventRequest, withEvent } from "../../../ffi/calls/perf_event.ts";
import { requireType } from "../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../target_kind.ts";
import { eventPoint, linkEvent, numberOrAll, processOf } from "./event.ts";

/**
 * An event of the kernel's performance counters, such as every so many
 * nanoseconds of a CPU's time (Linux 5.15). An event belongs to one CPU, one
 * thread, or both: for all CPUs there is `attachToCpus`.
 */
export interface AttachPerfEvent extends AttachCookie {
  /** The kind of target. */
  readonly kind: "perf_event";
  /** A descriptor of `perf_event_open(2)`, in place of all that follows. */
  readonly fd?: number | undefined;
  /** The event, by its name or its numbers. */
  readonly event?: PerfEventName | PerfEvent | undefined;
  /**
   * The thread of that number; that of a process is its first thread, which in
   * Deno runs all but Workers. By default all threads of all processes.
   */
  readonly pid?: number | undefined;
  /** The CPU; by default all of them, where a thread is given. */
  readonly cpu?: number | undefined;
  /** The number of events, or nanoseconds of a clock, from run to run. */
  readonly period?: number | undefined;
  /** The approximate number of runs in a second, in place of a period. */
  readonly frequency?: number | undefined;
}

/** An event by its numbers in `linux/perf_event.h`. */
export interface PerfEvent {
  /** `enum perf_type_id`, or a number from `/sys/bus/event_source/devices`. */
  readonly type: number;
  /** The event of that type. */
  readonly config: bigint;
}

/** An event by its name, that of `perf list` with `_` for `-`. */
export type PerfEventName =
  | "cpu_cycles"
  | "instructions"
  | "cache_references"
  | "cache_misses"
  | "branch_instructions"
  | "branch_misses"
  | "bus_cycles"
  | "cpu_clock"
  | "task_clock"
  | "page_faults"
  | "context_switches"
  | "cpu_migrations"
  | "minor_faults"
  | "major_faults"
  | "alignment_faults"
  | "emulation_faults";

const options = {
  kind: true,
  fd: true,
  event: true,
  pid: true,
  cpu: true,
  period: true,
  frequency: true,
  cookie: true,
} as const satisfies OptionNames<AttachPerfEvent>;

const point = eventPoint("an event", "perf_event");
const anyEvent = eventPoint("an event", "perf_event", "tracepoint", "kprobe");

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

function eventOf(event: AttachPerfEvent["event"]): PerfEvent {
  if (typeof event === "object" && event !== null) {
    const { type, config } = event;
    return {
      type: requireU32("Event type", type, 0),
      config: requireU64("Event config", config),
    };
  }
  const soft = software.indexOf(event!);
  if (soft >= 0) return { type: PERF_TYPE_SOFTWARE, config: BigInt(soft) };
  const hard = hardware.indexOf(event!);
  if (hard >= 0) return { type: PERF_TYPE_HARDWARE, config: BigInt(hard) };
  throw new TypeError(
    `Event must be a name such as "cpu_clock", or type and config; or fd must be given: received ${
      show(event)
    }`,
  );
}

function positive(name: string, value: unknown): bigint {
  requireWhole(name, value, 1);
  return BigInt(value);
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

/** Attaching to an event. */
export const perfEvent: TargetKind<AttachPerfEvent> = {
  options,
  attach(program, given) {
    const { fd } = given;
    const cookie = cookieOf(given.cookie);
    if (fd !== undefined) {
      requireType(program, anyEvent);
      requireDescriptor(fd);
      return linkEvent(program, anyEvent, fd, cookie);
    }
    requireType(program, point);
    const request = {
      ...eventOf(given.event),
      pid: processOf(given.pid),
      cpu: numberOrAll("CPU", given.cpu, 0),
      ...periodOf(given),
    };
    if (request.pid < 0 && request.cpu < 0) {
      throw new TypeError(
        "An event must have a pid or a cpu: neither is given; for all CPUs there is attachToCpus()",
      );
    }
    return withEvent(
      request,
      (event) => linkEvent(program, point, event, cookie),
    );
  },
};
