import { ClosedError, NotSupportedError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";
import {
  requireDescriptor,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { descriptorOf, type Holder, registerLink } from "../kernel_object.ts";
import { NativeLink } from "../libbpf/link.ts";
import type { BpfProgram } from "../program/program.ts";
import { idsOf, openById } from "../ids.ts";
import { openPinned, pin } from "../pins.ts";
import { chunksOf, readAll } from "./iterator.ts";
import { detachLink, updateLink } from "./commands.ts";
import { linkInfoOf, typeText } from "./read_info.ts";
import type { LinkInfo } from "./info.ts";

/** Options of {@linkcode BpfLink.update}. */
export interface UpdateLinkOptions {
  /** The program that the link must have; else nothing is done, and it throws. */
  readonly old?: BpfProgram | undefined;
}

/** What only this module has, so that only it can construct. */
const secret = Symbol("BpfLink");

/** What only the class can do, for the function below it. */
let makeLink: (holder: Holder, whenClosed: (link: BpfLink) => void) => BpfLink;

/**
 * The links that `attach` made and nobody has closed. What is in here is never
 * collected, so that no program is detached by the garbage collector, at some
 * moment that nobody chose.
 */
const attached = new Set<BpfLink>();

/**
 * An attachment of a BPF program: the kernel runs the program there for as long
 * as the link exists. It exists while a descriptor of it is open, in whatever
 * process, or it is pinned.
 *
 * A link that {@linkcode BpfProgram.attach} gave stays until it is closed, or the
 * `BpfObject` of its program is, or this process ends, however it ends. Whether
 * the program keeps this object does not matter: collecting garbage detaches
 * nothing. To keep the link beyond the process, {@linkcode BpfLink.pin} it.
 *
 * Links that were opened, by {@linkcode BpfLink.open}, {@linkcode
 * BpfLink.fromId} or {@linkcode BpfLink.fromFd}, are one more descriptor of what
 * somebody else attached. Those that are dropped without `close` are closed when
 * they are collected.
 *
 * @example Counting until the block ends
 * ```ts ignore
 * using object = BpfObject.load("count.bpf.o");
 * using link = object.programs.count.attach({ kind: "xdp", interface: "eth0" });
 * console.log(link.info);
 * ```
 */
export class BpfLink implements Disposable {
  readonly #holder: Holder;
  readonly #whenClosed: () => void;
  #closed = false;
  #pinnedTo: string | undefined;

  private constructor(
    given: symbol,
    holder: Holder,
    pinnedTo: string | undefined,
    whenClosed: () => void,
  ) {
    if (given !== secret) throw new TypeError("Illegal constructor");
    this.#holder = holder;
    this.#pinnedTo = pinnedTo;
    this.#whenClosed = whenClosed;
    registerLink(this, holder);
  }

  /** Takes over an open descriptor of what may be a link. */
  static #adopt(
    descriptor: Descriptor,
    name: string,
    pinnedTo?: string,
  ): BpfLink {
    try {
      linkInfoOf(descriptor.fd, name);
    } catch (error) {
      descriptor.close();
      throw error;
    }
    return new BpfLink(secret, descriptor, pinnedTo, () => {});
  }

  static {
    makeLink = (holder, whenClosed) => {
      const link: BpfLink = new BpfLink(secret, holder, undefined, () => {
        attached.delete(link);
        whenClosed(link);
      });
      attached.add(link);
      return link;
    };
  }

  /**
   * Opens a link that is pinned to a path on a BPF file system (`BPF_OBJ_GET`).
   *
   * @param path A path or a `file:` URL.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read and write the path.
   * @throws {NotSupportedError} if something else than a link is pinned there.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT, EACCES,
   * EPERM for want of a capability.
   */
  static open(path: string | URL): BpfLink {
    const file = pathOf(path);
    return BpfLink.#adopt(openPinned(file, false), `"${file}"`, file);
  }

  /**
   * Opens a link by the number that the kernel gave it (`BPF_LINK_GET_FD_BY_ID`,
   * Linux 5.8), whoever made it. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in {@linkcode LinkInfo.id}.
   * @throws {RangeError} if the id is no integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such link, EPERM for want of the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number): BpfLink {
    requireU32("Link id", id, 0);
    const opened = openById("BPF_LINK_GET_FD_BY_ID", id);
    return BpfLink.#adopt(opened, `the link of id ${id}`);
  }

  /**
   * The numbers of all links in the system, ascending, for `fromId`
   * (`BPF_LINK_GET_NEXT_ID`, Linux 5.8). That takes CAP_SYS_ADMIN. Until they are opened,
   * somebody may make or close some.
   *
   * @throws {SystemError} with EPERM for want of the capability.
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
   * @throws {RangeError} if it is no descriptor's number.
   * @throws {NotSupportedError} if it is not a BPF link's.
   * @throws {SystemError} with EBADF, if it is not open.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromFd(fd: number): BpfLink {
    requireDescriptor(fd);
    return BpfLink.#adopt(Descriptor.duplicate(fd), `descriptor ${fd}`);
  }

  /**
   * What the kernel tells of the link now.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} if the kernel has no link for what libbpf has
   * attached: of `usdt` probes, and of events before Linux 5.15.
   */
  get info(): LinkInfo {
    return linkInfoOf(this.#open(), "the link");
  }

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} as `info` does.
   */
  get fd(): number {
    return this.#open();
  }

  /** Whether this object was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Where this object knows the link to be pinned; undefined for nowhere. */
  get pinnedTo(): string | undefined {
    return this.#pinnedTo;
  }

  /**
   * Puts another program in the place of the link's, in one step
   * (`BPF_LINK_UPDATE`): each packet, or whatever it is, meets either the one or
   * the other. For links of type xdp, tcx, netkit, cgroup, netns, iter, sockmap.
   *
   * @param program The new program, of the old one's type.
   * @param options Which program the link must have.
   * @throws {TypeError} if what is given is no program.
   * @throws {ClosedError} if the link or a program is closed.
   * @throws {NotSupportedError} if links of this type have one program for ever.
   * @throws {SystemError} with the kernel's reason: EPERM if the link has another
   * program than `old`, EINVAL if the new one is of another type, ENOLINK if what
   * it was attached to is gone.
   */
  update(program: BpfProgram, options: UpdateLinkOptions = {}): void {
    requireOptions(options);
    const { old } = options;
    const newFd = descriptorOf("Program", "program", program);
    const oldFd = old === undefined
      ? undefined
      : descriptorOf("Option old", "program", old);
    updateLink(this.#open(), newFd, oldFd);
  }

  /**
   * Detaches the program at once, for everybody who has the link, pinned or not
   * (`BPF_LINK_DETACH`, Linux 5.9). The link remains, attached to nothing. For
   * links of type xdp, tcx, netkit, cgroup, netns, sockmap, struct_ops.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} if links of this type are detached by closing
   * every descriptor and removing every pin alone.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  detach(): void {
    detachLink(this.#open());
  }

  /**
   * Pins the link to a path on a BPF file system (`BPF_OBJ_PIN`): the program
   * stays attached until the path is removed, whatever becomes of this process.
   *
   * @param path A path that does not exist yet, or a `file:` URL.
   * @throws {ClosedError} if it is closed.
   * @throws {Deno.errors.NotCapable} without permission to write the path.
   * @throws {NotSupportedError} as `info` does.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  pin(path: string | URL): void {
    const file = pathOf(path);
    pin(this.#open(), file);
    this.#pinnedTo = file;
    if (this.#holder instanceof NativeLink) this.#holder.stays = true;
  }

  /**
   * Removes the path that the link is pinned to. The program stays attached for
   * as long as this or another descriptor of the link is open.
   *
   * @param path Where it is pinned; by default where this object has pinned it,
   * or opened it from.
   * @throws {ClosedError} if it is closed.
   * @throws {TypeError} if no path is given and none is known.
   * @throws {NotSupportedError} if something else is pinned there.
   * @throws {SystemError} if nothing is.
   * @throws {Deno.errors.NotCapable} without permission to read and write the
   * path.
   */
  unpin(path: string | URL | undefined = this.#pinnedTo): void {
    const { id } = this.info;
    if (path === undefined) {
      throw new TypeError(
        "The link is not known to be pinned: pass the path that it is pinned to",
      );
    }
    const file = pathOf(path);
    {
      using pinned = BpfLink.open(file);
      const other = pinned.info.id;
      if (other !== id) {
        throw new NotSupportedError(
          `Cannot unpin the link of id ${id} from "${file}": the link of id ${other} is pinned there`,
        );
      }
    }
    Deno.removeSync(file);
    if (file !== this.#pinnedTo) return;
    this.#pinnedTo = undefined;
    if (this.#holder instanceof NativeLink) this.#holder.stays = false;
  }

  /**
   * Runs an iterator's program for each object, and gives the text that it wrote.
   * Each call is one more walk.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {NotSupportedError} if it is not the link of an iterator.
   * @throws {SystemError} with the kernel's reason, as in bpf(2) and read(2).
   */
  read(): string {
    return new TextDecoder().decode(this.readBytes());
  }

  /**
   * As {@linkcode BpfLink.read} does, for programs that write no text but bytes,
   * with `bpf_seq_write`.
   *
   * @throws as `read` does.
   */
  readBytes(): Uint8Array<ArrayBuffer> {
    return readAll(this.#iterator());
  }

  /**
   * As {@linkcode BpfLink.read} does, line by line, as the program writes them:
   * for walks whose text is large. A walk that is under way goes on after the
   * link is closed.
   *
   * @throws as `read` does.
   */
  *lines(): Generator<string, void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (const chunk of chunksOf(this.#iterator())) {
      const lines = (rest + decoder.decode(chunk, { stream: true }))
        .split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  }

  /**
   * Closes the descriptor. That detaches the program, unless the link is pinned
   * or another descriptor of it is open. Once more does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#holder.close();
    this.#whenClosed();
  }

  /** Closes the link at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    const pinned = this.#pinnedTo === undefined
      ? ""
      : `pinned to ${show(this.#pinnedTo)}`;
    return `BpfLink { ${
      [pinned, this.#closed ? "closed" : "open"].filter(Boolean).join(", ")
    } }`;
  }

  #open(): number {
    if (this.#closed) throw new ClosedError("The BPF link is closed");
    const { fd } = this.#holder;
    if (fd < 0) {
      throw new NotSupportedError(
        "The kernel has no link for this: libbpf attached the program to several events, or, before Linux 5.15, to one",
      );
    }
    return fd;
  }

  #iterator(): number {
    const fd = this.#open();
    const { info } = this;
    if (info.type !== "iter") {
      throw new NotSupportedError(
        `Cannot read a link of type ${typeText(info)}: its type must be iter`,
      );
    }
    return fd;
  }
}

/**
 * A link that was just made, for this room.
 *
 * @param holder What closes it.
 * @param whenClosed Is called once, when it is closed.
 */
export function newLink(
  holder: Holder,
  whenClosed: (link: BpfLink) => void,
): BpfLink {
  return makeLink(holder, whenClosed);
}
