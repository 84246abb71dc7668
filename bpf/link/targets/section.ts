/** The target that the section of a program names, as libbpf understands it. */

import { NotSupportedError } from "../../../errors.ts";
import {
  EACCES,
  EBADF,
  EILSEQ,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
} from "../../../ffi/mod.ts";
import type { Holder } from "../../kernel_object.ts";
import { libbpfAttach } from "../../libbpf/attach_functions.ts";
import { privilegesOf } from "../../privileges.ts";
import type { ProgramType } from "../../program/type.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import {
  eventPrivilegeText,
  privilegeText,
  restrictionHere,
} from "../commands.ts";
import { attachByLibbpf, type Refusal, refusalError } from "../libbpf_link.ts";
import { isTracefsMounted, NO_TRACEFS } from "./tracepoint.ts";
import {
  absenceOfCall,
  absenceOfFunction,
  hasKprobes,
  NO_KPROBES,
} from "./probes/kprobe.ts";
import { uprobePrivilege } from "./probes/uprobe.ts";
import { requireUsdtSpecs } from "./probes/usdt_specs.ts";

/** Attaches a program to the target that its section names. */
export function attachBySection(program: UsedProgram): Holder {
  const { label, native, type } = program;
  if (native === undefined) {
    throw new NotSupportedError(
      `Program ${label} of type ${
        type ?? "unknown"
      } does not say what to attach to, since it is not of a BpfObject: ${
        adviceFor(type, "")
      }`,
    );
  }
  const call = "bpf_program__attach";
  const { [call]: attach } = libbpfAttach();
  const section = native.sectionName.replace(/^\?/, "");
  if (section.startsWith("usdt")) requireUsdtSpecs(native);
  return attachByLibbpf(
    native,
    () => attach(native.handle),
    (refusal) => {
      const cause = unopened(refusal) ?? causeOf(refusal.errno, section, type);
      const error = refusalError(refusal, call, cause);
      if (!saysNothing(refusal, section, type)) return error;
      return new NotSupportedError(
        `Section "${section}" of program ${label} does not say what to attach to: ${
          adviceFor(type, section)
        }`,
        { cause: error },
      );
    },
  );
}

/**
 * Tells whether libbpf refused because the section names no target. It warns of a
 * kernel that refuses, and is silent about such a section.
 */
function saysNothing(
  { errno, warnings }: Refusal,
  section: string,
  type: ProgramType | undefined,
): boolean {
  if (errno !== EOPNOTSUPP) return false;
  if (warnings !== undefined) return warnings === "";
  switch (type) {
    case "kprobe":
    case "tracepoint":
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
    case "tracing":
    case "lsm":
      return !section.includes("/");
    default:
      return true;
  }
}

/** The file that libbpf looks functions up in, where it could not be opened. */
function unopened({ warnings = "" }: Refusal): string | undefined {
  // Before libbpf 1.6 the reason is a number, since then "-EPERM".
  const path = /failed to open (\/\S+): -/.exec(warnings)?.[1];
  return path === undefined
    ? undefined
    : `libbpf looks functions up in ${path}, which it could not open`;
}

/** The cause of an error, as far as the section and the system tell it. */
function causeOf(
  errno: number,
  section: string,
  type: ProgramType | undefined,
): string | undefined {
  const [kind = "", ...rest] = section.split("/");
  const target = rest.join("/");
  switch (errno) {
    case EPERM:
    case EACCES:
      return privilegeFor(kind, type);
    case EOPNOTSUPP:
      return /^k(ret)?probe\.(multi|session)/.test(kind)
        ? "the kernel may have no probes of many functions (CONFIG_FPROBE)"
        : undefined;
    case EBADF:
      return kind.startsWith("iter")
        ? 'an iterator over the elements of a map must be told the map: pass { kind: "iterator", map }'
        : undefined;
    case EINVAL:
      return /^(tp|tracepoint)$/.test(kind) && rest.length < 2
        ? `section "${section}" must name a category and a tracepoint, such as "${kind}/sched/sched_switch"`
        : undefined;
    case EILSEQ:
      return `no instruction begins at "${target}"`;
    case ENOENT:
      return absenceOf(kind, target);
    default:
      return undefined;
  }
}

/** Says what is not there, by the kind of section. */
function absenceOf(kind: string, target: string): string | undefined {
  switch (kind) {
    case "tp":
    case "tracepoint":
      return isTracefsMounted()
        ? `the kernel has no tracepoint "${target}"`
        : NO_TRACEFS;
    case "raw_tp":
    case "raw_tp.w":
    case "raw_tracepoint":
    case "raw_tracepoint.w":
      return `the kernel has no tracepoint "${target}"`;
    case "kprobe":
    case "kretprobe":
      return hasKprobes()
        ? absenceOfFunction(target.replace(/\+.*/, ""))
        : NO_KPROBES;
    case "ksyscall":
    case "kretsyscall":
      return hasKprobes() ? absenceOfCall(target) : NO_KPROBES;
    case "kprobe.multi":
    case "kretprobe.multi":
    case "kprobe.session":
      return `the kernel has no function that matches "${target}" and may be probed`;
    default:
      return undefined;
  }
}

