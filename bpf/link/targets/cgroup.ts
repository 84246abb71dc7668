/** Control groups. */

import { NotSupportedError } from "../../../errors.ts";
import { EBADF, EINVAL, EPERM } from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { HostLayout, struct, u32, u64 } from "../../../layout/mod.ts";
import { libbpfAttach } from "../../libbpf/attach_functions.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { type AttachPoint, createLink, requireType } from "../commands.ts";
import {
  type AttachType,
  attachTypeName,
  attachTypeNumber,
} from "../attach_type.ts";
import type { TargetKind } from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";
import { withTarget } from "./descriptor.ts";

/** The processes of a control group of version 2 (Linux 5.7). */
export interface AttachCgroup {
  /** Tells it from the others. */
  readonly kind: "cgroup";
  /** The path of its directory, a `file:` URL, or a descriptor of it. */
  readonly cgroup: string | URL | number;
  /**
   * Attach type within the control group. Default: the one the program was
   * loaded for, if known: its section says so, or its type leaves no choice.
   */
  readonly attachType?: AttachType | undefined;
}

/** A control group. */
export interface CgroupTarget {
  /** Tells it from the others. */
  readonly kind: "cgroup";
  /** Its number: the inode of its directory. 0 once it is removed. */
  readonly cgroupId: bigint;
  /** The hook in it that runs the program. */
  readonly attachType: AttachType | undefined;
}

const options = {
  kind: true,
  cgroup: true,
  attachType: true,
} as const satisfies OptionNames<AttachCgroup>;

const point: AttachPoint = {
  name: "a control group",
  since: [5, 7],
  types: [
    "cgroup_skb",
    "cgroup_sock",
    "cgroup_sock_addr",
    "cgroup_sockopt",
    "cgroup_sysctl",
    "cgroup_device",
    "sock_ops",
    "lsm",
  ],
  capability: "CAP_NET_ADMIN",
  causes: {
    [EBADF]:
      "the path or descriptor must be of a directory of a cgroup2 file system",
    [EINVAL]: "the program may have been loaded for another attach type",
    [EPERM]:
      "a program that admits no others may be attached to this group or one above",
  },
};

/** Attaching to a control group. */
export const cgroup: TargetKind<AttachCgroup> = {
  options,
  attach(program, { cgroup: where, attachType: given }) {
    requireType(program, point);
    const attachType = attachTypeOf(program, given);
    return withTarget(
      "Control group",
      where,
      (target) => createLink({ program, point, target, attachType }),
    );
  },
};

function attachTypeOf(
  program: UsedProgram,
  given: AttachType | undefined,
): AttachType {
  if (given !== undefined) {
    void attachTypeNumber(given);
    return given;
  }
  // The kernel does not tell what a program was loaded for; libbpf does.
  const { native } = program;
  if (native !== undefined) {
    const { bpf_program__expected_attach_type } = libbpfAttach();
    const number = bpf_program__expected_attach_type(native.handle);
    const name = attachTypeName(number);
    if (name !== undefined) return name;
  }
  switch (program.type) {
    case "cgroup_sysctl":
    case "cgroup_device":
      return program.type;
    case "sock_ops":
      return "cgroup_sock_ops";
    case "lsm":
      return "lsm_cgroup";
    default:
      throw new NotSupportedError(
        `Cannot tell what in the control group program ${program.label} of type ${program.type} is for: pass attachType, such as "cgroup_inet_ingress"`,
      );
  }
}

const Detail = struct("cgroup", { _: HostLayout, id: u64, attachType: u32 });

/** Reads the target of a link to a control group. */
export function readCgroup(raw: RawLinkInfo): CgroupTarget {
  const { id, attachType } = raw.detail(Detail);
  return {
    kind: "cgroup",
    cgroupId: id,
    attachType: attachTypeName(attachType),
  };
}
