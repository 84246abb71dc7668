/** The info that the kernel has of a link, and of its target. */

import { type CgroupTarget, readCgroup } from "./targets/cgroup.ts";
import {
  type EventTarget,
  type ProbeTarget,
  readEvent,
  type TracepointTarget,
} from "./targets/event_info.ts";
import {
  type InterfaceTarget,
  interfaceText,
} from "./targets/network/interface.ts";
import { type IteratorTarget, readIterator } from "./targets/iterator.ts";
import {
  type NetfilterTarget,
  netfilterText,
  readNetfilter,
} from "./targets/network/netfilter.ts";
import { type NetnsTarget, readNetns } from "./targets/network/netns.ts";
import {
  type RawTracepointTarget,
  readRawTracepoint,
} from "./targets/raw_tracepoint.ts";
import { type TcTarget, tcText } from "./targets/network/tc.ts";
import { readTcx } from "./targets/network/tcx.ts";
import { readTracing, type TracingTarget } from "./targets/tracing.ts";
import {
  type KprobeMultiTarget,
  readKprobeMulti,
} from "./targets/probes/kprobe_multi.ts";
import {
  readUprobeMulti,
  type UprobeMultiTarget,
} from "./targets/probes/uprobe_multi.ts";
import { readSockmap, type SockmapTarget } from "./targets/sockmap.ts";
import type { SocketTarget } from "./targets/socket.ts";
import { readStructOps, type StructOpsTarget } from "./struct_ops.ts";
import { readXdp } from "./targets/network/xdp.ts";
import { type LinkType, RawLinkInfo } from "./type.ts";
import type { Unlinked } from "./unlinked.ts";

/** The info of a link (`linux/bpf.h`, `struct bpf_link_info`). */
export interface LinkInfo {
  /**
   * Its type; undefined for one that this package does not know, and for what is
   * attached without a link.
   */
  readonly type: LinkType | undefined;
  /** The number of its type (`enum bpf_link_type`). */
  readonly typeNumber: number;
  /** Its number in the whole system, for as long as it exists. */
  readonly id: number;
  /** The id of the program that it attaches, as in `ProgramInfo.id`. */
  readonly programId: number;
  /** The target that it is attached to; undefined where the kernel does not say. */
  readonly target: LinkTarget | undefined;
}

/** The target of a link. */
export type LinkTarget =
  | RawTracepointTarget
  | TracingTarget
  | CgroupTarget
  | IteratorTarget
  | NetnsTarget
  | InterfaceTarget
  | TcTarget
  | StructOpsTarget
  | SockmapTarget
  | KprobeMultiTarget
  | UprobeMultiTarget
  | SocketTarget
  | ProbeTarget
  | TracepointTarget
  | EventTarget
  | NetfilterTarget;

/** Reads the target, by the type of link. */
const readers: Partial<
  Record<LinkType, (raw: RawLinkInfo) => LinkTarget | undefined>
> = {
  "raw_tracepoint": readRawTracepoint,
  tracing: readTracing,
  cgroup: readCgroup,
  iter: readIterator,
  netns: readNetns,
  xdp: readXdp,
  "perf_event": readEvent,
  netfilter: readNetfilter,
  tcx: readTcx,
  netkit: readTcx,
  "struct_ops": readStructOps,
  sockmap: readSockmap,
  "kprobe_multi": readKprobeMulti,
  "uprobe_multi": readUprobeMulti,
};

/**
 * The info of a descriptor's link.
 *
 * @param fd The descriptor.
 * @param name The name of the descriptor in error messages.
 * @throws {NotSupportedError} if the descriptor is not a link's.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function linkInfoOf(fd: number, name: string): LinkInfo {
  const raw = new RawLinkInfo(fd, name);
  const { type, typeNumber, id, programId } = raw;
  const target = type && readers[type]?.(raw);
  return { type, typeNumber, id, programId, target };
}

/** The info of an attachment that has no link. */
export function unlinkedInfo(unlinked: Unlinked): LinkInfo {
  const { programId, target } = unlinked.state();
  // Whoever attaches so gives one of these targets.
  const known = target as LinkTarget | undefined;
  return { type: undefined, typeNumber: 0, id: 0, programId, target: known };
}

/** The link in words: `xdp on lo (1)`. */
export function linkText({ type, typeNumber, target }: LinkInfo): string {
  const kind = target?.kind ?? type ?? `type ${typeNumber}`;
  const place = target === undefined ? undefined : placeOf(target);
  return place === undefined ? kind : `${kind} ${place}`;
}

function placeOf(target: LinkTarget): string | undefined {
  switch (target.kind) {
    case "raw_tracepoint":
    case "tracepoint":
      return `"${target.name}"`;
    case "tracing":
      return `${target.attachType ?? "unknown"} of BTF id ${target.btfId}`;
    case "cgroup":
      return `${target.attachType ?? "unknown"} of group ${target.cgroupId}`;
    case "iterator":
      return target.mapId === 0
        ? `over ${target.name}`
        : `over ${target.name} of map ${target.mapId}`;
    case "netns":
      return `${target.attachType ?? "unknown"} of namespace ${target.inode}`;
    case "xdp":
      return `on ${interfaceText(target.interfaceIndex)}`;
    case "tcx":
    case "netkit":
      return `${target.attachType ?? "unknown"} on ${
        interfaceText(target.interfaceIndex)
      }`;
    case "uprobe":
    case "uretprobe":
    case "kprobe":
    case "kretprobe":
      return `${target.name}+0x${target.offset.toString(16)}`;
    case "perf_event":
      return `type ${target.type}, config ${target.config}`;
    case "tc":
      return tcText(target);
    case "socket_filter":
    case "reuseport":
      return undefined;
    case "sockmap":
      return `${target.attachType ?? "unknown"} of map ${target.mapId}`;
    case "kprobe_multi":
      return `${target.count} functions`;
    case "uprobe_multi":
      return `${target.count} functions of ${target.path}`;
    case "struct_ops":
      return `of map ${target.mapId}`;
    case "netfilter":
      return netfilterText(target);
  }
}
