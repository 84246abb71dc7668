/** Attaching programs: the table of all kinds of targets. */

import { show } from "../../base/show.ts";
import { requireOptions } from "../../base/arguments.ts";
import type { Holder } from "../kernel_object.ts";
import type { UsedProgram } from "../program/used_program.ts";
import { BpfIterator } from "./iterator.ts";
import { keep } from "./kept.ts";
import { BpfLink } from "./link.ts";
import type { TargetKind } from "./target_kind.ts";
import { type AttachCgroup, cgroup } from "./targets/cgroup.ts";
import { type AttachIterator, iterator } from "./targets/iterator.ts";
import {
  type AttachKprobe,
  type AttachKsyscall,
  kprobe,
  ksyscall,
} from "./targets/probes/kprobe.ts";
import {
  type AttachKprobeMulti,
  kprobeMulti,
} from "./targets/probes/kprobe_multi.ts";
import {
  type AttachNetfilter,
  netfilter,
} from "./targets/network/netfilter.ts";
import { type AttachNetns, netns } from "./targets/network/netns.ts";
import { type AttachPerfEvent, perfEvent } from "./targets/perf_event.ts";
import {
  type AttachRawTracepoint,
  rawTracepoint,
} from "./targets/raw_tracepoint.ts";
import { attachBySection } from "./targets/section.ts";
import { type AttachTc, tc } from "./targets/network/tc.ts";
import {
  type AttachNetkit,
  type AttachTcx,
  netkit,
  tcx,
} from "./targets/network/tcx.ts";
import { type AttachSockmap, sockmap } from "./targets/sockmap.ts";
import {
  type AttachReuseport,
  type AttachSocketFilter,
  reuseport,
  socketFilter,
} from "./targets/socket.ts";
import { type AttachTracepoint, tracepoint } from "./targets/tracepoint.ts";
import { type AttachTracing, tracing } from "./targets/tracing.ts";
import { type AttachUprobe, uprobe } from "./targets/probes/uprobe.ts";
import {
  type AttachUprobeMulti,
  uprobeMulti,
} from "./targets/probes/uprobe_multi.ts";
import { type AttachUsdt, usdt } from "./targets/probes/usdt.ts";
import { type AttachXdp, xdp } from "./targets/network/xdp.ts";
import { RawLinkInfo } from "./type.ts";

/** The target of a program, for {@linkcode BpfProgram.attach}. */
export type AttachTarget =
  | AttachXdp
  | AttachTcx
  | AttachTc
  | AttachNetkit
  | AttachCgroup
  | AttachNetns
  | AttachSockmap
  | AttachSocketFilter
  | AttachReuseport
  | AttachNetfilter
  | AttachRawTracepoint
  | AttachTracing
  | AttachIterator
  | AttachPerfEvent
  | AttachTracepoint
  | AttachKprobe
  | AttachKprobeMulti
  | AttachKsyscall
  | AttachUprobe
  | AttachUprobeMulti
  | AttachUsdt;

/**
 * The arguments of {@linkcode BpfProgram.attach}. For a program of a known
 * section they are `[target: AttachXdp]` or the like, `[target?:
 * AttachRawTracepoint]` if the section may name the target, `[]` if only the
 * section can, and `[target: never]` for a program that cannot be attached.
 */
export type AttachArguments = [target?: AttachTarget];

/** The link that `attach` returns for these arguments. */
export type LinkOf<A extends AttachArguments> = [A[0]] extends [undefined]
  ? BpfLink
  : [NonNullable<A[0]>] extends [AttachIterator] ? BpfIterator
  : BpfLink;

const kinds: Readonly<Record<AttachTarget["kind"], TargetKind<never>>> = {
  xdp,
  tcx,
  tc,
  netkit,
  cgroup,
  netns,
  sockmap,
  "socket_filter": socketFilter,
  reuseport,
  netfilter,
  "raw_tracepoint": rawTracepoint,
  tracing,
  iterator,
  "perf_event": perfEvent,
  tracepoint,
  kprobe,
  kretprobe: kprobe,
  "kprobe_multi": kprobeMulti,
  ksyscall,
  kretsyscall: ksyscall,
  uprobe,
  uretprobe: uprobe,
  "uprobe_multi": uprobeMulti,
  usdt,
};

/** The kinds of targets. */
export const targetKinds: readonly string[] = Object.keys(kinds);

/**
 * Attaches a program.
 *
 * @param program The program.
 * @param target Its target; undefined for the one that its section names.
 * @param links The links of the program, of which the new one is one until it is
 * closed.
 */
export function attach(
  program: UsedProgram,
  target: AttachTarget | undefined,
  links: Set<BpfLink>,
): BpfLink {
  const holder = target === undefined
    ? attachBySection(program)
    : attachTo(program, target);
  // Programs of no other type are iterators.
  const isIterator = program.type === "tracing" && isOfIterator(holder);
  return keep(holder, links, isIterator ? BpfIterator : BpfLink);
}

/** Asks the kernel: a section may name an iterator, too. */
function isOfIterator({ fd }: Holder): boolean {
  return fd >= 0 && new RawLinkInfo(fd, "the new link").type === "iter";
}

function attachTo(program: UsedProgram, target: AttachTarget): Holder {
  requireOptions(target);
  const { kind } = target;
  if (!Object.hasOwn(kinds, kind)) {
    throw new TypeError(
      `Kind of target must be one of ${
        targetKinds.map(show).join(", ")
      }: received ${show(kind)}`,
    );
  }
  const { [kind]: found } = kinds;
  requireOptions(target, found.options);
  return found.attach(program, target as never);
}
