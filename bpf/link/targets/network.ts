/** Attaching to interfaces, network namespaces and netfilter. */

import {
  check,
  closeDescriptor,
  EBUSY,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  interfaceIndex,
  O_RDONLY,
  openFile,
  systemError,
} from "../../../ffi/mod.ts";
import { show } from "../../../base/show.ts";
import { requireFlag, requireU32 } from "../../../base/arguments.ts";
import { descriptorOf, linkFd } from "../../kernel_object.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { SIZE } from "../../../ffi/bpf/attributes.ts";
import {
  createLink,
  type LinkDetail,
  requireType,
  type Way,
} from "../create.ts";
import { targetDescriptor } from "./descriptor.ts";
import type {
  AttachNetfilter,
  AttachNetns,
  AttachOrder,
  AttachTcx,
  AttachXdp,
} from "../attach_target.ts";

const noInterface = "there is no such interface in this network namespace";

const xdp: Way = {
  name: "an interface by XDP",
  since: [5, 9],
  types: ["xdp"],
  capability: "CAP_NET_ADMIN",
  hints: {
    [ENODEV]: noInterface,
    [EINVAL]: noInterface,
    [EBUSY]: "another XDP program is attached to the interface already",
    [EEXIST]:
      "an XDP program is attached to the interface already, in another mode",
    [EOPNOTSUPP]: `the interface's driver does not run XDP: use mode "generic"`,
  },
};

const tcx: Way = {
  name: "an interface by TCX",
  since: [6, 6],
  types: ["sched_cls"],
  capability: "CAP_NET_ADMIN",
  hints: {
    [ENODEV]: noInterface,
    [ENOENT]: "what it shall run before or after is not attached there",
    [EEXIST]: "the program is attached there already",
  },
};

const netns: Way = {
  name: "a network namespace",
  since: [5, 8],
  types: ["flow_dissector", "sk_lookup"],
  capability: "CAP_NET_ADMIN",
  hints: {
    [EINVAL]: "the descriptor or path must be of a network namespace",
    [EBUSY]: "a program is attached to the namespace already",
    [EEXIST]: "a flow dissector is attached to a namespace already",
  },
};

const netfilter: Way = {
  name: "netfilter",
  since: [6, 4],
  types: ["netfilter"],
  capability: "CAP_NET_ADMIN",
  hints: {
    [EBUSY]: "another program has that priority there",
    [EOPNOTSUPP]: "the kernel lacks this hook, or defragmenting",
  },
};

/** The index of an interface. @throws {SystemError} if there is none so named. */
function indexOf(value: unknown): number {
  if (typeof value === "number") return requireU32("Interface", value, 1);
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new TypeError(
      `Interface must be a name, not empty and without NUL, or an index: received ${
        show(value)
      }`,
    );
  }
  const index = interfaceIndex(value);
  if (index === -ENODEV) {
    throw systemError(
      ENODEV,
      "if_nametoindex",
      `there is no interface "${value}" in this network namespace`,
    );
  }
  return check(index, "if_nametoindex");
}

/** `linux/if_link.h`, `XDP_FLAGS_*_MODE`. */
function xdpFlags(mode: unknown): number {
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

/** Attaches to an interface by XDP: the link's descriptor. */
export function attachXdp(program: UsedProgram, options: AttachXdp): number {
  requireType(program, xdp);
  const flags = xdpFlags(options.mode);
  const target = indexOf(options.interface);
  return createLink({ program, way: xdp, target, attachType: "xdp", flags });
}

/** `linux/bpf.h` */
const BPF_F_BEFORE = 1 << 3;
const BPF_F_AFTER = 1 << 4;
const BPF_F_LINK = 1 << 13;

/** The flags of a place among others, and what comes behind them. */
interface Order {
  readonly flags: number;
  readonly size: number;
  readonly fill: (detail: LinkDetail) => void;
}

function orderOf({ before, after }: AttachOrder): Order {
  if (before !== undefined && after !== undefined) {
    throw new TypeError(
      "Options before and after exclude each other: both are given",
    );
  }
  const other = before ?? after;
  let flags = before !== undefined ? BPF_F_BEFORE : 0;
  if (after !== undefined) flags = BPF_F_AFTER;
  let relative = 0;
  if (other !== undefined && other !== "all") {
    const link = linkFd(other);
    if (link !== undefined) flags |= BPF_F_LINK;
    const name = before !== undefined ? "Option before" : "Option after";
    relative = link ??
      descriptorOf(`${name}, unless "all" or a BpfLink,`, "program", other);
  }
  return {
    flags,
    size: SIZE.linkCreateOrder,
    fill: ({ order }) => {
      order.relative = relative;
    },
  };
}

/** Attaches to an interface by TCX: the link's descriptor. */
export function attachTcx(program: UsedProgram, options: AttachTcx): number {
  requireType(program, tcx);
  const { direction } = options;
  if (direction !== "ingress" && direction !== "egress") {
    throw new TypeError(
      `Direction must be "ingress" or "egress": received ${show(direction)}`,
    );
  }
  const order = orderOf(options);
  const target = indexOf(options.interface);
  const attachType = `tcx_${direction}` as const;
  return createLink({ program, way: tcx, target, attachType, ...order });
}

/** The network namespace of this process. */
const OWN = "/proc/self/ns/net";

/** Attaches to a network namespace: the link's descriptor. */
export function attachNetns(
  program: UsedProgram,
  options: AttachNetns,
): number {
  requireType(program, netns);
  const { netns: where } = options;
  const attachType = program.type === "sk_lookup"
    ? "sk_lookup"
    : "flow_dissector";
  const target = where === undefined
    ? { fd: check(openFile(OWN, O_RDONLY), "open"), own: true }
    : targetDescriptor("Network namespace", where);
  try {
    return createLink({ program, way: netns, target: target.fd, attachType });
  } finally {
    if (target.own) closeDescriptor(target.fd);
  }
}

/** `linux/netfilter.h`, `enum nf_inet_hooks`, each at its number. */
const hooks = [
  "pre_routing",
  "local_in",
  "forward",
  "local_out",
  "post_routing",
];
/** `linux/netfilter.h`, `NFPROTO_*`. */
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
/** `linux/bpf.h` */
const BPF_F_NETFILTER_IP_DEFRAG = 1;

/** Attaches to a hook of netfilter: the link's descriptor. */
export function attachNetfilter(
  program: UsedProgram,
  options: AttachNetfilter,
): number {
  requireType(program, netfilter);
  const { family, hook, priority } = options;
  const defragment = requireFlag("defragment", options.defragment);
  if (family !== "ipv4" && family !== "ipv6") {
    throw new TypeError(
      `Family must be "ipv4" or "ipv6": received ${show(family)}`,
    );
  }
  const number = hooks.indexOf(hook);
  if (number < 0) {
    throw new TypeError(
      `Hook must be a name such as "local_in": received ${show(hook)}`,
    );
  }
  if ((priority | 0) !== priority) {
    throw new RangeError(
      `Priority must be a 32-bit integer: received ${show(priority)}`,
    );
  }
  return createLink({
    program,
    way: netfilter,
    target: 0,
    attachType: "netfilter",
    size: SIZE.linkCreateNetfilter,
    fill: ({ netfilter }) => {
      netfilter.family = family === "ipv4" ? NFPROTO_IPV4 : NFPROTO_IPV6;
      netfilter.hook = number;
      netfilter.priority = priority;
      netfilter.flags = defragment ? BPF_F_NETFILTER_IP_DEFRAG : 0;
    },
  });
}
