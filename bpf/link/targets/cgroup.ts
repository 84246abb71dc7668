/** Control groups. */

import { NotSupportedError } from "../../../errors.ts";
import { EBADF, EINVAL, EPERM, fileStatus } from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import { HostLayout, struct, u32, u64 } from "../../../layout/mod.ts";
import type { Holder } from "../../kernel_object.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import {
  AttachedProgram,
  BPF_F_ALLOW_MULTI,
  BPF_F_ALLOW_OVERRIDE,
} from "../attached_program.ts";
import { type AttachPoint, createLink, requireType } from "../commands.ts";
import {
  type AttachType,
  attachTypeName,
  attachTypeNumber,
} from "../attach_type.ts";
import { loadedFor } from "../loaded_for.ts";
import type { TargetKind } from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";
import { withTarget } from "./descriptor.ts";

/** The processes of a control group of version 2 (Linux 5.7). */
export interface AttachCgroup {
  /** The kind of target. */
  readonly kind: "cgroup";
  /** The path of its directory, a `file:` URL, or a descriptor of it. */
  readonly cgroup: string | URL | number;
  /**
   * Attach type within the control group. Default: the one the program was
   * loaded for, if known: its section says so, or its type leaves no choice.
   */
  readonly attachType?: AttachType | undefined;
  /**
   * The mode of an attachment without a link, as before Linux 5.7:
   * `"exclusive"` admits no programs in groups below, `"override"` lets those
   * below take its place, and `"multi"` runs this, those below, and others that
   * are attached here so. Programs stay attached until they are detached, or
   * the group is removed. By default it is attached by a link, which goes with
   * others that are `"multi"`.
   */
  readonly mode?: "multi" | "override" | "exclusive" | undefined;
}

/** A control group. */
export interface CgroupTarget {
  /** The kind of target. */
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
  mode: true,
} as const satisfies OptionNames<AttachCgroup>;

/** The flags of programs attached without a link, by what they admit. */
const modes = {
  exclusive: 0,
  override: BPF_F_ALLOW_OVERRIDE,
  multi: BPF_F_ALLOW_MULTI,
} as const;

function flagsOf(mode: unknown): number | undefined {
  if (mode === undefined) return undefined;
  if (typeof mode === "string" && Object.hasOwn(modes, mode)) {
    return modes[mode as keyof typeof modes];
  }
  throw new TypeError(
    `Mode must be "multi", "override" or "exclusive": received ${show(mode)}`,
  );
}

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
  attach(program, { cgroup: where, attachType: given, mode }) {
    requireType(program, point);
    const attachType = attachTypeOf(program, given);
    const flags = flagsOf(mode);
    return withTarget<Holder>("Control group", where, (target) => {
      const request = { program, point, target, attachType };
      if (flags === undefined) return createLink(request);
      const status = fileStatus(target);
      const cgroupId = typeof status === "number" ? 0n : status.inode;
      const info = { kind: "cgroup", cgroupId, attachType } as const;
      return AttachedProgram.attach<CgroupTarget>({ ...request, flags, info });
    });
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
  const loaded = loadedFor(program);
  if (loaded !== undefined) return loaded;
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
