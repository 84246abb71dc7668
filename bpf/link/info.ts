import type { AttachType } from "./attach_type.ts";

/**
 * A type of link, by the name that `linux/bpf.h` gives it: `"perf_event"` is
 * `BPF_LINK_TYPE_PERF_EVENT`.
 */
export type LinkType =
  | "raw_tracepoint"
  | "tracing"
  | "cgroup"
  | "iter"
  | "netns"
  | "xdp"
  | "perf_event"
  | "kprobe_multi"
  | "struct_ops"
  | "netfilter"
  | "tcx"
  | "uprobe_multi"
  | "netkit"
  | "sockmap";

/** What the kernel tells of a link (`linux/bpf.h`, `struct bpf_link_info`). */
export interface LinkInfo {
  /** Its type; undefined for one that this package does not know. */
  readonly type: LinkType | undefined;
  /** The number of its type (`enum bpf_link_type`). */
  readonly typeNumber: number;
  /** Its number in the whole system, for as long as it exists. */
  readonly id: number;
  /** The id of the program that it attaches, as in `ProgramInfo.id`. */
  readonly programId: number;
  /** What it is attached to; undefined where the kernel does not say. */
  readonly target: LinkTarget | undefined;
}

/** What a link is attached to. */
export type LinkTarget =
  | RawTracepointTarget
  | TracingTarget
  | CgroupTarget
  | IteratorTarget
  | NetnsTarget
  | InterfaceTarget
  | ProbeTarget
  | TracepointTarget
  | EventTarget
  | NetfilterTarget;

/** A raw tracepoint. */
export interface RawTracepointTarget {
  /** Tells it from the others. */
  readonly kind: "raw_tracepoint";
  /** Its name, without a category: `"sched_switch"`. */
  readonly name: string;
}

/** A function or tracepoint of the kernel, or of another program. */
export interface TracingTarget {
  /** Tells it from the others. */
  readonly kind: "tracing";
  /** How it is attached there. */
  readonly attachType: AttachType | undefined;
  /** The id of the BTF, or of the program, that has the function. */
  readonly objectId: number;
  /** The id in that BTF of the function's type. */
  readonly btfId: number;
}

/** A control group. */
export interface CgroupTarget {
  /** Tells it from the others. */
  readonly kind: "cgroup";
  /** Its number: the inode of its directory. 0 once it is removed. */
  readonly cgroupId: bigint;
  /** What in it the program is run for. */
  readonly attachType: AttachType | undefined;
}

/** What an iterator goes over. */
export interface IteratorTarget {
  /** Tells it from the others. */
  readonly kind: "iterator";
  /** Its name: `"task"`, `"bpf_map_elem"`. */
  readonly name: string;
  /** The id of the map whose elements it goes over; 0 for none. */
  readonly mapId: number;
}

/** A network namespace. */
export interface NetnsTarget {
  /** Tells it from the others. */
  readonly kind: "netns";
  /** Its inode, as `/proc/<pid>/ns/net` has it. 0 once it is gone. */
  readonly inode: number;
  /** What in it the program is run for. */
  readonly attachType: AttachType | undefined;
}

/** An interface of the network. */
export interface InterfaceTarget {
  /** Tells it from the others. */
  readonly kind: "xdp" | "tcx" | "netkit";
  /** Its index. 0 once it is removed. */
  readonly interfaceIndex: number;
  /** Which way packets go; undefined for XDP. */
  readonly attachType: AttachType | undefined;
}

/** A function of the kernel or of a program. */
export interface ProbeTarget {
  /** Tells it from the others. */
  readonly kind: "uprobe" | "uretprobe" | "kprobe" | "kretprobe";
  /** The file, or the kernel's function. */
  readonly name: string;
  /** Where in it, in bytes. */
  readonly offset: number;
}

/** A tracepoint. */
export interface TracepointTarget {
  /** Tells it from the others. */
  readonly kind: "tracepoint";
  /** Its name, without the category. */
  readonly name: string;
}

/** Any other event. */
export interface EventTarget {
  /** Tells it from the others. */
  readonly kind: "perf_event";
  /** Its type (`linux/perf_event.h`, `enum perf_type_id`). */
  readonly type: number;
  /** Which of that type. */
  readonly config: bigint;
}

/** A hook of netfilter. */
export interface NetfilterTarget {
  /** Tells it from the others. */
  readonly kind: "netfilter";
  /** The family of protocols (`NFPROTO_*`): 2 is IPv4, 10 is IPv6. */
  readonly family: number;
  /** Which hook of it (`enum nf_inet_hooks`). */
  readonly hook: number;
  /** The place among the programs there: the lowest is run first. */
  readonly priority: number;
}
