/** Maps of sockets: programs that see what goes through their sockets. */

import { NotSupportedError } from "../../../errors.ts";
import { EBUSY, EINVAL, EOPNOTSUPP } from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { HostLayout, struct, u32 } from "../../../layout/mod.ts";
import { descriptorOf, type HasDescriptor } from "../../kernel_object.ts";
import { mapInfoOf } from "../../map/info.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { AttachedProgram } from "../attached_program.ts";
import {
  type AttachType,
  attachTypeName,
  attachTypeNumber,
} from "../attach_type.ts";
import {
  type AttachPoint,
  createLink,
  mayBeUnknown,
  requireType,
} from "../commands.ts";
import { loadedFor } from "../loaded_for.ts";
import type { TargetKind } from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";

/**
 * The sockets of a map, a `sockmap` or `sockhash`: a program of type `sk_msg`
 * sees the data that they send, one of type `sk_skb` the data that they
 * receive. Sockets that are stored in the map before a program is attached do
 * not have it.
 *
 * The kernel has links for maps of sockets since Linux 6.10. Before, the
 * program stays attached until it is detached, or the map is gone.
 */
export interface AttachSockmap {
  /** The kind of target. */
  readonly kind: "sockmap";
  /** The map. */
  readonly map: HasDescriptor;
  /**
   * The way that the program is used: `"sk_skb_stream_parser"` tells where
   * messages end, `"sk_skb_stream_verdict"` and `"sk_skb_verdict"` where they go,
   * and `"sk_msg_verdict"` where sent data goes. By default the one that the
   * program was loaded for, if known.
   */
  readonly attachType?: SockmapAttachType | undefined;
}

/** The ways that programs are used by maps of sockets. */
export type SockmapAttachType = Extract<
  AttachType,
  | "sk_skb_stream_parser"
  | "sk_skb_stream_verdict"
  | "sk_skb_verdict"
  | "sk_msg_verdict"
>;

/** A map of sockets. */
export interface SockmapTarget {
  /** The kind of target. */
  readonly kind: "sockmap";
  /** The id of the map, as in `MapInfo.id`. */
  readonly mapId: number;
  /** The way that the program is used. */
  readonly attachType: AttachType | undefined;
}

const options = {
  kind: true,
  map: true,
  attachType: true,
} as const satisfies OptionNames<AttachSockmap>;

const point: AttachPoint = {
  name: "a map of sockets",
  since: [4, 14],
  types: ["sk_skb", "sk_msg"],
  capability: "CAP_NET_ADMIN",
  causes: {
    [EBUSY]:
      "another program is attached there by a link, or a verdict of the other kind",
    [EINVAL]: "the map must be a sockmap or sockhash",
    [EOPNOTSUPP]:
      "the program may be of another type than this way of use takes, or the kernel have none (CONFIG_BPF_STREAM_PARSER)",
  },
};

const withLink: AttachPoint = {
  ...point,
  name: "a map of sockets by a link",
  since: [6, 10],
};

/** The ways that each type of program can be used. */
const ways: Readonly<Record<string, readonly AttachType[]>> = {
  "sk_msg": ["sk_msg_verdict"],
  "sk_skb": ["sk_skb_stream_parser", "sk_skb_stream_verdict", "sk_skb_verdict"],
};

/** Attaching to a map of sockets. */
export const sockmap: TargetKind<AttachSockmap> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const attachType = attachTypeOf(program, given.attachType);
    const target = descriptorOf("Map", "map", given.map);
    const { id, type, typeNumber } = mapInfoOf(target, "the map");
    if (type !== "sockmap" && type !== "sockhash") {
      throw new NotSupportedError(
        `Cannot attach program ${program.label} to a map of type ${
          type ?? typeNumber
        }: its type must be sockmap or sockhash`,
      );
    }
    const request = { program, point: withLink, target, attachType };
    try {
      return createLink(request);
    } catch (error) {
      // The kernel may have no such links; then it says by itself what is wrong.
      if (!mayBeUnknown(error)) throw error;
      const info = { kind: "sockmap", mapId: id, attachType } as const;
      return AttachedProgram.attach<SockmapTarget>({ ...request, point, info });
    }
  },
};

function attachTypeOf(
  program: UsedProgram,
  given: AttachType | undefined,
): AttachType {
  const possible = ways[program.type!]!;
  if (given !== undefined) {
    void attachTypeNumber(given);
    if (possible.includes(given)) return given;
  } else {
    const loaded = loadedFor(program);
    if (loaded !== undefined && possible.includes(loaded)) return loaded;
    if (possible.length === 1) return possible[0]!;
  }
  throw new NotSupportedError(
    `Cannot attach program ${program.label} of type ${program.type} to a map of sockets ${
      given === undefined ? "without attachType" : `as ${given}`
    }: pass attachType ${possible.join(" or ")}`,
  );
}

const Detail = struct("sockmap", {
  _: HostLayout,
  mapId: u32,
  attachType: u32,
});

/** Reads the target of a link to a map of sockets. */
export function readSockmap(raw: RawLinkInfo): SockmapTarget {
  const { mapId, attachType } = raw.detail(Detail);
  return { kind: "sockmap", mapId, attachType: attachTypeName(attachType) };
}
