/** What a descriptor's link is, and what it is attached to. */

import { NotSupportedError } from "../errors.ts";
import { EBADF, EINVAL, systemError, toBigInt } from "../ffi/mod.ts";
import { typedArrayFill } from "../layout/_intrinsics.ts";
import { type Pointer, pointer, sizeOf, text, view } from "../layout/mod.ts";
import { clearAttributes, payloadOf, run, SIZE } from "./_attributes.ts";
import { hintFor } from "./_commands.ts";
import {
  clearProgramAttributes,
  KernelLinkInfo,
  PROGRAM_SIZE,
  runProgramCommand,
} from "./_program_attributes.ts";
import { attachTypeName } from "./attach_type.ts";
import type { LinkInfo, LinkTarget, LinkType } from "./link_info.ts";

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
  if (!isLink(fd)) throw notALink(name);
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
  const { buffer, bytes, address } = payloadOf(ROOM);
  typedArrayFill(bytes, 0, 0, ROOM);
  const raw = pointer(KernelLinkInfo, buffer);
  prepare(raw);
  const { objectInfo } = clearAttributes();
  objectInfo.bpfFd = fd;
  objectInfo.infoLen = NAME_AT;
  objectInfo.info = address;
  const command = "BPF_OBJ_GET_INFO_BY_FD";
  const result = run(command, SIZE.objectInfo);
  if (result === -EINVAL) throw notALink(name);
  if (result < 0) {
    throw systemError(-result, `bpf(${command})`, hintFor(command, -result));
  }
  return raw;
}

function notALink(name: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${name} as a BPF link: it is something else`,
  );
}

/**
 * Whether a descriptor is a link's. Programs and maps have an info as well, and
 * nothing in it tells which. So its program is replaced by none: the kernel
 * looks at the link first, and answers EINVAL for what is none.
 */
function isLink(fd: number): boolean {
  const { linkUpdate } = clearProgramAttributes();
  linkUpdate.linkFd = fd;
  linkUpdate.newProgFd = 0xffff_ffff;
  const command = "BPF_LINK_UPDATE";
  return runProgramCommand(command, PROGRAM_SIZE.linkUpdate) === -EBADF;
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
  const { address } = payloadOf(ROOM);
  ask(fd, name, ({ target: { named } }) => {
    named.name = address + toBigInt(NAME_AT);
    named.length = NAME_MAX;
  });
  return takeName();
}

function askEventName(fd: number, name: string): string {
  const { address } = payloadOf(ROOM);
  ask(fd, name, ({ target: { event } }) => {
    event.nameOrConfig = address + toBigInt(NAME_AT);
    event.lengthOrType = NAME_MAX;
  });
  return takeName();
}

/** The name that the kernel has put behind the info. */
function takeName(): string {
  return view(Name, payloadOf(ROOM).buffer, NAME_AT).value;
}
