/** Packets as an interface receives them: XDP. */

import {
  EBUSY,
  EEXIST,
  EINVAL,
  ENODEV,
  EOPNOTSUPP,
  ERANGE,
} from "../../../../ffi/mod.ts";
import type { OptionNames } from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import { HostLayout, struct, u32 } from "../../../../layout/mod.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import { absenceOf, type InterfaceTarget, withInterface } from "./interface.ts";
import type { OtherNetns } from "./within.ts";

/** Packets as an interface receives them (Linux 5.9). */
export interface AttachXdp extends OtherNetns {
  /** The kind of target. */
  readonly kind: "xdp";
  /** The name or the index of an interface. */
  readonly interface: string | number;
  /**
   * The place that runs it: `"native"` the driver, `"generic"` the kernel's
   * network stack, whatever the driver, `"offload"` the device. By default the
   * driver if it can, else the stack.
   */
  readonly mode?: "native" | "generic" | "offload" | undefined;
}

const options = {
  kind: true,
  interface: true,
  mode: true,
  netns: true,
} as const satisfies OptionNames<AttachXdp>;

const point: AttachPoint = {
  name: "an interface by XDP",
  since: [5, 9],
  types: ["xdp"],
  capability: "CAP_NET_ADMIN",
  causes: {
    [EBUSY]: "another XDP program is attached to the interface already",
  },
};

/** `linux/if_link.h`, `XDP_FLAGS_*_MODE`. */
function flagsOf(mode: unknown): number {
  switch (mode) {
    case undefined:
      return 0;
    case "generic":
      return 1 << 1;
    case "native":
      return 1 << 2;
    case "offload":
      return 1 << 3;
    default:
      throw new TypeError(
        `Mode must be "native", "generic" or "offload": received ${show(mode)}`,
      );
  }
}

/** Attaching to an interface by XDP. */
export const xdp: TargetKind<AttachXdp> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const { mode } = given;
    const flags = flagsOf(mode);
    return withInterface(given, (target) =>
      createLink({
        program,
        point: { ...point, causes: causesOf(program, target, mode) },
        target,
        attachType: "xdp",
        flags,
      }));
  },
};

function causesOf(
  { native }: UsedProgram,
  index: number,
  mode: AttachXdp["mode"],
): AttachPoint["causes"] {
  return {
    ...point.causes,
    [ENODEV]: () => absenceOf(index),
    [EINVAL]: () => absenceOf(index) ?? misuseOf(native?.sectionName, mode),
    [EEXIST]:
      "an XDP program is attached to the interface in another mode, or to a bridge, bond or other device above it",
    [ERANGE]:
      `the MTU of the interface, or of the peer of a veth, is more than its driver runs XDP for: use SEC("xdp.frags"), or mode "generic"`,
    [EOPNOTSUPP]: mode === "offload"
      ? `the interface's device does not run programs itself: use mode "native" or "generic"`
      : `the interface's driver does not run XDP: use mode "generic"`,
  };
}

/** The reason why a program cannot be attached to any interface so. */
function misuseOf(
  section: string | undefined,
  mode: AttachXdp["mode"],
): string | undefined {
  if (section !== undefined && /^xdp(\.frags)?\/(dev|cpu)map/.test(section)) {
    return `programs of section "${section}" are run by entries of a map, not attached to interfaces`;
  }
  return mode === "offload"
    ? "the program must have been loaded for this device, and its driver must offload programs"
    : undefined;
}

const Detail = struct("xdp", { _: HostLayout, interfaceIndex: u32 });

/** Reads the target of an XDP link. */
export function readXdp(raw: RawLinkInfo): InterfaceTarget {
  const { interfaceIndex } = raw.detail(Detail);
  return { kind: "xdp", interfaceIndex, attachType: undefined };
}
