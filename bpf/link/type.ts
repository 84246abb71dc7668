/** The types of links, and the part of a link's info that all types share. */

import { EBADF } from "../../ffi/mod.ts";
import { scratchBlock } from "../../ffi/block.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { askInfo, isSomethingElse } from "../../ffi/bpf/object_info.ts";
import {
  HostLayout,
  type Marked,
  type Pointer,
  pointer,
  struct,
  text,
  type Type,
  u32,
  type View,
  view,
} from "../../layout/mod.ts";

/**
 * A type of link, by the name that `linux/bpf.h` gives it: `"perf_event"` is
 * `BPF_LINK_TYPE_PERF_EVENT`.
 */
export type LinkType =
  | "raw_tracepoint"
  | "tracing"
  | "cgroup"
  | "iter"
  | "netns"
  | "xdp"
  | "perf_event"
  | "kprobe_multi"
  | "struct_ops"
  | "netfilter"
  | "tcx"
  | "uprobe_multi"
  | "netkit"
  | "sockmap";

/** `linux/bpf.h`, `enum bpf_link_type`, each at its number. */
const names: readonly (LinkType | undefined)[] = [
  undefined,
  "raw_tracepoint",
  "tracing",
  "cgroup",
  "iter",
  "netns",
  "xdp",
  "perf_event",
  "kprobe_multi",
  "struct_ops",
  "netfilter",
  "tcx",
  "uprobe_multi",
  "netkit",
  "sockmap",
];

/** The beginning of `struct bpf_link_info`. */
const Head = struct("bpf_link_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  programId: u32,
});

/** The offset of the union that differs by type. */
const DETAIL_AT = 16;
/** The size of all of it, of Linux 6.12 and before; the rest is not asked for. */
const INFO_SIZE = 64;
/** The longest text that the kernel gives: a path, `PATH_MAX`. */
const TEXT_SIZE = 4096;
const Text = text(TEXT_SIZE);

/** Room for a text that the kernel is to write. */
export interface TextRoom {
  readonly address: bigint;
  readonly size: number;
}

/** The info of a link as the kernel gives it, valid until the next of any link. */
export class RawLinkInfo {
  /** The type; undefined for one that is not known here. */
  readonly type: LinkType | undefined;
  /** The number of the type (`enum bpf_link_type`). */
  readonly typeNumber: number;
  readonly id: number;
  readonly programId: number;
  readonly #fd: number;
  readonly #name: string;

  /**
   * Asks the kernel.
   *
   * @param fd The descriptor.
   * @param name The name of the descriptor in error messages.
   * @throws {NotSupportedError} if the descriptor is not a link's.
   * @throws {SystemError} if it is not open, or the kernel will not say.
   */
  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
    this.#ask(() => {});
    if (!isLink(fd)) throw isSomethingElse(name, "link");
    const head = view(Head, block().buffer);
    this.typeNumber = head.type;
    this.type = names[head.type];
    this.id = head.id;
    this.programId = head.programId;
  }

  /** The part that differs by type. */
  detail<T extends Type>(type: T & Marked<T>): View<T> {
    return view<T>(type, block().buffer, DETAIL_AT);
  }

  /**
   * A text that the kernel writes when it is told the room for it.
   *
   * @param type The part of the info that differs by type.
   * @param tell Stores the address and the size of the room there.
   */
  text<T extends Type>(
    type: T & Marked<T>,
    tell: (detail: Pointer<T>, room: TextRoom) => void,
  ): string {
    this.#ask(() => {
      const address = block().addressAt(INFO_SIZE);
      const detail = pointer<T>(type, block().buffer, DETAIL_AT);
      tell(detail, { address, size: TEXT_SIZE });
    });
    return view(Text, block().buffer, INFO_SIZE).value;
  }

  #ask(prepare: () => void): void {
    const { bytes, address } = block();
    bytes.fill(0, 0, INFO_SIZE + TEXT_SIZE);
    prepare();
    askInfo(this.#fd, address, INFO_SIZE, this.#name, "link");
  }
}

function block(): ReturnType<typeof scratchBlock> {
  return scratchBlock(INFO_SIZE + TEXT_SIZE);
}

/**
 * Tells whether a descriptor is a link's. Programs and maps have an info as well,
 * and nothing in it tells which. So its program is replaced by none: the kernel
 * looks at the link first, and answers EINVAL for what is none.
 */
export function isLink(fd: number): boolean {
  const { linkUpdate } = clearAttributes();
  linkUpdate.linkFd = fd;
  linkUpdate.newProgFd = 0xffff_ffff;
  return run("BPF_LINK_UPDATE", SIZE.linkUpdate) === -EBADF;
}
