/** The capabilities that programs take, and those of this process. */

import { decodeText } from "../ffi/c_text.ts";
import { readStart } from "../ffi/mod.ts";
import type { ProgramType } from "./program/type.ts";
import { kernelIsOlderThan } from "../ffi/kernel_version.ts";

/** A capability, by its number in `linux/capability.h`. */
const numbers = {
  CAP_NET_ADMIN: 12n,
  CAP_SYS_ADMIN: 21n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
} as const;

/** The name of a capability that BPF asks for. */
export type Capability = keyof typeof numbers;

const STATUS = "/proc/thread-self/status";
const SIZE_MAX = 4096;

/** The effective capabilities as a set of bits; undefined where nothing tells. */
function effective(): bigint | undefined {
  const text = new Uint8Array(SIZE_MAX + 1);
  if (readStart(STATUS, text, SIZE_MAX) < 0) return undefined;
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(decodeText(text))?.[1];
  return hex === undefined ? undefined : BigInt(`0x${hex}`);
}

/**
 * Tests whether this thread lacks a capability, and CAP_SYS_ADMIN, which stands
 * for each of them. In a user namespace it may have what counts only in there.
 */
export function lacks(capability: Capability): boolean {
  const bits = effective();
  if (bits === undefined) return false;
  const wanted = (1n << numbers[capability]) | (1n << numbers.CAP_SYS_ADMIN);
  return (bits & wanted) === 0n;
}

/** The capabilities of a type besides CAP_BPF: `bpf_prog_load` in the kernel. */
function besides(type: ProgramType | undefined): readonly Capability[] {
  switch (type) {
    case "kprobe":
    case "tracepoint":
    case "perf_event":
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
    case "tracing":
    case "lsm":
    case "struct_ops":
      return ["CAP_PERFMON"];
    case "ext":
      return ["CAP_PERFMON", "CAP_NET_ADMIN"];
    case "sched_cls":
    case "sched_act":
    case "xdp":
    case "lwt_in":
    case "lwt_out":
    case "lwt_xmit":
    case "lwt_seg6local":
    case "sk_skb":
    case "sk_msg":
    case "flow_dissector":
    case "cgroup_device":
    case "cgroup_sock":
    case "cgroup_sock_addr":
    case "cgroup_sockopt":
    case "cgroup_sysctl":
    case "sock_ops":
    case "netfilter":
      return ["CAP_NET_ADMIN"];
    default:
      return [];
  }
}

/** The capabilities that programs of these types take. */
export function capabilitiesOf(
  types: readonly (ProgramType | undefined)[],
): Capability[] {
  return [...new Set<Capability>(["CAP_BPF", ...types.flatMap(besides)])];
}

/** The same as messages say it, with what else the kernel may want. */
export function privilegesOf(
  types: readonly (ProgramType | undefined)[],
): string {
  const names = capabilitiesOf(types).join(" and ");
  const lockedMemory = kernelIsOlderThan([5, 11])
    ? "; the limit of locked memory (ulimit -l) may be too low"
    : "";
  return `${names} (CAP_SYS_ADMIN before Linux 5.8); a container's seccomp profile may forbid bpf(2)${lockedMemory}`;
}
