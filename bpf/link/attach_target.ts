import type { BpfMap } from "../map/map.ts";
import type { BpfProgram } from "../program/program.ts";
import type { AttachType } from "./attach_type.ts";
import type { BpfLink } from "./link.ts";

/** What a program is attached to, for {@linkcode BpfProgram.attach}. */
export type AttachTarget =
  | AttachXdp
  | AttachTcx
  | AttachCgroup
  | AttachNetns
  | AttachNetfilter
  | AttachRawTracepoint
  | AttachTracing
  | AttachIterator
  | AttachPerfEvent
  | AttachTracepoint
  | AttachUprobe
  | AttachUsdt;

/** A number that a program asks for by `bpf_get_attach_cookie()`. */
export interface AttachCookie {
  /**
   * What `bpf_get_attach_cookie()` gives the program, so that one program can
   * tell its links apart; 0 by default (Linux 5.15; 6.10 for raw tracepoints).
   */
  readonly cookie?: bigint | undefined;
}

/** Where among others that are attached to the same. */
export interface AttachOrder {
  /** Runs before that one, or before `"all"`. */
  readonly before?: BpfLink | BpfProgram | "all" | undefined;
  /** Runs after that one, or after `"all"`, as without either option. */
  readonly after?: BpfLink | BpfProgram | "all" | undefined;
}

/** Packets as an interface receives them (Linux 5.9). */
export interface AttachXdp {
  /** Tells it from the others. */
  readonly kind: "xdp";
  /** The name or the index of an interface in this network namespace. */
  readonly interface: string | number;
  /**
   * Who runs it: `"native"` the driver, `"generic"` the kernel's network stack,
   * whatever the driver, `"offload"` the device. By default the driver where it
   * can, and else the stack.
   */
  readonly mode?: "native" | "generic" | "offload" | undefined;
}

/** Packets on their way into or out of an interface, by tc (Linux 6.6). */
export interface AttachTcx extends AttachOrder {
  /** Tells it from the others. */
  readonly kind: "tcx";
  /** The name or the index of an interface in this network namespace. */
  readonly interface: string | number;
  /** Which way the packets go. */
  readonly direction: "ingress" | "egress";
}

/** What the processes of a control group of version 2 do (Linux 5.7). */
export interface AttachCgroup {
  /** Tells it from the others. */
  readonly kind: "cgroup";
  /** The path of its directory, a `file:` URL, or a descriptor of it. */
  readonly cgroup: string | URL | number;
  /**
   * What of it. By default what the program was loaded for, where that is known:
   * its section says so, or its type leaves no choice.
   */
  readonly attachType?: AttachType | undefined;
}

/** A network namespace: flow dissectors and socket lookup (Linux 5.8). */
export interface AttachNetns {
  /** Tells it from the others. */
  readonly kind: "netns";
  /**
   * A path such as `/run/netns/blue` or `/proc/123/ns/net`, a `file:` URL, or a
   * descriptor; by default that of this process.
   */
  readonly netns?: string | URL | number | undefined;
}

/** A hook of netfilter in this network namespace (Linux 6.4). */
export interface AttachNetfilter {
  /** Tells it from the others. */
  readonly kind: "netfilter";
  /** The family of protocols. */
  readonly family: "ipv4" | "ipv6";
  /** Which hook of it. */
  readonly hook:
    | "pre_routing"
    | "local_in"
    | "forward"
    | "local_out"
    | "post_routing";
  /** The place among others there, a 32-bit integer: the lowest is run first. */
  readonly priority: number;
  /** Puts fragments of packets together before. */
  readonly defragment?: boolean | undefined;
}

/** A tracepoint of the kernel, with its arguments as they are (Linux 4.17). */
export interface AttachRawTracepoint extends AttachCookie {
  /** Tells it from the others. */
  readonly kind: "raw_tracepoint";
  /** Its name, without a category: `"sched_switch"`. */
  readonly name: string;
}

/**
 * What the program was loaded for, of programs whose target is fixed then:
 * `tp_btf`, `fentry`, `fexit`, `fmod_ret`, `freplace`, `lsm`.
 */
export interface AttachTracing {
  /** Tells it from the others. */
  readonly kind: "tracing";
}

/**
 * Nothing but reading: {@linkcode BpfLink.read} runs the program once for each
 * object of the kernel's of the kind that it was loaded for (Linux 5.8).
 */
export interface AttachIterator {
  /** Tells it from the others. */
  readonly kind: "iterator";
  /** The map whose elements it goes over, of programs for elements. */
  readonly map?: BpfMap | undefined;
  /** The process whose threads it goes over, of programs for tasks (Linux 6.1). */
  readonly pid?: number | undefined;
  /** The only thread that it goes over, of programs for tasks (Linux 6.1). */
  readonly tid?: number | undefined;
}

/**
 * An event of the kernel's performance counters, such as every so many
 * nanoseconds of a CPU's time (Linux 5.15). An event belongs to one CPU, one
 * thread, or both: for all CPUs attach once for each.
 */
export interface AttachPerfEvent extends AttachCookie {
  /** Tells it from the others. */
  readonly kind: "perf_event";
  /** A descriptor of `perf_event_open(2)`, in place of all that follows. */
  readonly fd?: number | undefined;
  /** Which event. */
  readonly event?: PerfEventName | PerfEvent | undefined;
  /**
   * The thread of that number; that of a process is its first thread, which in
   * Deno runs all but Workers. By default all of all processes.
   */
  readonly pid?: number | undefined;
  /** The CPU; by default all of them, where a thread is given. */
  readonly cpu?: number | undefined;
  /** How many events, or nanoseconds of a clock, pass from run to run. */
  readonly period?: number | undefined;
  /** About how often a second it runs, in place of a period. */
  readonly frequency?: number | undefined;
}

/** An event by its numbers in `linux/perf_event.h`. */
export interface PerfEvent {
  /** `enum perf_type_id`, or a number from `/sys/bus/event_source/devices`. */
  readonly type: number;
  /** Which of that type. */
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

/** A tracepoint of the kernel (Linux 5.15). Takes a mounted tracefs. */
export interface AttachTracepoint extends AttachCookie {
  /** Tells it from the others. */
  readonly kind: "tracepoint";
  /** Its category: `"sched"`, `"syscalls"`. */
  readonly category: string;
  /** Its name there: `"sched_switch"`, `"sys_enter_openat"`. */
  readonly name: string;
}

/**
 * A function of a program or library: where it begins, or where it returns
 * (Linux 5.15).
 *
 * By `symbol` it is found by libbpf, in programs of a `BpfObject` alone. By
 * `offset` any program can be attached.
 */
export interface AttachUprobe extends AttachCookie {
  /** Whether where it begins, or where it returns. */
  readonly kind: "uprobe" | "uretprobe";
  /**
   * The path of the file, or a `file:` URL. With `symbol` also the name of a
   * program or library that libbpf finds, such as `"libc.so.6"`.
   */
  readonly path: string | URL;
  /** The function's name. */
  readonly symbol?: string | undefined;
  /**
   * How many bytes behind the symbol's begin; without a symbol, behind the
   * file's. 0 by default with a symbol.
   */
  readonly offset?: number | undefined;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
}

/** A user-defined static tracepoint of a program or library, by libbpf. */
export interface AttachUsdt extends AttachCookie {
  /** Tells it from the others. */
  readonly kind: "usdt";
  /** The path of the file, or a `file:` URL. */
  readonly path: string | URL;
  /** The provider: the first argument of `DTRACE_PROBE`. */
  readonly provider: string;
  /** The name: the second argument. */
  readonly name: string;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
}
