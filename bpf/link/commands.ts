/** The commands of bpf(2) that make, change and end links. */

import { NotSupportedError, SystemError } from "../../errors.ts";
import {
  EEXIST,
  EINVAL,
  ENOLINK,
  EOPNOTSUPP,
  EPERM,
  systemError,
} from "../../ffi/mod.ts";
import type { Block } from "../../ffi/block.ts";
import { eventRestriction } from "../../ffi/calls/perf_event.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { causeIn, type Causes } from "../../ffi/errno/causes.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import type { Command } from "../../ffi/bpf/commands.ts";
import {
  kernelIsOlderThan,
  type KernelVersion,
} from "../../ffi/kernel_version.ts";
import { type Capability, lacks } from "../privileges.ts";
import type { ProgramType } from "../program/type.ts";
import type { UsedProgram } from "../program/used_program.ts";
import { type AttachType, attachTypeNumber } from "./attach_type.ts";
import { RawLinkInfo } from "./type.ts";

/** A kind of place in the kernel to which programs are attached. */
export interface AttachPoint {
  /** Its name in messages: `"a control group"`. */
  readonly name: string;
  /** The first version of Linux that has it. */
  readonly since: KernelVersion;
  /** The types of program that can go there. */
  readonly types: readonly ProgramType[];
  /** The causes of errors. */
  readonly causes: Causes;
  /** The capability that attaching takes besides CAP_BPF. */
  readonly capability: "CAP_NET_ADMIN" | "CAP_PERFMON";
}

/** @throws {NotSupportedError} unless a program is of a type that can go there. */
export function requireType(
  { label, type }: UsedProgram,
  point: AttachPoint,
): void {
  if (type !== undefined && point.types.includes(type)) return;
  throw new NotSupportedError(
    `Cannot attach program ${label} of type ${
      type ?? "unknown"
    } to ${point.name}: its type must be ${point.types.join(" or ")}`,
  );
}

/** A link to be made. */
export interface LinkRequest {
  /** The program, or a map of struct_ops. */
  readonly program: Pick<UsedProgram, "open">;
  readonly point: AttachPoint;
  /** A descriptor, or the index of an interface. */
  readonly target: number;
  readonly attachType: AttachType;
  readonly flags?: number;
  /** The number of bytes of the attributes that matter; by default those above. */
  readonly size?: number;
  /** Fills in the attributes behind them. */
  readonly fill?: (detail: LinkDetail) => void;
  /** The blocks that those attributes point to. */
  readonly blocks?: readonly Block[];
}

/** The blocks of the call that is under way, as their addresses would not keep them. */
const held: { blocks: readonly Block[] | undefined } = { blocks: undefined };

/** The end of the attributes, which differs by attach point. */
export type LinkDetail = ReturnType<
  typeof clearAttributes
>["linkCreate"]["detail"];

/**
 * Makes a link (`BPF_LINK_CREATE`): its descriptor.
 *
 * @throws {NotSupportedError} if the kernel is older than the attach point.
 * @throws {SystemError} with the kernel's reason.
 */
export function createLink(request: LinkRequest): Descriptor {
  const { program, target, attachType, flags = 0, point } = request;
  const { linkCreate } = clearAttributes();
  linkCreate.progFd = program.open();
  linkCreate.target = target;
  linkCreate.attachType = attachTypeNumber(attachType);
  linkCreate.flags = flags;
  request.fill?.(linkCreate.detail);
  const command = "BPF_LINK_CREATE";
  const { size = SIZE.linkCreate } = request;
  held.blocks = request.blocks;
  try {
    return checkedLink(command, run(command, size), point);
  } finally {
    held.blocks = undefined;
  }
}

/**
 * Tests whether an error of {@linkcode createLink} can mean that the program was
 * not loaded for such a link, or that the kernel does not know it.
 */
export function mayBeUnknown(error: unknown): boolean {
  return error instanceof NotSupportedError ||
    error instanceof SystemError &&
      (error.errno === EINVAL || error.errno === EOPNOTSUPP);
}

/**
 * Attaches to a tracepoint, or to what a program was loaded for
 * (`BPF_RAW_TRACEPOINT_OPEN`).
 *
 * @param name The address of the tracepoint's name; 0 for what the program was
 * loaded for.
 * @throws as {@linkcode createLink} does.
 */
export function openTracepoint(
  program: UsedProgram,
  point: AttachPoint,
  name: bigint,
  cookie: bigint,
): Descriptor {
  const { rawTracepoint } = clearAttributes();
  rawTracepoint.progFd = program.open();
  rawTracepoint.name = name;
  rawTracepoint.cookie = cookie;
  const size = cookie === 0n ? SIZE.rawTracepoint : SIZE.rawTracepointCookie;
  const command = "BPF_RAW_TRACEPOINT_OPEN";
  return checkedLink(command, run(command, size), point);
}

