import { NotSupportedError } from "../../errors.ts";
import { check, EAGAIN, EINTR, EINVAL, readNext } from "../../ffi/mod.ts";
import { requireDescriptor, requireU32 } from "../../base/arguments.ts";
import { pathOf } from "../../base/path.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { clearAttributes, runChecked, SIZE } from "../../ffi/bpf/attributes.ts";
import { openById } from "../ids.ts";
import type { Holder } from "../kernel_object.ts";
import { openPinned } from "../pins.ts";
import { adoptLink, BpfLink } from "./link.ts";
import { RawLinkInfo } from "./type.ts";

/**
 * The link of an iterator: reading it runs the program once for each object of
 * some kind in the kernel, and gives what the program writes. Each reading is
 * one more walk over the objects.
 *
 * `program.attach({ kind: "iterator" })` gives one; so does `attach()` of a program
 * in a section `SEC("iter/…")`, for which `link instanceof BpfIterator` is true.
 *
 * @example The processes, by a program of section `iter/task`
 * ```ts ignore
 * using iterator = object.program("tasks").attach({ kind: "iterator" });
 * for (const line of iterator.lines()) console.log(line);
 * ```
 */
export class BpfIterator extends BpfLink {
  /**
   * Iterators come from `attach`, `open`, `fromId` and `fromFd` alone.
   *
   * @ignore
   */
  constructor(holder: Holder, pinnedTo?: string, whenClosed?: () => void) {
    super(holder, pinnedTo, whenClosed);
    const { type, typeNumber } = new RawLinkInfo(holder.fd, "the link");
    if (type !== "iter") {
      throw new NotSupportedError(
        `Cannot read a link of type ${
          type ?? typeNumber
        }: its type must be iter`,
      );
    }
  }

  /**
   * Opens an iterator that is pinned to a path on a BPF file system.
   *
   * @param path A path or a `file:` URL.
   * @throws {NotSupportedError} if the link there is not an iterator's.
   * @throws as {@linkcode BpfLink.open} does.
   */
  static override open(path: string | URL): BpfIterator {
    const file = pathOf(path);
    return adoptLink(BpfIterator, openPinned(file, false), `"${file}"`, file);
  }

  /**
   * Opens an iterator by the number that the kernel gave it.
   *
   * @param id The number, as in {@linkcode LinkInfo.id}.
   * @throws {NotSupportedError} if the link is not an iterator's.
   * @throws as {@linkcode BpfLink.fromId} does.
   */
  static override fromId(id: number): BpfIterator {
    requireU32("Link id", id, 0);
    const opened = openById("BPF_LINK_GET_FD_BY_ID", id);
    return adoptLink(BpfIterator, opened, `the link of id ${id}`);
  }

  /**
   * The iterator of a descriptor, which is duplicated.
   *
   * @param fd A descriptor of an iterator's link.
   * @throws {NotSupportedError} if the link is not an iterator's.
   * @throws as {@linkcode BpfLink.fromFd} does.
   */
  static override fromFd(fd: number): BpfIterator {
    requireDescriptor(fd);
    return adoptLink(BpfIterator, Descriptor.duplicate(fd), `descriptor ${fd}`);
  }

  /**
   * Runs the program for each object, and gives the text that it wrote.
   *
   * @throws {ClosedError} if the iterator is closed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2) and read(2).
   */
  read(): string {
    return new TextDecoder().decode(this.readBytes());
  }

  /**
   * Reads as {@linkcode BpfIterator.read} does, for programs that write bytes,
   * with `bpf_seq_write`.
   *
   * @throws as `read` does.
   */
  readBytes(): Uint8Array<ArrayBuffer> {
    const chunks = [...chunksOf(this.fd)];
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const all = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /**
   * Reads as {@linkcode BpfIterator.read} does, line by line, as the program
   * writes them: for walks whose text is large. A walk that is under way goes
   * on after the iterator is closed.
   *
   * @throws as `read` does.
   */
  *lines(): Generator<string, void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (const chunk of chunksOf(this.fd)) {
      const lines = (rest + decoder.decode(chunk, { stream: true }))
        .split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  }
}

/** The number of bytes that are read at once: the kernel gathers up to 8 pages. */
const CHUNK = 65536;

/** Begins a walk of an iterator's: a descriptor to read. @throws {SystemError} */
function begin(link: number): Descriptor {
  const { linkFd } = clearAttributes();
  linkFd.linkFd = link;
  return new Descriptor(runChecked("BPF_ITER_CREATE", SIZE.iteratorCreate));
}

/**
 * The bytes that an iterator writes, bit by bit, in one walk.
 *
 * @param link The descriptor of the iterator's link.
 * @throws {SystemError} with the kernel's reason, as in bpf(2) and read(2).
 */
function* chunksOf(link: number): Generator<Uint8Array<ArrayBuffer>, void> {
  const walk = begin(link);
  try {
    const room = new Uint8Array(CHUNK);
    for (;;) {
      const length = readNext(walk.fd, room, CHUNK);
      // After a million objects of which it wrote nothing it says EAGAIN.
      if (length === -EAGAIN || length === -EINTR) continue;
      const cause = length === -EINVAL
        ? "the program's output for one object does not fit the kernel's buffer"
        : undefined;
      check(length, "read", cause);
      if (length === 0) return;
      yield room.slice(0, length);
    }
  } finally {
    walk.close();
  }
}
