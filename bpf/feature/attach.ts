/** Asks the kernel whether programs can be attached in a way. */

import { cString, readStart } from "../../ffi/calls/descriptors.ts";
import { decodeText } from "../../ffi/c_text.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import {
  EAFNOSUPPORT,
  EBADF,
  ENODEV,
  EOPNOTSUPP,
} from "../../ffi/constants.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { Block } from "../../ffi/block.ts";
import { libbpfProbes } from "../libbpf/probe_functions.ts";
import type { LinkDetail } from "../link/commands.ts";
import { type AttachType, attachTypeNumber } from "../link/attach_type.ts";
import type { ProgramType } from "../program/type.ts";
import { loadProgram } from "./load_program.ts";
import { canMakeMap } from "./map.ts";

/** A question about an attach type; each leaves nothing behind. */
interface Question {
  /** The type of program that is attached so. */
  readonly program: ProgramType;
  /** The target that it is loaded for, by its name in the kernel's BTF. */
  readonly traced?: string;
  /**
   * Tests whether a loaded program can be attached; undefined where loading it
   * is enough.
   */
  readonly attaches?: (program: number, attachType: number) => boolean;
}

/** A function of the kernel that nobody calls but tests of BPF. */
const TRACED = "bpf_fentry_test1";
/** No descriptor, and no interface. */
const NOTHING = 0xffff_ffff;
/** The loopback interface: the first of every network. */
const LOOPBACK = 1;
/** `linux/if_link.h`: by the driver, which that of the loopback cannot. */
const XDP_FLAGS_DRV_MODE = 1 << 2;

// Addresses would not keep what the attributes of links point to.
const tracedName = Block.of(cString(TRACED));
const tracedNames = new Block(8);
const rootPath = Block.of(cString("/"));
const noOffset = new Block(8);

/** The longest list of security modules that is read. */
const LIST_MAX = 1024;

/** The attributes of a link to be made; by default none, and no target. */
interface Linking {
  readonly target?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly fill?: (detail: LinkDetail) => void;
}

/** Makes a link for a moment: 0, or the negative reason. */
function link(
  program: number,
  attachType: number,
  { target = NOTHING, flags = 0, size = SIZE.linkCreate, fill }: Linking = {},
): number {
  const { linkCreate } = clearAttributes();
  linkCreate.progFd = program;
  linkCreate.target = target;
  linkCreate.attachType = attachType;
  linkCreate.flags = flags;
  fill?.(linkCreate.detail);
  return closed(run("BPF_LINK_CREATE", size));
}

function closed(result: number): number {
  if (result < 0) return result;
  new Descriptor(result).close();
  return 0;
}

/** Attaches to what the program was loaded for. */
function attachesToTraced(program: number): boolean {
  clearAttributes().rawTracepoint.progFd = program;
  return closed(run("BPF_RAW_TRACEPOINT_OPEN", SIZE.rawTracepoint)) === 0;
}

/**
 * Tests whether BPF is among the security modules that are asked: without that
 * programs can be attached, and are never run.
 */
function isSecurityModule(): boolean {
  const text = new Uint8Array(LIST_MAX + 1);
  const length = readStart("/sys/kernel/security/lsm", text, LIST_MAX);
  return length < 0 || /\bbpf\b/.test(decodeText(text));
}

/**
 * Attaching to nothing is refused: for the target, where the kernel knows the
 * way, and with EINVAL where it does not.
 */
function isRefusedFor(
  errno: number,
  linking?: Linking,
): (program: number, attachType: number) => boolean {
  return (program, attachType) => link(program, attachType, linking) === -errno;
}

const attachesToDescriptor = isRefusedFor(EBADF);

/** Maps take programs by links since Linux 6.10, and by this command before. */
function attachesToMap(program: number, attachType: number): boolean {
  if (attachesToDescriptor(program, attachType)) return true;
  const { progAttach } = clearAttributes();
  progAttach.targetFd = NOTHING;
  progAttach.attachBpfFd = program;
  progAttach.attachType = attachType;
  return run("BPF_PROG_ATTACH", SIZE.progAttach) === -EBADF;
}

/** Attaches to a function by its name. */
function attachesToKernelFunctions(
  program: number,
  attachType: number,
): boolean {
  new BigUint64Array(tracedNames.buffer)[0] = tracedName.address;
  return link(program, attachType, {
    target: 0,
    size: SIZE.linkCreateKprobeMulti,
    fill({ kprobeMulti }) {
      kprobeMulti.count = 1;
      kprobeMulti.symbols = tracedNames.address;
    },
  }) === 0;
}

/** Functions of a file that is a directory are refused for that. */
function attachesToFunctions(program: number, attachType: number): boolean {
  return link(program, attachType, {
    target: 0,
    size: SIZE.linkCreateUprobeMulti,
    fill({ uprobeMulti }) {
      uprobeMulti.path = rootPath.address;
      uprobeMulti.offsets = noOffset.address;
      uprobeMulti.count = 1;
    },
  }) === -EBADF;
}