/** Takes over a new link's descriptor, or throws the error that it is. */
export function checkedLink(
  command: Command,
  result: number,
  point: AttachPoint,
): Descriptor {
  if (result >= 0) return new Descriptor(result);
  const errno = -result;
  const reason = systemError(errno, `bpf(${command})`, causeOf(errno, point));
  const unknown = errno === EINVAL || errno === EOPNOTSUPP;
  if (unknown && kernelIsOlderThan(point.since)) {
    throw new NotSupportedError(
      `Attaching to ${point.name} needs Linux ${
        point.since.join(".")
      } or later`,
      { cause: reason },
    );
  }
  throw reason;
}

/** The cause of an error at an attach point; undefined where nothing is known. */
export function causeOf(
  errno: number,
  point: AttachPoint,
): string | undefined {
  const cause = causeIn(point.causes, errno);
  if (errno !== EPERM) return cause;
  const privilege = `attaching to ${point.name} needs ${
    privilegeText(["CAP_BPF", point.capability])
  }`;
  return cause === undefined ? privilege : `${privilege}; ${cause}`;
}

/** Says which capabilities something needs, and whether this process has them. */
export function privilegeText(needed: readonly Capability[]): string {
  const lacking = needed.filter(lacks);
  const all = `${needed.join(" and ")}, or CAP_SYS_ADMIN`;
  return lacking.length > 0
    ? `${all}: this process lacks ${lacking.join(" and ")}`
    : `${all}, which this process has: a container's seccomp profile may forbid bpf(2)`;
}

/** The same for what is made of an event of the kernel's. */
export function eventPrivilegeText(): string {
  const needed = ["CAP_BPF", "CAP_PERFMON"] as const;
  const restriction = restrictionHere();
  if (restriction === undefined) return privilegeText(needed);
  return needed.some(lacks)
    ? `${privilegeText(needed)}; ${restriction}`
    : `CAP_SYS_ADMIN, since ${restriction}`;
}

/** The restriction of events that this process is under; undefined for none. */
export function restrictionHere(): string | undefined {
  return lacks("CAP_SYS_ADMIN") ? eventRestriction() : undefined;
}

/** `linux/bpf.h` */
const BPF_F_REPLACE = 1 << 2;

/**
 * Puts another program, or map of struct_ops, in the place of a link's
 * (`BPF_LINK_UPDATE`).
 *
 * @param link The descriptor of the link.
 * @param program The descriptor of the new one.
 * @param old The descriptor of the one that it must have; undefined for any.
 */
export function updateLink(
  link: number,
  program: number,
  old: number | undefined,
): void {
  const { linkUpdate } = clearAttributes();
  linkUpdate.linkFd = link;
  linkUpdate.newProgFd = program;
  if (old !== undefined) {
    linkUpdate.flags = BPF_F_REPLACE;
    linkUpdate.oldProgFd = old;
  }
  const command = "BPF_LINK_UPDATE";
  const result = run(command, SIZE.linkUpdate);
  if (result >= 0) return;
  const info = new RawLinkInfo(link, "the link");
  const cause = updateCause(-result, old !== undefined);
  const reason = systemError(-result, `bpf(${command})`, cause);
  if (!hasFixedProgram(info)) throw reason;
  throw new NotSupportedError(
    `Cannot update a link of type ${
      typeText(info)
    }: such links have one program for ever; attach the new program, then close this`,
    { cause: reason },
  );
}

function updateCause(errno: number, hasOld: boolean): string | undefined {
  switch (errno) {
    case EPERM:
      return hasOld
        ? "the link has another program than the old one that was given"
        : undefined;
    case EINVAL:
      return "the new program must be of the type, and for the kind of attachment, of the old one";
    case EEXIST:
      return "the new program is attached there already";
    case ENOLINK:
      return "what the link was attached to is gone, or it was detached";
    default:
      return undefined;
  }
}

/** Tells whether links of this type have one program for as long as they exist. */
function hasFixedProgram({ type }: RawLinkInfo): boolean {
  switch (type) {
    case "raw_tracepoint":
    case "tracing":
    case "perf_event":
    case "kprobe_multi":
    case "uprobe_multi":
    case "netfilter":
      return true;
    default:
      return false;
  }
}

/** Detaches a link for everybody who has it (`BPF_LINK_DETACH`). */
export function detachLink(link: number): void {
  clearAttributes().linkFd.linkFd = link;
  const command = "BPF_LINK_DETACH";
  const result = run(command, SIZE.linkFd);
  if (result === -EOPNOTSUPP) {
    throw new NotSupportedError(
      `Cannot detach a link of type ${
        typeText(new RawLinkInfo(link, "the link"))
      } for everybody: the kernel does so when its last descriptor is closed and its last pin removed`,
      { cause: systemError(EOPNOTSUPP, `bpf(${command})`) },
    );
  }
  checked(command, result);
}

/** The type of a link, for messages. */
function typeText({ type, typeNumber }: RawLinkInfo): string {
  return type ?? `${typeNumber}`;
}
