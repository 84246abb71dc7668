/** Packets on their way into or out of an interface: TCX. */

import { EEXIST, ENODEV, ENOENT } from "../../../../ffi/mod.ts";
import type { OptionNames } from "../../../../base/arguments.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import { HostLayout, struct, u32 } from "../../../../layout/mod.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import { attachTypeName } from "../../attach_type.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import {
  absenceOf,
  indexOf,
  type InterfaceTarget,
  requireDirection,
} from "./interface.ts";
import { type AttachOrder, orderOf } from "../order.ts";

/** Packets on their way into or out of an interface, by tc (Linux 6.6). */
export interface AttachTcx extends AttachOrder {
  /** Tells it from the others. */
  readonly kind: "tcx";
  /** The name or the index of an interface in this network namespace. */
  readonly interface: string | number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
}

const options = {
  kind: true,
  interface: true,
  direction: true,
  before: true,
  after: true,
} as const satisfies OptionNames<AttachTcx>;

const point: AttachPoint = {
  name: "an interface by TCX",
  since: [6, 6],
  types: ["sched_cls"],
  capability: "CAP_NET_ADMIN",
  causes: { [EEXIST]: "the program is attached there already" },
};

/** Attaching to an interface by TCX. */
export const tcx: TargetKind<AttachTcx> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const direction = requireDirection(given.direction);
    const { flags, relative } = orderOf(given);
    const target = indexOf(given.interface);
    return createLink({
      program,
      point: {
        ...point,
        causes: {
          ...point.causes,
          [ENODEV]: () => absenceOf(target),
          [ENOENT]: () =>
            relative === 0
              ? undefined
              : "what it shall run before or after is not attached there",
        },
      },
      target,
      attachType: `tcx_${direction}`,
      flags,
      size: SIZE.linkCreateOrder,
      fill: ({ order }) => {
        order.relative = relative;
      },
    });
  },
};

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
