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
import { lackingText } from "./kernel_config.ts";

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

/** Types of programs that some kernels are built without, and the option of each. */
const PROGRAMS = {
  kprobe: "CONFIG_BPF_EVENTS",
  tracepoint: "CONFIG_BPF_EVENTS",
  tracing: "CONFIG_DEBUG_INFO_BTF",
  lsm: "CONFIG_BPF_LSM",
  struct_ops: "CONFIG_BPF_JIT",
  perf_event: "CONFIG_BPF_EVENTS",
  xdp: "CONFIG_NET",
  sched_cls: "CONFIG_NET_CLS_ACT",
  cgroup_skb: "CONFIG_CGROUP_BPF",
  netfilter: "CONFIG_NETFILTER_BPF_LINK",
  syscall: "CONFIG_BPF_SYSCALL",
} as const satisfies Partial<Record<ProgramType, string>>;

/** Ways to attach that some kernels are too old for, or built without. */
const WAYS = {
  trace_fentry: "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
  trace_iter: "CONFIG_DEBUG_INFO_BTF",
  trace_kprobe_multi: "CONFIG_FPROBE",
  trace_uprobe_multi: "CONFIG_UPROBES",
  tcx_ingress: "CONFIG_NET_XGRESS",
  netkit_primary: "CONFIG_NETKIT",
  cgroup_inet4_connect: "CONFIG_CGROUP_BPF",
  lsm_mac: "CONFIG_BPF_LSM",
} as const satisfies Partial<Record<AttachType, string>>;

/** The names of features, in their order. */
function namesOf<N extends string>(options: Readonly<Record<N, string>>): N[] {
  return Object.keys(options) as N[];
}

/** Finds which of several features the kernel has. */
function some<N extends string>(
  name: string,
  options: Readonly<Record<N, string>>,
  feature: (name: N) => BpfFeature,
): Finding {
  const of = namesOf(options);
  try {
    const lacking = of.filter((name) => !supports(feature(name)));
    const found = of.filter((name) => !lacking.includes(name)).join(" ");
    return lacking.length === 0 ? ok(name, found) : limited(
      name,
      `${found}; not ${lacking.join(" ")}`,
      `this kernel is too old for those, built without them, or does not allow them${
        lackingText(lacking.map((name) => options[name]))
      }`,
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
