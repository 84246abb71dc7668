/** Attaching to events of `perf_event_open(2)`, whatever they are of. */

import {
  check,
  EBADF,
  EEXIST,
  EINVAL,
  enablePerfEvent,
} from "../../../ffi/mod.ts";
import { requireU32 } from "../../../base/arguments.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import { SIZE } from "../../../ffi/bpf/attributes.ts";
import type { Causes } from "../../../ffi/errno/causes.ts";
import type { ProgramType } from "../../program/type.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { type AttachPoint, createLink } from "../commands.ts";
import { otherProbes } from "../loaded_for.ts";

/** The attach point of an event, for programs of some types. */
export function eventPoint(name: string, ...types: ProgramType[]): AttachPoint {
  return {
    name,
    since: [5, 15],
    types,
    capability: "CAP_PERFMON",
    causes: {
      [EBADF]: "the descriptor must be of an event of perf_event_open(2)",
      [EEXIST]: "a program is attached to the event already",
    },
  };
}

/** Attaches to the event of a descriptor, and starts it. */
export function linkEvent(
  program: UsedProgram,
  point: AttachPoint,
  event: number,
  cookie: bigint,
): Descriptor {
  const causes: Causes = {
    ...point.causes,
    [EINVAL]: () =>
      (point.types.includes("kprobe")
        ? otherProbes(program, undefined)
        : undefined) ?? "the event does not run programs of this type",
  };
  const link = createLink({
    program,
    point: { ...point, causes },
    target: event,
    attachType: "perf_event",
    size: SIZE.linkCreateCookie,
    fill: ({ perfEvent }) => {
      perfEvent.cookie = cookie;
    },
  });
  try {
    check(enablePerfEvent(event), "ioctl(PERF_EVENT_IOC_ENABLE)");
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

const I32_MAX = 0x7fff_ffff;

/** A number from `least` that fits an `int`; -1 where none is given. */
export function numberOrAll(
  name: string,
  value: unknown,
  least: number,
): number {
  if (value === undefined) return -1;
  const number = requireU32(name, value, least);
  if (number > I32_MAX) {
    throw new RangeError(
      `${name} must be at most ${I32_MAX}: received ${number}`,
    );
  }
  return number;
}

/** The process that options ask for; -1 where they ask for none. */
export function processOf(pid: unknown): number {
  return numberOrAll("Process", pid, 1);
}
