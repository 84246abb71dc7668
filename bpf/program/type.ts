import { show } from "../../base/show.ts";

/**
 * A type of program, by the name that `linux/bpf.h` gives it: `"sched_cls"` is
 * `BPF_PROG_TYPE_SCHED_CLS`.
 */
export type ProgramType =
  | "socket_filter"
  | "kprobe"
  | "sched_cls"
  | "sched_act"
  | "tracepoint"
  | "xdp"
  | "perf_event"
  | "cgroup_skb"
  | "cgroup_sock"
  | "lwt_in"
  | "lwt_out"
  | "lwt_xmit"
  | "sock_ops"
  | "sk_skb"
  | "cgroup_device"
  | "sk_msg"
  | "raw_tracepoint"
  | "cgroup_sock_addr"
  | "lwt_seg6local"
  | "lirc_mode2"
  | "sk_reuseport"
  | "flow_dissector"
  | "cgroup_sysctl"
  | "raw_tracepoint_writable"
  | "cgroup_sockopt"
  | "tracing"
  | "struct_ops"
  | "ext"
  | "lsm"
  | "sk_lookup"
  | "syscall"
  | "netfilter";

/** `linux/bpf.h`, `enum bpf_prog_type`, each at its number. */
const names: readonly (ProgramType | undefined)[] = [
  undefined,
  "socket_filter",
  "kprobe",
  "sched_cls",
  "sched_act",
  "tracepoint",
  "xdp",
  "perf_event",
  "cgroup_skb",
  "cgroup_sock",
  "lwt_in",
  "lwt_out",
  "lwt_xmit",
  "sock_ops",
  "sk_skb",
  "cgroup_device",
  "sk_msg",
  "raw_tracepoint",
  "cgroup_sock_addr",
  "lwt_seg6local",
  "lirc_mode2",
  "sk_reuseport",
  "flow_dissector",
  "cgroup_sysctl",
  "raw_tracepoint_writable",
  "cgroup_sockopt",
  "tracing",
  "struct_ops",
  "ext",
  "lsm",
  "sk_lookup",
  "syscall",
  "netfilter",
];

/**
 * The number of a type.
 *
 * @throws {TypeError} if there is no such name.
 */
export function programTypeNumber(name: unknown): number {
  const number = names.indexOf(name as ProgramType);
  if (number > 0) return number;
  throw new TypeError(
    `Program type must be a name such as "xdp" or "tracing": received ${
      show(name)
    }`,
  );
}

/** The name of a type; undefined for one that this package does not know. */
export function programTypeName(number: number): ProgramType | undefined {
  return number > 0 && number < names.length ? names[number] : undefined;
}
