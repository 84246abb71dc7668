/** Hooks of netfilter. */

import { EBUSY, EOPNOTSUPP } from "../../../../ffi/mod.ts";
import { type OptionNames, requireFlag } from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import { HostLayout, i32, struct, u32 } from "../../../../layout/mod.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";

/** A hook of netfilter in this network namespace (Linux 6.4). */
export interface AttachNetfilter {
  /** The kind of target. */
  readonly kind: "netfilter";
  /** The family of protocols. */
  readonly family: "ipv4" | "ipv6";
  /** The hook of the family. */
  readonly hook:
    | "pre_routing"
    | "local_in"
    | "forward"
    | "local_out"
    | "post_routing";
  /** The place among others there, a 32-bit integer: the lowest is run first. */
  readonly priority: number;
  /** Puts fragments of packets together before. */
  readonly defragment?: boolean | undefined;
}

/** A hook of netfilter. */
export interface NetfilterTarget {
  /** The kind of target. */
  readonly kind: "netfilter";
  /** The family of protocols (`NFPROTO_*`): 2 is IPv4, 10 is IPv6. */
  readonly family: number;
  /** The number of the hook (`enum nf_inet_hooks`). */
  readonly hook: number;
  /** The place among the programs there: the lowest is run first. */
  readonly priority: number;
}

const options = {
  kind: true,
  family: true,
  hook: true,
  priority: true,
  defragment: true,
} as const satisfies OptionNames<AttachNetfilter>;

const point: AttachPoint = {
  name: "netfilter",
  since: [6, 4],
  types: ["netfilter"],
  capability: "CAP_NET_ADMIN",
  causes: {
    [EBUSY]: "another program has that priority there",
    [EOPNOTSUPP]: "the kernel may lack this hook, or defragmenting",
  },
};

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

/** Attaching to a hook of netfilter. */
export const netfilter: TargetKind<AttachNetfilter> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const { family, hook, priority } = given;
    const defragment = requireFlag("defragment", given.defragment);
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
      point,
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
  },
};

const Detail = struct("netfilter", {
  _: HostLayout,
  family: u32,
  hook: u32,
  priority: i32,
});

/** Reads the target of a link to netfilter. */
export function readNetfilter(raw: RawLinkInfo): NetfilterTarget {
  const { family, hook, priority } = raw.detail(Detail);
  return { kind: "netfilter", family, hook, priority };
}

/** The target for people. */
export function netfilterText(target: NetfilterTarget): string {
  const { family, hook, priority } = target;
  const families: Record<number, string> = {
    [NFPROTO_IPV4]: "ipv4",
    [NFPROTO_IPV6]: "ipv6",
  };
  return `${families[family] ?? `family ${family}`} ${
    hooks[hook] ?? `hook ${hook}`
  } at priority ${priority}`;
}
