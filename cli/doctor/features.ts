/** The features that the kernel has for this process, found by trying. */

import {
  type AttachType,
  type BpfFeature,
  BpfMap,
  type CreateMapOptions,
  type ProgramType,
  supports,
} from "../../bpf/mod.ts";
import { Memory, pageSize } from "../../mod.ts";
import { type Finding, limited, missing, ok } from "./check.ts";

/** The reason of a refusal, and the remedy where the error knows one. */
function refused(name: string, error: unknown): Finding {
  const { message, hint } = error as Error & { hint?: string };
  const reason = hint === undefined
    ? message
    : message.replace(`: ${hint}`, "").replace(` (${hint})`, "");
  return missing(
    name,
    reason,
    hint ?? "this kernel, or the privileges of this process, do not allow it",
  );
}

function attempt(name: string, works: string, act: () => void): Finding {
  try {
    act();
    return ok(name, works);
  } catch (error) {
    return refused(name, error);
  }
}

function canMake(name: string, options: CreateMapOptions): Finding {
  return attempt(name, "can be made", () => BpfMap.create(options).close());
}

/** Types of programs that some kernels are built without. */
const PROGRAMS: readonly ProgramType[] = [
  "kprobe",
  "tracepoint",
  "tracing",
  "lsm",
  "struct_ops",
  "perf_event",
  "xdp",
  "sched_cls",
  "cgroup_skb",
  "netfilter",
  "syscall",
];

/** Ways to attach that some kernels are too old for, or built without. */
const WAYS: readonly AttachType[] = [
  "trace_fentry",
  "trace_iter",
  "trace_kprobe_multi",
  "trace_uprobe_multi",
  "tcx_ingress",
  "netkit_primary",
  "cgroup_inet4_connect",
  "lsm_mac",
];

/** Finds which of several features the kernel has. */
function some<N extends string>(
  name: string,
  of: readonly N[],
  feature: (name: N) => BpfFeature,
): Finding {
  try {
    const lacking = of.filter((name) => !supports(feature(name)));
    const found = of.filter((name) => !lacking.includes(name)).join(" ");
    return lacking.length === 0 ? ok(name, found) : limited(
      name,
      `${found}; not ${lacking.join(" ")}`,
      "this kernel is too old for those, built without them, or does not allow them",
    );
  } catch (error) {
    return refused(name, error);
  }
}

/** Memory, maps, rings and programs. */
export function featureFindings(): Finding[] {
  const page = pageSize();
  return [
    attempt("shared memory", "a memfd, mapped", () => {
      using memory = Memory.create(page);
      memory.writeAt(new Uint8Array(1), 0);
    }),
    canMake("maps", { type: "array", keySize: 4, valueSize: 8, maxEntries: 1 }),
    attempt("maps as memory", "mapped, read and written", () => {
      using map = BpfMap.create({
        type: "array",
        valueSize: 8,
        maxEntries: 1,
        flags: ["mmapable"],
      });
      using memory = map.memory();
      memory.writeAt(new Uint8Array(1), 0);
    }),
    canMake("ring buffers", { type: "ringbuf", maxEntries: page }),
    canMake("user ring buffers", { type: "user_ringbuf", maxEntries: page }),
    canMake("arenas", {
      type: "arena",
      maxEntries: 1,
      flags: ["mmapable"],
    }),
    some("programs", PROGRAMS, (program) => ({ program })),
    some("attaching", WAYS, (attach) => ({ attach })),
  ];
}
