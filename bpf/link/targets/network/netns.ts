/** Network namespaces: flow dissectors and socket lookup. */

import { EBUSY, EEXIST, EINVAL } from "../../../../ffi/mod.ts";
import type { OptionNames } from "../../../../base/arguments.ts";
import { HostLayout, struct, u32 } from "../../../../layout/mod.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import { type AttachType, attachTypeName } from "../../attach_type.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import { withTarget } from "../descriptor.ts";
import { ownNetwork } from "./within.ts";

/** A network namespace: flow dissectors and socket lookup (Linux 5.8). */
export interface AttachNetns {
  /** The kind of target. */
  readonly kind: "netns";
  /**
   * A path such as `/run/netns/blue` or `/proc/123/ns/net`, a `file:` URL, or a
   * descriptor; by default that of this process.
   */
  readonly netns?: string | URL | number | undefined;
}

/** A network namespace. */
export interface NetnsTarget {
  /** The kind of target. */
  readonly kind: "netns";
  /** Its inode, as `/proc/<pid>/ns/net` has it. 0 once it is gone. */
  readonly inode: number;
  /** The hook in it that runs the program. */
  readonly attachType: AttachType | undefined;
}

const options = {
  kind: true,
  netns: true,
} as const satisfies OptionNames<AttachNetns>;

const point: AttachPoint = {
  name: "a network namespace",
  since: [5, 8],
  types: ["flow_dissector", "sk_lookup"],
  capability: "CAP_NET_ADMIN",
  causes: {
    [EINVAL]: "the descriptor or path must be of a network namespace",
    [EBUSY]: "a program is attached to the namespace already",
    [EEXIST]: "a flow dissector is attached to a namespace already",
  },
};

/** Attaching to a network namespace. */
export const netns: TargetKind<AttachNetns> = {
  options,
  attach(program, { netns: where }) {
    requireType(program, point);
    const attachType = program.type === "sk_lookup"
      ? "sk_lookup"
      : "flow_dissector";
    const attachTo = (target: number) =>
      createLink({ program, point, target, attachType });
    if (where !== undefined) {
      return withTarget("Network namespace", where, attachTo);
    }
    const own = ownNetwork();
    try {
      return attachTo(own.fd);
    } finally {
      own.close();
    }
  },
};

const Detail = struct("netns", { _: HostLayout, inode: u32, attachType: u32 });

/** Reads the target of a link to a network namespace. */
export function readNetns(raw: RawLinkInfo): NetnsTarget {
  const { inode, attachType } = raw.detail(Detail);
  return { kind: "netns", inode, attachType: attachTypeName(attachType) };
}
