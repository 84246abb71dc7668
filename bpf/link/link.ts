import { NotSupportedError } from "../../errors.ts";
import { pathOf } from "../../base/path.ts";
import {
  type OptionNames,
  requireDescriptor,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import {
  type Attachment,
  descriptorOf,
  type HasDescriptor,
  type Holder,
  KernelObject,
} from "../kernel_object.ts";
import { NativeLink } from "../libbpf/link.ts";
import { idsOf, openById } from "../ids.ts";
import { openPinned } from "../pins.ts";
import { detachLink, updateLink } from "./commands.ts";
import { type LinkInfo, linkInfoOf, linkText, unlinkedInfo } from "./info.ts";
import { prepareStructOps } from "./struct_ops.ts";
import { RawLinkInfo } from "./type.ts";
import { Unlinked } from "./unlinked.ts";

/** Options of {@linkcode BpfLink.update}. */
export interface UpdateLinkOptions {
  /**
   * The program that the link must have; else `update` does nothing, and
   * throws.
   */
  readonly old?: HasDescriptor | undefined;
}

const updateOptions = { old: true } as const satisfies OptionNames<
  UpdateLinkOptions
>;

/**
 * An attachment of a BPF program: the kernel runs the program there for as long
 * as the link exists. A link exists while a descriptor of it is open, in whatever
 * process, or it is pinned.
 *
 * A link that {@linkcode BpfProgram.attach} gave stays until the link is
 * closed, or the `BpfObject` of its program is closed, or this process ends in
 * any way. You need not keep this object: garbage collection detaches nothing.
 * To keep the link beyond the process, {@linkcode BpfLink.pin} it.
 *
 * A link that was opened, by {@linkcode BpfLink.open}, {@linkcode
 * BpfLink.fromId} or {@linkcode BpfLink.fromFd}, is one more descriptor of what
 * somebody else attached. If it is dropped without `close`, it is closed when
 * it is collected.
 *
 * @example Counting until the block ends
 * ```ts ignore
 * using object = BpfObject.load("count.bpf.o");
 * using link = object.programs.count.attach({ kind: "xdp", interface: "eth0" });
 * console.log(link.info);
 * ```
 */
export class BpfLink extends KernelObject {
  readonly #holder: Holder;
  readonly #whenClosed: (() => void) | undefined;

  /**
   * Links come from `attach`, `open`, `fromId` and `fromFd` alone.
   *
   * @ignore
   */
  constructor(holder: Holder, pinnedTo?: string, whenClosed?: () => void) {
    super("link", holder, linkInfoOf, pinnedTo);
    this.#holder = holder;
    this.#whenClosed = whenClosed;
  }

  /**
   * Opens a link that is pinned to a path on a BPF file system (`BPF_OBJ_GET`).
   *
   * @param path A path or a `file:` URL.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read and write the path.
   * @throws {NotSupportedError} if something other than a link is pinned there.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT,
   * EACCES, EPERM without a capability.
   */
  static open(path: string | URL): BpfLink {
    const file = pathOf(path);
    return adoptLink(BpfLink, openPinned(file, false), `"${file}"`, file);
  }

  /**
   * Opens a link by the number that the kernel gave it (`BPF_LINK_GET_FD_BY_ID`,
   * Linux 5.8), whoever made it. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in {@linkcode LinkInfo.id}.
   * @throws {RangeError} if the id is not an integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such link, EPERM without the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number): BpfLink {
    requireU32("Link id", id, 0);
    const opened = openById("BPF_LINK_GET_FD_BY_ID", id);
    return adoptLink(BpfLink, opened, `the link of id ${id}`);
  }

  /**
   * The numbers of all links in the system, ascending, for `fromId`
   * (`BPF_LINK_GET_NEXT_ID`, Linux 5.8). That takes CAP_SYS_ADMIN. Until they are opened,
   * somebody may make or close some.
   *
   * @throws {SystemError} with EPERM if the capability is missing.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   *
   * @example What is attached, and to what
   * ```ts
   * import { BpfLink, SystemError } from "@hostmem/hostmem/bpf";
   *
   * try {
   *   for (const id of BpfLink.ids()) {
   *     using link = BpfLink.fromId(id);
   *     console.log(link.info.programId, link.info.target);
   *   }
   * } catch (error) {
   *   // Who may not is told what it takes; and links come and go.
   *   if (!(error instanceof SystemError)) throw error;
   *   console.log(error.message);
   * }
   * ```
   */
  static ids(): number[] {
    return idsOf("BPF_LINK_GET_NEXT_ID");
  }

  /**
   * The link of a descriptor, which is duplicated: the caller's stays the
   * caller's to close.
   *
   * @param fd A descriptor of a BPF link.
   * @throws {RangeError} if it is not a descriptor's number.
   * @throws {NotSupportedError} if it is not a BPF link's.
   * @throws {SystemError} with EBADF, if it is not open.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromFd(fd: number): BpfLink {
    requireDescriptor(fd);
    return adoptLink(BpfLink, Descriptor.duplicate(fd), `descriptor ${fd}`);
  }

  /**
   * The info of the link, asked of the kernel now. For a filter of tc(8), and
   * for other programs attached without a link, `id` and `typeNumber` are 0.
   * For such a program the info says what this object attached, also if that
   * has been detached since.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} if the kernel has no link for what libbpf has
   * attached: of `usdt` probes, and of events before Linux 5.15.
   * @throws {SystemError} with ENOENT, if a filter was removed.
   */
  override get info(): LinkInfo {
    const unlinked = this.#unlinked();
    return unlinked === undefined
      ? linkInfoOf(this.fd, "the link")
      : unlinkedInfo(unlinked);
  }

  /** The kind of object that the link attaches. */
  #kindOfPart(): "map" | "program" {
    if (this.#unlinked() !== undefined) return "program";
    const { type } = new RawLinkInfo(this.fd, "the link");
    return type === "struct_ops" ? "map" : "program";
  }

  /** The attachment that has no link; undefined for a link. */
  #unlinked(): Unlinked | undefined {
    if (!(this.#holder instanceof Unlinked)) return undefined;
    if (this.closed) void super.fd;
    return this.#holder;
  }

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} as `info` does.
   */
  override get fd(): number {
    const { fd } = this.#holder;
    if (this.closed || fd >= 0) return super.fd;
    const { whyUnlinked } = this.#holder as Attachment;
    throw new NotSupportedError(
      `The kernel has no link for this: ${whyUnlinked}`,
    );
  }

  /**
   * Puts another program in the place of the link's, in one step
   * (`BPF_LINK_UPDATE`): each packet, or other event, is seen by exactly one of
   * the two programs. For links of type xdp, tcx, netkit, cgroup, netns, iter,
   * sockmap. A link of struct_ops is updated to another map of struct_ops.
   *
   * @param program The new program, of the old one's type; or a `BpfMap` of
   * struct_ops, of the same struct and name, made with the flag `"link"`.
   * @param options The program, or map, that the link must have.
   * @throws {TypeError} if what is given is not a program.
   * @throws {ClosedError} if the link or a program is closed.
   * @throws {NotSupportedError} if the program of a link of this type cannot be
   * changed.
   * @throws {SystemError} with the kernel's reason: EPERM if the link has another
   * program than `old`, EINVAL if the new one is of another type, ENOLINK if what
   * it was attached to is gone.
   */
  update(program: HasDescriptor, options: UpdateLinkOptions = {}): void {
    requireOptions(options, updateOptions);
    const { old } = options;
    const kind = this.#kindOfPart();
    const oldFd = old === undefined
      ? undefined
      : descriptorOf("Option old", kind, old);
    const name = kind === "map" ? "Map" : "Program";
    let newFd = descriptorOf(name, kind, program);
    if (kind === "map") {
      prepareStructOps(program);
      newFd = descriptorOf(name, kind, program);
    }
    const unlinked = this.#unlinked();
    if (unlinked === undefined) updateLink(this.fd, newFd, oldFd);
    else if (oldFd === undefined) unlinked.update(newFd);
    else {
      throw new NotSupportedError(
        `Option old must be left out: only links are compared and updated in one step, and ${unlinked.whyUnlinked}`,
      );
    }
  }

  /**
   * Detaches the program at once, for everybody who has the link, pinned or not
   * (`BPF_LINK_DETACH`, Linux 5.9). The link remains, attached to nothing. For
   * links of type xdp, tcx, netkit, cgroup, netns, sockmap, struct_ops.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} if links of this type are detached only by
   * closing every descriptor and removing every pin.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  detach(): void {
    const unlinked = this.#unlinked();
    if (unlinked === undefined) detachLink(this.fd);
    else unlinked.detach();
  }

  /**
   * Pins the link to a path on a BPF file system (`BPF_OBJ_PIN`): the program
   * stays attached until the path is removed, whatever becomes of this process.
   *
   * @param path A path that does not exist yet, or a `file:` URL.
   * @throws {NotSupportedError} as `info` does.
   * @throws as {@linkcode KernelObject.pin} does.
   */
  override pin(path: string | URL): void {
    super.pin(path);
    this.#stayIfPinned();
  }

  /**
   * Removes the path that the link is pinned to. The program stays attached for
   * as long as this or another descriptor of the link is open.
   *
   * @param path The path; by default the one that this object has pinned it to,
   * or opened it from.
   * @throws as {@linkcode KernelObject.unpin} does.
   */
  override unpin(path: string | URL | undefined = this.pinnedTo): void {
    super.unpin(path);
    this.#stayIfPinned();
  }

  /**
   * Closes the descriptor. That detaches the program, unless the link is pinned
   * or another descriptor of it is open. A second call does nothing.
   *
   * @throws {SystemError} if a program attached without a link cannot be
   * detached: EPERM, if this process has lost a capability.
   */
  override close(): void {
    if (this.closed) return;
    try {
      super.close();
    } finally {
      this.#whenClosed?.();
    }
  }

  /** @ignore */
  protected override describe(): string[] {
    const pinned = this.pinnedTo === undefined
      ? []
      : [`pinned to ${JSON.stringify(this.pinnedTo)}`];
    return [...this.#text(), ...pinned];
  }

  /** The target in words, while the kernel tells it. */
  #text(): string[] {
    try {
      return [linkText(this.info)];
    } catch {
      return []; // It is closed, or no link of the kernel's.
    }
  }

  #stayIfPinned(): void {
    if (this.#holder instanceof NativeLink) {
      this.#holder.stays = this.pinnedTo !== undefined;
    }
  }
}

/**
 * Takes over an open descriptor of what may be a link.
 *
 * @param LinkClass The class of link that it shall be.
 * @param name The name of the descriptor in error messages.
 * @param pinnedTo The path that it was opened from.
 * @throws {NotSupportedError} if it is not a link of that class.
 */
export function adoptLink<L extends BpfLink>(
  LinkClass: new (holder: Holder, pinnedTo?: string) => L,
  descriptor: Descriptor,
  name: string,
  pinnedTo?: string,
): L {
  try {
    void new RawLinkInfo(descriptor.fd, name);
    return new LinkClass(descriptor, pinnedTo);
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
