/** Asks the kernel for the programs of a target: `BPF_PROG_QUERY`. */

import type { SystemError } from "../../errors.ts";
import {
  E2BIG,
  EBADF,
  EINVAL,
  ENOSPC,
  EOPNOTSUPP,
  EPERM,
  systemError,
} from "../../ffi/mod.ts";
import { Block } from "../../ffi/block.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { privilegeText } from "./commands.ts";

/** The programs of a target, as the kernel tells them. */
export interface QueriedPrograms {
  /** The ids, in the order in which the programs are run. */
  readonly programIds: Uint32Array;
  /** The ids of their links, 0 for none; all 0 unless asked for. */
  readonly linkIds: Uint32Array;
  /** The flags of a control group (`BPF_F_ALLOW_*`). */
  readonly attachFlags: number;
  /** A number that grows with each change; 0 unless links are asked for. */
  readonly revision: bigint;
}

/** The number of programs that there is room for at first. */
const ROOM = 64;
/** `linux/bpf.h` */
const BPF_F_QUERY_EFFECTIVE = 1;

/**
 * Asks for the programs of a target.
 *
 * @param target A descriptor, or the index of an interface.
 * @param what The further data to ask for: the links, all that are run for a
 * control group, or what those of one admit.
 * @throws {SystemError} with the kernel's reason.
 */
export function queryPrograms(
  target: number,
  attachType: number,
  what?: "links" | "effective" | "flags",
): QueriedPrograms {
  let room = ROOM;
  for (;;) {
    const ids = new Block(4 * room);
    const links = new Block(4 * room);
    const { programQuery } = clearAttributes();
    programQuery.target = target;
    programQuery.attachType = attachType;
    programQuery.queryFlags = what === "effective" ? BPF_F_QUERY_EFFECTIVE : 0;
    programQuery.programIds = ids.address;
    programQuery.count = room;
    const withLinks = what === "links";
    if (withLinks) programQuery.linkIds = links.address;
    const result = run(
      "BPF_PROG_QUERY",
      withLinks ? SIZE.programQueryLinks : SIZE.programQuery,
    );
    const { count, attachFlags, revision } = programQuery;
    if (result === -ENOSPC && count > room) {
      room = count;
      continue;
    }
    if (result < 0) throw refusal(-result, withLinks);
    return {
      programIds: new Uint32Array(ids.buffer, 0, Math.min(count, room)),
      linkIds: new Uint32Array(links.buffer),
      attachFlags,
      revision,
    };
  }
}

function refusal(errno: number, isInterface: boolean): SystemError {
  const cause = causeOf(errno, isInterface);
  return systemError(errno, "bpf(BPF_PROG_QUERY)", cause);
}

function causeOf(
  errno: number,
  isInterface: boolean,
): string | undefined {
  switch (errno) {
    case EPERM:
      return `asking what is attached needs ${
        privilegeText(["CAP_NET_ADMIN"])
      }`;
    case EBADF:
      return "the path or descriptor must be of a target of this kind";
    case E2BIG:
    case EOPNOTSUPP:
    case EINVAL:
      return isInterface
        ? "the interface is of another kind, or the kernel older than Linux 6.6"
        : "the target is of another kind, or the kernel does not tell";
    default:
      return undefined;
  }
}
