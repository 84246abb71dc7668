/** Packets on their way into or out of an interface: TCX, and netkit like it. */

import {
  EACCES,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  ENXIO,
  ESTALE,
} from "../../../../ffi/mod.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import type { OptionNames } from "../../../../base/arguments.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import { HostLayout, struct, u32 } from "../../../../layout/mod.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import { type AttachType, attachTypeName } from "../../attach_type.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import {
  absenceOf,
  type InterfaceTarget,
  requireDirection,
  requireSide,
  withInterface,
} from "./interface.ts";
import type { OtherNetns } from "./within.ts";
import { type AttachOrder, orderOf } from "../order.ts";

/** Packets on their way into or out of an interface, by tc (Linux 6.6). */
export interface AttachTcx extends AttachOrder, OtherNetns {
  /** The kind of target. */
  readonly kind: "tcx";
  /** The name or the index of an interface. */
  readonly interface: string | number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
}

/**
 * Packets that leave an interface of type netkit, one of a pair, on their way to
 * the other (Linux 6.7).
 */
export interface AttachNetkit extends AttachOrder, OtherNetns {
  /** The kind of target. */
  readonly kind: "netkit";
  /** The name or the index of the primary interface of the pair. */
  readonly interface: string | number;
  /** The interface of the pair that the packets leave. */
  readonly side: "primary" | "peer";
}

const options = {
  kind: true,
  interface: true,
  direction: true,
  netns: true,
  before: true,
  after: true,
  expectedRevision: true,
} as const satisfies OptionNames<AttachTcx>;

const netkitOptions = {
  kind: true,
  interface: true,
  side: true,
  netns: true,
  before: true,
  after: true,
  expectedRevision: true,
} as const satisfies OptionNames<AttachNetkit>;

const point: AttachPoint = {
  name: "an interface by TCX",
  since: [6, 6],
  types: ["sched_cls"],
  capability: "CAP_NET_ADMIN",
  causes: { [EEXIST]: "the program is attached there already" },
};

const netkitPoint: AttachPoint = {
  ...point,
  name: "an interface of type netkit",
  since: [6, 7],
};

/** Attaching to an interface by TCX. */
export const tcx: TargetKind<AttachTcx> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const attachType = `tcx_${requireDirection(given.direction)}` as const;
    return linkInOrder({ program, point, attachType, given });
  },
};

/** Attaching to an interface of type netkit. */
export const netkit: TargetKind<AttachNetkit> = {
  options: netkitOptions,
  attach(program, given) {
    requireType(program, netkitPoint);
    const attachType = `netkit_${requireSide(given.side)}` as const;
    return linkInOrder({ program, point: netkitPoint, attachType, given });
  },
};

/** Makes the link of an interface that has programs in an order. */
function linkInOrder(
  { program, point, attachType, given }: {
    readonly program: UsedProgram;
    readonly point: AttachPoint;
    readonly attachType: AttachType;
    readonly given: AttachTcx | AttachNetkit;
  },
): Descriptor {
  return withInterface(given, (target) => {
    // The last of the options: to read another may close what it names.
    const { flags, relative, revision } = orderOf(given);
    const causes: AttachPoint["causes"] = {
      ...point.causes,
      [ENODEV]: () => absenceOf(target),
      [ENOENT]: () =>
        relative === 0
          ? undefined
          : "what it shall run before or after is not attached there",
      [ESTALE]: `the programs there have changed since revision ${revision}`,
      [EINVAL]: () =>
        absenceOf(target) ??
          (given.kind === "netkit"
            ? "the kernel may have no netkit (CONFIG_NETKIT)"
            : undefined),
      [ENXIO]: "the interface must be of type netkit",
      [EACCES]: "the interface must be the primary one of the pair",
    };
    return createLink({
      program,
      point: { ...point, causes },
      target,
      attachType,
      flags,
      size: SIZE.linkCreateOrder,
      fill: ({ order }) => {
        order.relative = relative;
        order.revision = revision;
      },
    });
  });
}

const Detail = struct("tcx", {
  _: HostLayout,
  interfaceIndex: u32,
  attachType: u32,
});

/** Reads the target of a TCX link, and of one of netkit. */
export function readTcx(raw: RawLinkInfo): InterfaceTarget {
  const { interfaceIndex, attachType } = raw.detail(Detail);
  return {
    kind: raw.type === "netkit" ? "netkit" : "tcx",
    interfaceIndex,
    attachType: attachTypeName(attachType),
  };
}
