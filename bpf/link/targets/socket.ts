/** Programs of one socket: filters of what it receives, and choices in a group. */

import {
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  EPERM,
  fileStatus,
  setSocketOption,
  systemError,
} from "../../../ffi/mod.ts";
import {
  type OptionNames,
  requireDescriptor,
} from "../../../base/arguments.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";
import { programInfoOf } from "../../program/info.ts";
import { type AttachPoint, requireType } from "../commands.ts";
import type { TargetKind } from "../target_kind.ts";
import { type AttachmentState, Unlinked } from "../unlinked.ts";

/**
 * The packets that a socket receives (Linux 3.19): the program's result is the
 * number of bytes of a packet to keep, 0 to drop it. A socket has one filter: a
 * new one takes its place.
 *
 * Takes no capability. The kernel has no link for it; the link keeps a descriptor
 * of the socket, which stays open until the link is closed.
 */
export interface AttachSocketFilter {
  /** The kind of target. */
  readonly kind: "socket_filter";
  /** The descriptor of the socket, which stays its holder's to close. */
  readonly socket: number;
}

/**
 * The choice of a socket in a group that shares a port by SO_REUSEPORT (Linux
 * 4.5): the result of a program of type `socket_filter` is an index in the group,
 * and one of type `sk_reuseport` (Linux 4.19) selects by `bpf_sk_select_reuseport()`.
 * It holds for all of the group. The rest is as for `socket_filter`.
 */
export interface AttachReuseport {
  /** The kind of target. */
  readonly kind: "reuseport";
  /** The descriptor of a socket of the group, with SO_REUSEPORT, bound or not. */
  readonly socket: number;
}

/** A socket; the info says only how the program is used. */
export interface SocketTarget {
  /** The way that the program is used. */
  readonly kind: "socket_filter" | "reuseport";
}

const options = {
  kind: true,
  socket: true,
} as const satisfies OptionNames<AttachSocketFilter>;

/** `asm-generic/socket.h` */
const SO_DETACH_FILTER = 27;
const SO_ATTACH_BPF = 50;
const SO_ATTACH_REUSEPORT_EBPF = 52;
const SO_DETACH_REUSEPORT_BPF = 68;

/** A way to use a program of a socket. */
interface Way {
  readonly kind: SocketTarget["kind"];
  readonly attach: number;
  readonly detach: number;
  readonly name: string;
  readonly types: AttachPoint["types"];
  readonly causes: Readonly<Record<number, string>>;
}

const privilege =
  "it may be locked (SO_LOCK_FILTER), or want CAP_NET_ADMIN in the socket's network";

const asFilter: Way = {
  kind: "socket_filter",
  attach: SO_ATTACH_BPF,
  detach: SO_DETACH_FILTER,
  name: "SO_ATTACH_BPF",
  types: ["socket_filter"],
  causes: { [EPERM]: privilege },
};

const asReuseport: Way = {
  kind: "reuseport",
  attach: SO_ATTACH_REUSEPORT_EBPF,
  detach: SO_DETACH_REUSEPORT_BPF,
  name: "SO_ATTACH_REUSEPORT_EBPF",
  types: ["socket_filter", "sk_reuseport"],
  causes: {
    [EPERM]: privilege,
    [EACCES]: "the socket must be bound, or have SO_REUSEPORT",
    [EINVAL]: "the socket must have SO_REUSEPORT before it is bound",
  },
};

const ENOTSOCK = 88;

function kindOf(way: Way): TargetKind<AttachSocketFilter | AttachReuseport> {
  return {
    options,
    attach(program, { socket }) {
      requireType(program, {
        name: way.kind === "reuseport" ? "a group of sockets" : "a socket",
        since: [3, 19],
        types: way.types,
        causes: {},
        capability: "CAP_NET_ADMIN",
      });
      requireDescriptor(socket);
      const own = Descriptor.duplicate(socket);
      try {
        const programId = use(way, own.fd, program.open());
        return new SocketProgram(way, own, programId);
      } catch (error) {
        own.close();
        throw error;
      }
    },
  };
}

/** Attaching to what a socket receives. */
export const socketFilter: TargetKind<AttachSocketFilter> = kindOf(asFilter);

/** Attaching to the choice in a group of sockets. */
export const reuseport: TargetKind<AttachReuseport> = kindOf(asReuseport);

/** Has a socket use a program: the id of the program. */
function use(way: Way, socket: number, program: number): number {
  const result = setSocketOption(socket, way.attach, program);
  if (result < 0) {
    const cause = -result === ENOTSOCK || -result === EBADF
      ? "the descriptor must be of a socket"
      : way.causes[-result];
    throw systemError(-result, `setsockopt(${way.name})`, cause);
  }
  return programInfoOf(program, "the program").id;
}

/** A program of a socket. */
class SocketProgram extends Unlinked<SocketTarget> {
  override readonly whyUnlinked = "programs of sockets are options of theirs";
  readonly #way: Way;
  readonly #socket: Descriptor;
  #program: number;

  constructor(way: Way, socket: Descriptor, program: number) {
    const status = fileStatus(socket.fd);
    const isKnown = typeof status !== "number";
    super(isKnown ? `${way.kind} ${status.inode}` : undefined);
    this.#way = way;
    this.#socket = socket;
    this.#program = program;
  }

  override state(): AttachmentState<SocketTarget> {
    return { programId: this.#program, target: { kind: this.#way.kind } };
  }

  protected override replace(program: number): void {
    this.#program = use(this.#way, this.#socket.fd, program);
  }

  protected override remove(): void {
    const { detach, name } = this.#way;
    const result = setSocketOption(this.#socket.fd, detach, 0);
    if (result >= 0 || result === -ENOENT) return;
    throw systemError(-result, `setsockopt(${name}, detaching)`, privilege);
  }

  protected override release(): void {
    this.#socket.close();
  }
}
