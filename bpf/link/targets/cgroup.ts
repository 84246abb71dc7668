/** Attaching to control groups. */

import { NotSupportedError } from "../../../errors.ts";
import { libbpfAttach } from "../../libbpf/attach_functions.ts";
import { closeDescriptor, EBADF, EINVAL, EPERM } from "../../../ffi/mod.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { createLink, requireType, type Way } from "../create.ts";
import { targetDescriptor } from "./descriptor.ts";
import type { AttachCgroup } from "../attach_target.ts";
import {
  type AttachType,
  attachTypeName,
  attachTypeNumber,
} from "../attach_type.ts";

const cgroup: Way = {
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
  hints: {
    [EBADF]:
      "the path or descriptor must be of a directory of a cgroup2 file system",
    [EINVAL]: "the program was loaded for another attach type",
    [EPERM]:
      "a program that admits no others may be attached to this group or one above",
  },
};

/** Attaches to a control group: the link's descriptor. */
export function attachCgroup(
  program: UsedProgram,
  options: AttachCgroup,
): number {
  requireType(program, cgroup);
  const attachType = attachTypeOf(program, options.attachType);
  const target = targetDescriptor("Control group", options.cgroup);
  try {
    return createLink({ program, way: cgroup, target: target.fd, attachType });
  } finally {
    if (target.own) closeDescriptor(target.fd);
  }
}

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
