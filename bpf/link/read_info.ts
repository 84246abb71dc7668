/** What a descriptor's link is, and what it is attached to. */

import { EBADF, toBigInt } from "../../ffi/mod.ts";
import { typedArrayFill } from "../../layout/intrinsics.ts";
import {
  HostLayout,
  i32,
  padding,
  type Pointer,
  pointer,
  sizeOf,
  struct,
  text,
  u32,
  u64,
  union,
  view,
} from "../../layout/mod.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { askInfo, isSomethingElse } from "../../ffi/bpf/object_info.ts";
import { scratchBlock } from "../../ffi/block.ts";
import { attachTypeName } from "./attach_type.ts";
import type { LinkInfo, LinkTarget, LinkType } from "./info.ts";

/** What a link is attached to, by its type. */
const KernelLinkTarget = union("link_target", {
  _: HostLayout,
  /** A raw tracepoint, or an iterator: where its name is to be put. */
  named: struct("named", { _: HostLayout, name: u64, length: u32, mapId: u32 }),
  tracing: struct("tracing", {
    _: HostLayout,
    attachType: u32,
    objectId: u32,
    btfId: u32,
  }),
  cgroup: struct("cgroup", { _: HostLayout, id: u64, attachType: u32 }),
  /** A network namespace, or an interface. */
  numbered: struct("numbered", { _: HostLayout, number: u32, attachType: u32 }),
  netfilter: struct("netfilter", {
    _: HostLayout,
    family: u32,
    hook: u32,
    priority: i32,
    flags: u32,
  }),
  event: struct("perf_event", {
    _: HostLayout,
    kind: u32,
    unused: padding(4),
    /** Where a name is to be put, or the config of an event. */
    nameOrConfig: u64,
    /** The length of the name, or the type of an event. */
    lengthOrType: u32,
    offset: u32,
    cookie: u64,
  }),
});

/** `struct bpf_link_info`. */
const KernelLinkInfo = struct("bpf_link_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  programId: u32,
  target: KernelLinkTarget,
}, { size: 64 });

/** `linux/bpf.h`, `enum bpf_link_type`, each at its number. */
const types: readonly (LinkType | undefined)[] = [
  undefined,
  "raw_tracepoint",
  "tracing",
  "cgroup",
  "iter",
  "netns",
  "xdp",
  "perf_event",
  "kprobe_multi",
  "struct_ops",
  "netfilter",
  "tcx",
  "uprobe_multi",
  "netkit",
  "sockmap",
];

/** `linux/bpf.h`, `enum bpf_perf_event_type`. */
const UPROBE = 1;
const URETPROBE = 2;
const KPROBE = 3;
const KRETPROBE = 4;
const TRACEPOINT = 5;
const EVENT = 6;

/** Where a name is put, in bytes from the info. */
const NAME_AT = sizeOf(KernelLinkInfo);
/** The longest path that the kernel gives, `PATH_MAX`. */
const NAME_MAX = 4096;
const Name = text(NAME_MAX);
const ROOM = NAME_AT + NAME_MAX;

type Raw = Pointer<typeof KernelLinkInfo>;

/**
 * What a descriptor's link is.
 *
 * @param fd The descriptor.
 * @param name What error messages call it.
 * @throws {NotSupportedError} if the descriptor is not a link's.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function linkInfoOf(fd: number, name: string): LinkInfo {
  const raw = ask(fd, name, () => {});
  if (!isLink(fd)) throw isSomethingElse(name, "link");
  const type = raw.type < types.length ? types[raw.type] : undefined;
  const info = {
    type,
    typeNumber: raw.type,
    id: raw.id,
    programId: raw.programId,
  };
  return { ...info, target: targetOf(fd, name, raw, type) };
}

/** The type of a link, for messages. */
export function typeText({ type, typeNumber }: LinkInfo): string {
  return type ?? `${typeNumber}`;
}