/** The question to ask about an attach type. */
function questionOf(attachType: AttachType): Question {
  switch (attachType) {
    case "cgroup_inet_ingress":
    case "cgroup_inet_egress":
      return { program: "cgroup_skb", attaches: attachesToDescriptor };
    case "cgroup_inet_sock_create":
    case "cgroup_inet_sock_release":
    case "cgroup_inet4_post_bind":
    case "cgroup_inet6_post_bind":
      return { program: "cgroup_sock", attaches: attachesToDescriptor };
    case "cgroup_sock_ops":
      return { program: "sock_ops", attaches: attachesToDescriptor };
    case "cgroup_getsockopt":
    case "cgroup_setsockopt":
      return { program: "cgroup_sockopt", attaches: attachesToDescriptor };
    case "cgroup_device":
    case "cgroup_sysctl":
    case "flow_dissector":
    case "sk_lookup":
    case "perf_event":
      return { program: attachType, attaches: attachesToDescriptor };
    case "lsm_cgroup":
      return {
        program: "lsm",
        traced: "socket_bind",
        attaches: attachesToDescriptor,
      };
    case "lsm_mac":
      return {
        program: "lsm",
        traced: "ptrace_access_check",
        attaches: (program) => isSecurityModule() && attachesToTraced(program),
      };
    case "trace_fentry":
    case "trace_fexit":
      return { program: "tracing", traced: TRACED, attaches: attachesToTraced };
    case "modify_return":
      return {
        program: "tracing",
        // Functions of this prefix alone can be had on every kernel.
        traced: "security_task_setnice",
        attaches: attachesToTraced,
      };
    case "trace_raw_tp":
      return {
        program: "tracing",
        traced: "sched_process_exec",
        attaches: attachesToTraced,
      };
    case "trace_iter":
      return {
        program: "tracing",
        traced: "task",
        attaches: (program, number) =>
          link(program, number, { target: 0 }) === 0,
      };
    case "trace_kprobe_multi":
    case "trace_kprobe_session":
      return { program: "kprobe", attaches: attachesToKernelFunctions };
    case "trace_uprobe_multi":
    case "trace_uprobe_session":
      return { program: "kprobe", attaches: attachesToFunctions };
    case "sk_skb_stream_parser":
    case "sk_skb_stream_verdict":
    case "sk_skb_verdict":
      return { program: "sk_skb", attaches: attachesToMap };
    case "sk_msg_verdict":
      return { program: "sk_msg", attaches: attachesToMap };
    case "sk_reuseport_select":
    case "sk_reuseport_select_or_migrate":
      return { program: "sk_reuseport" };
    case "lirc_mode2":
      return { program: "lirc_mode2" };
    case "netfilter":
      return {
        program: "netfilter",
        // A link without a family of protocols.
        attaches: isRefusedFor(EAFNOSUPPORT, {
          target: 0,
          size: SIZE.linkCreateNetfilter,
        }),
      };
    case "xdp":
      return {
        program: "xdp",
        attaches: isRefusedFor(EOPNOTSUPP, {
          target: LOOPBACK,
          flags: XDP_FLAGS_DRV_MODE,
        }),
      };
    // Entries of 8 bytes have room for a program.
    case "xdp_devmap":
      return { program: "xdp", attaches: () => canMakeMap("devmap", 8) };
    case "xdp_cpumap":
      return { program: "xdp", attaches: () => canMakeMap("cpumap", 8) };
    case "tcx_ingress":
    case "tcx_egress":
    case "netkit_primary":
    case "netkit_peer":
      return {
        program: "sched_cls",
        attaches: isRefusedFor(ENODEV, { size: SIZE.linkCreateOrder }),
      };
    case "struct_ops":
      return { program: "struct_ops" };
    default:
      // Addresses that sockets of a control group use.
      return { program: "cgroup_sock_addr", attaches: attachesToDescriptor };
  }
}

/** The type of program that is attached in a way. */
export function programOf(attachType: AttachType): ProgramType {
  return questionOf(attachType).program;
}

/** Tests whether programs can be attached in a way. */
export function canAttach(attachType: AttachType): boolean {
  // Its programs are for a member of a type; their map is what is attached.
  if (attachType === "struct_ops") return canMakeMap("struct_ops");
  const { program, traced, attaches } = questionOf(attachType);
  const number = attachTypeNumber(attachType);
  const btfId = traced === undefined ? 0 : libbpfProbes()
    .libbpf_find_vmlinux_btf_id(cString(traced) as BufferSource, number);
  // The kernel has no types, or nothing of that name.
  if (btfId < 0) return false;
  using loaded = loadProgram({ type: program, attachType, btfId });
  if (loaded.result < 0) return false;
  return attaches === undefined || attaches(loaded.result, number);
}
