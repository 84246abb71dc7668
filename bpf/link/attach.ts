/** From what a program shall be attached to, to a link. */

import { show } from "../../base/show.ts";
import { requireOptions } from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import type { Holder } from "../kernel_object.ts";
import type { UsedProgram } from "../program/used_program.ts";
import { attachCgroup } from "./targets/cgroup.ts";
import { attachPerfEvent } from "./targets/perf_event.ts";
import {
  attachBySection,
  attachSymbol,
  attachUsdt,
} from "./targets/section.ts";
import {
  attachNetfilter,
  attachNetns,
  attachTcx,
  attachXdp,
} from "./targets/network.ts";
import { attachTracepoint, attachUprobe } from "./targets/probe.ts";
import {
  attachIterator,
  attachRawTracepoint,
  attachTracing,
} from "./targets/tracing.ts";
import type { AttachTarget } from "./attach_target.ts";

/**
 * Attaches a program.
 *
 * @param program The program.
 * @param target What to; undefined for what its section says.
 */
export function attach(
  program: UsedProgram,
  target: AttachTarget | undefined,
): Holder {
  if (target === undefined) return attachBySection(program);
  requireOptions(target);
  const { kind } = target;
  if (kind === "usdt") return attachUsdt(program, target);
  if (
    (kind === "uprobe" || kind === "uretprobe") && target.symbol !== undefined
  ) {
    return attachSymbol(program, target);
  }
  return new Descriptor(attachDirectly(program, target));
}

/** Attaches by bpf(2) alone, whoever loaded the program: the link's descriptor. */
function attachDirectly(program: UsedProgram, target: AttachTarget): number {
  switch (target.kind) {
    case "xdp":
      return attachXdp(program, target);
    case "tcx":
      return attachTcx(program, target);
    case "netns":
      return attachNetns(program, target);
    case "netfilter":
      return attachNetfilter(program, target);
    case "cgroup":
      return attachCgroup(program, target);
    case "raw_tracepoint":
      return attachRawTracepoint(program, target);
    case "tracing":
      return attachTracing(program, target);
    case "iterator":
      return attachIterator(program, target);
    case "perf_event":
      return attachPerfEvent(program, target);
    case "tracepoint":
      return attachTracepoint(program, target);
    case "uprobe":
    case "uretprobe":
      return attachUprobe(program, target);
    default:
      throw new TypeError(
        `Kind of target must be a name such as "xdp" or "cgroup": received ${
          show((target as { kind: unknown }).kind)
        }`,
      );
  }
}