/** Asks for the info, after `prepare` has put where to put a name. */
function ask(fd: number, name: string, prepare: (raw: Raw) => void): Raw {
  const { buffer, bytes, address } = scratchBlock(ROOM);
  typedArrayFill(bytes, 0, 0, ROOM);
  const raw = pointer(KernelLinkInfo, buffer);
  prepare(raw);
  askInfo(fd, address, NAME_AT, name, "link");
  return raw;
}

/**
 * Whether a descriptor is a link's. Programs and maps have an info as well, and
 * nothing in it tells which. So its program is replaced by none: the kernel
 * looks at the link first, and answers EINVAL for what is none.
 */
function isLink(fd: number): boolean {
  const { linkUpdate } = clearAttributes();
  linkUpdate.linkFd = fd;
  linkUpdate.newProgFd = 0xffff_ffff;
  return run("BPF_LINK_UPDATE", SIZE.linkUpdate) === -EBADF;
}

function targetOf(
  fd: number,
  name: string,
  { target }: Raw,
  type: LinkType | undefined,
): LinkTarget | undefined {
  switch (type) {
    case "raw_tracepoint":
      return { kind: "raw_tracepoint", name: askName(fd, name) };
    case "iter": {
      const { mapId } = target.named;
      return { kind: "iterator", mapId, name: askName(fd, name) };
    }
    case "tracing": {
      const { attachType, objectId, btfId } = target.tracing;
      return {
        kind: "tracing",
        attachType: attachTypeName(attachType),
        objectId,
        btfId,
      };
    }
    case "cgroup": {
      const { id, attachType } = target.cgroup;
      return {
        kind: "cgroup",
        cgroupId: id,
        attachType: attachTypeName(attachType),
      };
    }
    case "netns": {
      const { number, attachType } = target.numbered;
      return {
        kind: "netns",
        inode: number,
        attachType: attachTypeName(attachType),
      };
    }
    case "xdp":
      return {
        kind: "xdp",
        interfaceIndex: target.numbered.number,
        attachType: undefined,
      };
    case "tcx":
    case "netkit": {
      const { number, attachType } = target.numbered;
      return {
        kind: type,
        interfaceIndex: number,
        attachType: attachTypeName(attachType),
      };
    }
    case "netfilter": {
      const { family, hook, priority } = target.netfilter;
      return { kind: "netfilter", family, hook, priority };
    }
    case "perf_event":
      return eventOf(fd, name, target.event);
    default:
      return undefined;
  }
}

function eventOf(
  fd: number,
  name: string,
  { kind, nameOrConfig, lengthOrType, offset }: Raw["target"]["event"],
): LinkTarget | undefined {
  switch (kind) {
    case UPROBE:
    case URETPROBE:
      return {
        kind: kind === UPROBE ? "uprobe" : "uretprobe",
        offset,
        name: askEventName(fd, name),
      };
    case KPROBE:
    case KRETPROBE:
      return {
        kind: kind === KPROBE ? "kprobe" : "kretprobe",
        offset,
        name: askEventName(fd, name),
      };
    case TRACEPOINT:
      return { kind: "tracepoint", name: askEventName(fd, name) };
    case EVENT:
      return { kind: "perf_event", type: lengthOrType, config: nameOrConfig };
    default:
      return undefined;
  }
}

function askName(fd: number, name: string): string {
  const { address } = scratchBlock(ROOM);
  ask(fd, name, ({ target: { named } }) => {
    named.name = address + toBigInt(NAME_AT);
    named.length = NAME_MAX;
  });
  return takeName();
}

function askEventName(fd: number, name: string): string {
  const { address } = scratchBlock(ROOM);
  ask(fd, name, ({ target: { event } }) => {
    event.nameOrConfig = address + toBigInt(NAME_AT);
    event.lengthOrType = NAME_MAX;
  });
  return takeName();
}

/** The name that the kernel has put behind the info. */
function takeName(): string {
  return view(Name, scratchBlock(ROOM).buffer, NAME_AT).value;
}
