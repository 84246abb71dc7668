/** Asks the kernel what is attached to a target: `BPF_PROG_QUERY`, netlink. */

import { SystemError } from "../../errors.ts";
import { requireFlag, requireOptions } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import {
  check,
  EINVAL,
  ENODEV,
  FILTER_CLASS,
  systemError,
  trafficControls,
} from "../../ffi/mod.ts";
import { descriptorOf, type HasDescriptor } from "../kernel_object.ts";
import { libbpfErrorInit } from "../libbpf/errors.ts";
import { queryXdp } from "../libbpf/network_functions.ts";
import { type AttachType, attachTypeNumber } from "./attach_type.ts";
import { queryPrograms } from "./query.ts";
import { withTarget } from "./targets/descriptor.ts";
import {
  absenceOf,
  requireDirection,
  requireSide,
  withInterface,
} from "./targets/network/interface.ts";
import { type OtherNetns, ownNetwork } from "./targets/network/within.ts";
import type { SockmapAttachType } from "./targets/sockmap.ts";

/** A control group, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInCgroup {
  /** The kind of target. */
  readonly kind: "cgroup";
  /** The path of its directory, a `file:` URL, or a descriptor of it. */
  readonly cgroup: string | URL | number;
  /** The hook. */
  readonly attachType: AttachType;
  /** True for all that are run for it, those of groups above too. */
  readonly effective?: boolean | undefined;
}

/** A network namespace, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInNetns {
  /** The kind of target. */
  readonly kind: "netns";
  /** The network namespace, as for `attach`; by default that of this process.
   */
  readonly netns?: string | URL | number | undefined;
  /** The hook. */
  readonly attachType: "flow_dissector" | "sk_lookup";
}

/** A map of sockets, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInSockmap {
  /** The kind of target. */
  readonly kind: "sockmap";
  /** The map. */
  readonly map: HasDescriptor;
  /** The way that programs are used. */
  readonly attachType: SockmapAttachType;
}

/** An interface's TCX, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInTcx extends OtherNetns {
  /** The kind of target. */
  readonly kind: "tcx";
  /** The name or the index of an interface. */
  readonly interface: string | number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
}

/** An interface's filters of tc(8), for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInTc extends OtherNetns {
  /** The kind of target. */
  readonly kind: "tc";
  /** The name or the index of an interface. */
  readonly interface: string | number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
}

/** An interface of type netkit, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInNetkit extends OtherNetns {
  /** The kind of target. */
  readonly kind: "netkit";
  /** The name or the index of the primary interface. */
  readonly interface: string | number;
  /** The interface of the pair whose packets are seen as they leave it. */
  readonly side: "primary" | "peer";
}

/** An interface's XDP, for {@linkcode BpfProgram.attachedTo}. */
export interface PlaceInXdp extends OtherNetns {
  /** The kind of target. */
  readonly kind: "xdp";
  /** The name or the index of an interface. */
  readonly interface: string | number;
}

/** A place to attach programs to, for {@linkcode BpfProgram.attachedTo}. */
export type AttachmentPlace =
  | PlaceInCgroup
  | PlaceInNetns
  | PlaceInSockmap
  | PlaceInTcx
  | PlaceInTc
  | PlaceInNetkit
  | PlaceInXdp;

/** A program that is attached. */
export interface AttachedEntry {
  /** Its id, for {@linkcode BpfProgram.fromId}. */
  readonly programId: number;
  /**
   * The id of the link, for {@linkcode BpfLink.fromId}, where the kernel tells: of
   * `tcx` and `netkit`. Undefined also for a program that has none.
   */
  readonly linkId: number | undefined;
  /** The mode of XDP, or what the program admits in a control group. */
  readonly mode:
    | "native"
    | "generic"
    | "offload"
    | "multi"
    | "override"
    | "exclusive"
    | undefined;
  /** The priority of a filter of tc(8). */
  readonly priority: number | undefined;
  /** The handle of a filter of tc(8). */
  readonly handle: number | undefined;
}

/** The programs that are attached, at one moment. */
export interface Attached {
  /** The programs, in the order in which they are run. */
  readonly programs: readonly AttachedEntry[];
  /**
   * A number that grows with each change, for `expectedRevision`; undefined where
   * the kernel has none. TCX and netkit have one.
   */
  readonly revision: bigint | undefined;
}

type Query<K extends AttachmentPlace["kind"]> = {
  readonly options: Readonly<Record<string, true>>;
  ask(place: Extract<AttachmentPlace, { readonly kind: K }>): Attached;
};

const onInterface = { kind: true, interface: true, netns: true } as const;