/** The privilege that attaching by a kind of section takes. */
function privilegeFor(kind: string, type: ProgramType | undefined): string {
  if (/^(uprobe|uretprobe|usdt)/.test(kind)) return uprobePrivilege;
  if (/^k(ret)?probe\.(multi|session)/.test(kind)) {
    return `attaching needs ${
      privilegeText(["CAP_BPF", "CAP_PERFMON"])
    }; and to look functions up in /proc/kallsyms CAP_SYSLOG, or a lower kernel.kptr_restrict`;
  }
  if (/^k(ret)?(probe|syscall)/.test(kind)) {
    return `attaching needs ${eventPrivilegeText()}`;
  }
  if (/^(tp|tracepoint)$/.test(kind)) {
    const restriction = restrictionHere();
    return `reading tracefs takes root, and attaching CAP_BPF and CAP_PERFMON${
      restriction === undefined ? "" : `; ${restriction}`
    }`;
  }
  return `attaching needs ${privilegesOf([type])}`;
}

/** The way to attach a program whose section does not say what to. */
function adviceFor(type: ProgramType | undefined, section: string): string {
  switch (type) {
    case "xdp":
      return /^xdp(\.frags)?\/(dev|cpu)map/.test(section)
        ? "such programs are not attached, but put into the values of a map"
        : `pass a target such as { kind: "xdp", interface: "eth0" }`;
    case "sched_cls":
      if (section.startsWith("netkit/")) return NETKIT_ADVICE;
      return `pass a target such as { kind: "tcx", interface: "eth0", direction: "ingress" }, or of kind "tc" before Linux 6.6`;
    case "sk_skb":
    case "sk_msg":
      return `pass a target such as { kind: "sockmap", map: object.map("sockets") }`;
    case "socket_filter":
      return `pass a target such as { kind: "socket_filter", socket: 7 }`;
    case "sk_reuseport":
      return `pass a target such as { kind: "reuseport", socket: 7 }`;
    case "flow_dissector":
    case "sk_lookup":
      return `pass a target such as { kind: "netns" }`;
    case "netfilter":
      return `pass a target such as { kind: "netfilter", family: "ipv4", hook: "local_in", priority: 0 }`;
    case "perf_event":
      return `pass a target such as { kind: "perf_event", event: "cpu_clock", cpu: 0, frequency: 99 }`;
    case "tracepoint":
      return `pass a target such as { kind: "tracepoint", category: "sched", name: "sched_switch" }`;
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
      return `pass a target such as { kind: "raw_tracepoint", name: "sched_switch" }`;
    case "kprobe":
      return probeAdvice(section);
    case "lsm":
      if (section.startsWith("lsm_cgroup")) return CGROUP_ADVICE;
      return TRACING_ADVICE;
    case "tracing":
    case "ext":
      return TRACING_ADVICE;
    case "cgroup_skb":
    case "cgroup_sock":
    case "cgroup_sock_addr":
    case "cgroup_sockopt":
    case "cgroup_sysctl":
    case "cgroup_device":
    case "sock_ops":
      return CGROUP_ADVICE;
    case "syscall":
      return "such programs are not attached, but run: call run()";
    default:
      return "attaching programs of this type is not supported";
  }
}

const NETKIT_ADVICE =
  `pass a target such as { kind: "netkit", interface: "nk0", side: "primary" }`;
const CGROUP_ADVICE =
  `pass a target such as { kind: "cgroup", cgroup: "/sys/fs/cgroup/…" }`;
const TRACING_ADVICE = `pass { kind: "tracing" }, or { kind: "iterator" }`;

/** Programs of one type are for kernel and user probes: the section tells. */
function probeAdvice(section: string): string {
  const many = /^([ku])(ret)?probe\.(multi|session)/.exec(section)?.[1];
  if (many === "k") {
    return `pass a target such as { kind: "kprobe_multi", pattern: "vfs_*" }`;
  }
  if (many === "u") {
    return `pass a target such as { kind: "uprobe_multi", path: "/bin/sh", pattern: "str*" }`;
  }
  const [kind = ""] = section.split(/[./+]/);
  switch (kind) {
    case "usdt":
      return `pass a target such as { kind: "usdt", path: "libc.so.6", provider: "libc", name: "setjmp" }`;
    case "uretprobe":
      return `pass a target such as { kind: "uretprobe", path: "/bin/sh", symbol: "main" }`;
    case "kprobe":
    case "kretprobe":
      return `pass a target such as { kind: "${kind}", function: "do_unlinkat" }`;
    case "ksyscall":
    case "kretsyscall":
      return `pass a target such as { kind: "${kind}", name: "unlinkat" }`;
    default:
      return `pass a target such as { kind: "uprobe", path: "/bin/sh", symbol: "main" }`;
  }
}
