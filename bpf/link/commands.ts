/** Giving a link another program, and detaching it for everybody. */

import { NotSupportedError } from "../../errors.ts";
import {
  EEXIST,
  EINVAL,
  ENOLINK,
  EOPNOTSUPP,
  EPERM,
  systemError,
} from "../../ffi/mod.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { linkInfoOf, typeText } from "./read_info.ts";
import type { LinkInfo } from "./info.ts";

/** `linux/bpf.h` */
const BPF_F_REPLACE = 1 << 2;

/**
 * Puts another program in the place of a link's.
 *
 * @param link The descriptor of the link.
 * @param program That of the new program.
 * @param old That of the program that it must have; undefined for any.
 */
export function updateLink(
  link: number,
  program: number,
  old: number | undefined,
): void {
  const { linkUpdate } = clearAttributes();
  linkUpdate.linkFd = link;
  linkUpdate.newProgFd = program;
  if (old !== undefined) {
    linkUpdate.flags = BPF_F_REPLACE;
    linkUpdate.oldProgFd = old;
  }
  const command = "BPF_LINK_UPDATE";
  const result = run(command, SIZE.linkUpdate);
  if (result >= 0) return;
  const info = linkInfoOf(link, "the link");
  const hint = updateHint(-result, old !== undefined);
  const reason = systemError(-result, `bpf(${command})`, hint);
  if (!isFixed(info)) throw reason;
  throw new NotSupportedError(
    `Cannot update a link of type ${
      typeText(info)
    }: such links have one program for ever; attach the new program, then close this`,
    { cause: reason },
  );
}

function updateHint(errno: number, hasOld: boolean): string | undefined {
  switch (errno) {
    case EPERM:
      return hasOld
        ? "the link has another program than the old one that was given"
        : undefined;
    case EINVAL:
      return "the new program must be of the type, and for the kind of attachment, of the old one";
    case EEXIST:
      return "the new program is attached there already";
    case ENOLINK:
      return "what the link was attached to is gone, or it was detached";
    default:
      return undefined;
  }
}

/** Links of these types have one program for as long as they exist. */
function isFixed({ type }: LinkInfo): boolean {
  switch (type) {
    case "raw_tracepoint":
    case "tracing":
    case "perf_event":
    case "kprobe_multi":
    case "uprobe_multi":
    case "netfilter":
    case "struct_ops":
      return true;
    default:
      return false;
  }
}

/** Detaches a link for everybody who has it. */
export function detachLink(link: number): void {
  clearAttributes().linkFd.linkFd = link;
  const command = "BPF_LINK_DETACH";
  const result = run(command, SIZE.linkFd);
  if (result === -EOPNOTSUPP) {
    throw new NotSupportedError(
      `Cannot detach a link of type ${
        typeText(linkInfoOf(link, "the link"))
      } for everybody: the kernel does so when its last descriptor is closed and its last pin removed`,
      { cause: systemError(EOPNOTSUPP, `bpf(${command})`) },
    );
  }
  checked(command, result);
}