const queries: {
  readonly [K in AttachmentPlace["kind"]]: Query<K>;
} = {
  cgroup: {
    options: { kind: true, cgroup: true, attachType: true, effective: true },
    ask({ cgroup, attachType, effective }) {
      const type = attachTypeNumber(attachType);
      const all = requireFlag("effective", effective);
      return withTarget(
        "Control group",
        cgroup,
        (fd) => query(fd, type, all ? "effective" : "flags"),
      );
    },
  },
  netns: {
    options: { kind: true, netns: true, attachType: true },
    ask({ netns, attachType }) {
      const type = attachTypeNumber(attachType);
      if (netns !== undefined) {
        return withTarget("Network namespace", netns, (fd) => query(fd, type));
      }
      const own = ownNetwork();
      try {
        return query(own.fd, type);
      } finally {
        own.close();
      }
    },
  },
  sockmap: {
    options: { kind: true, map: true, attachType: true },
    ask: ({ map, attachType }) =>
      query(descriptorOf("Map", "map", map), attachTypeNumber(attachType)),
  },
  tcx: {
    options: { ...onInterface, direction: true },
    ask(place) {
      const type = attachTypeNumber(`tcx_${requireDirection(place.direction)}`);
      return onIndex(place, (index) => query(index, type, "links"));
    },
  },
  netkit: {
    options: { ...onInterface, side: true },
    ask(place) {
      const type = attachTypeNumber(`netkit_${requireSide(place.side)}`);
      return onIndex(place, (index) => query(index, type, "links"));
    },
  },
  tc: {
    options: { ...onInterface, direction: true },
    ask(place) {
      const direction = requireDirection(place.direction);
      return onIndex(place, (index) => filtersOf(index, direction));
    },
  },
  xdp: {
    options: onInterface,
    ask: (place) => onIndex(place, xdpOf),
  },
};

/**
 * Finds the programs that are attached to a target.
 *
 * @throws as `BpfProgram.attachedTo` does.
 */
export function attachedTo(place: AttachmentPlace): Attached {
  requireOptions(place);
  const { kind } = place;
  if (!Object.hasOwn(queries, kind)) {
    throw new TypeError(
      `Kind of place must be one of ${
        Object.keys(queries).map(show).join(", ")
      }: received ${show(kind)}`,
    );
  }
  const found = queries[kind] as Query<AttachmentPlace["kind"]>;
  requireOptions(place, found.options);
  return found.ask(place);
}

function onIndex<R>(
  place: OtherNetns & { readonly interface: string | number },
  ask: (index: number) => R,
): R {
  return withInterface(place, (index) => {
    const absence = absenceOf(index);
    if (absence !== undefined) throw systemError(ENODEV, "ioctl", absence);
    return ask(index);
  });
}

/**
 * Asks for the programs of a target.
 *
 * @param target A descriptor, or the index of an interface.
 * @param what The further data to ask for: the links, all that are run for a
 * control group, or what those of one admit.
 */
function query(
  target: number,
  attachType: number,
  what?: "links" | "effective" | "flags",
): Attached {
  const found = queryPrograms(target, attachType, what);
  const mode = what === "flags" ? modeOf(found.attachFlags) : undefined;
  return {
    programs: Array.from(
      found.programIds,
      (programId, i) =>
        entry(programId, { linkId: found.linkIds[i] || undefined, mode }),
    ),
    revision: what === "links" ? found.revision : undefined,
  };
}

function entry(
  programId: number,
  more: Partial<AttachedEntry> = {},
): AttachedEntry {
  return {
    programId,
    linkId: undefined,
    mode: undefined,
    priority: undefined,
    handle: undefined,
    ...more,
  };
}

/** The mode of a control group's programs, by their flags (`BPF_F_ALLOW_*`). */
function modeOf(flags: number): AttachedEntry["mode"] {
  return (flags & 2) !== 0
    ? "multi"
    : (flags & 1) !== 0
    ? "override"
    : "exclusive";
}

/** `linux/pkt_cls.h` */
const TCA_BPF_ID = 11;

/** The filters of BPF that an interface has by tc(8). */
function filtersOf(
  interfaceIndex: number,
  direction: "ingress" | "egress",
): Attached {
  const parent = FILTER_CLASS[direction];
  const filters = trafficControls({ interfaceIndex, parent });
  if (typeof filters === "number") {
    // It has no discipline that filters could belong to.
    if (filters !== -EINVAL) check(filters, "netlink(RTM_GETTFILTER)");
    return { programs: [], revision: undefined };
  }
  const programs = filters.flatMap(({ kind, handle, info, options }) => {
    const id = kind === "bpf" ? options.get(TCA_BPF_ID) : undefined;
    if (id === undefined) return [];
    const programId = new DataView(id.buffer, id.byteOffset).getUint32(0, true);
    return [entry(programId, { priority: info >>> 16, handle })];
  });
  return { programs, revision: undefined };
}

/** The programs that an interface has by XDP, one for each mode. */
function xdpOf(interfaceIndex: number): Attached {
  const result = queryXdp(interfaceIndex);
  if (result.errno !== 0) {
    const { errno, call, warnings } = result;
    throw new SystemError(libbpfErrorInit(errno, call, warnings));
  }
  const modes = ["offload", "native", "generic"] as const;
  return {
    programs: modes
      .filter((mode) => result[mode] !== 0)
      .map((mode) => entry(result[mode], { mode })),
    revision: undefined,
  };
}
