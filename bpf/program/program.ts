import { pathOf } from "../../base/path.ts";
import { requireDescriptor, requireU32 } from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { KernelObject } from "../kernel_object.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import {
  attach,
  type AttachArguments,
  type AttachTarget,
  type LinkOf,
} from "../link/attach.ts";
import {
  type Attached,
  attachedTo,
  type AttachmentPlace,
} from "../link/attached_to.ts";
import type { BpfIterator } from "../link/iterator.ts";
import type { BpfLink } from "../link/link.ts";
import type { AttachIterator } from "../link/targets/iterator.ts";
import { idsOf, openById } from "../ids.ts";
import { openPinned } from "../pins.ts";
import { fdinfoNumber } from "../fdinfo.ts";
import { codeOf, type ProgramCode } from "./code.ts";
import { programInfoOf } from "./info.ts";
import { type ProgramStream, readStream } from "./stream.ts";
import { runProgram } from "./run.ts";
import type { UsedProgram } from "./used_program.ts";
import type { ProgramInfo } from "./info.ts";
import type { ProgramType } from "./type.ts";
import type { RunOptions, RunResult } from "./run.ts";

/** Makes a program, by the private constructor, for the functions below. */
let adoptNative: (native: NativeProgram) => BpfProgram;
let closeAll: (program: BpfProgram) => void;

/**
 * A program of the kernel's BPF subsystem, loaded and verified. This object holds
 * a descriptor of it; the kernel keeps the program for as long as anything holds
 * one, it is attached, or it is pinned.
 *
 * Programs come from `BpfObject.load`, or, whoever loaded them, from {@linkcode
 * BpfProgram.open}, {@linkcode BpfProgram.fromId} and {@linkcode
 * BpfProgram.fromFd}.
 *
 * @example Running a program that is pinned for one packet
 * ```ts ignore
 * using program = BpfProgram.open("/sys/fs/bpf/filter");
 * const { returnValue, data } = program.run({ data: new Uint8Array(64) });
 * ```
 *
 * @typeParam A The arguments of `attach`, where that is known: of a program of an object
 * whose shape is known.
 */
export class BpfProgram<A extends AttachArguments = AttachArguments>
  extends KernelObject {
  readonly #native: NativeProgram | undefined;
  readonly #name: string;
  /** The name that messages give it. */
  readonly #label: string;
  readonly #type: ProgramType | undefined;
  readonly #links = new Set<BpfLink>();

  private constructor(
    descriptor: Descriptor,
    name: string,
    native: NativeProgram | undefined,
    path: string | undefined,
  ) {
    super("program", descriptor, programInfoOf, path);
    const info = programInfoOf(descriptor.fd, name);
    const { id, type } = info;
    this.#native = native;
    this.#name = native?.name ?? info.name;
    this.#label = this.#name === "" ? `${id}` : `"${this.#name}"`;
    this.#type = type;
  }

  /** Takes over an open descriptor. */
  static #adopt(
    descriptor: Descriptor,
    name: string,
    native?: NativeProgram,
    path?: string,
  ): BpfProgram {
    try {
      return new BpfProgram(descriptor, name, native, path);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  static {
    adoptNative = (native) => {
      const own = Descriptor.duplicate(native.fd);
      return BpfProgram.#adopt(own, `program "${native.name}"`, native);
    };
    closeAll = (program) => {
      using all = new DisposableStack();
      all.use(program);
      for (const link of program.#links) all.use(link);
    };
  }

  /**
   * Opens a program that is pinned to a path on a BPF file system
   * (`BPF_OBJ_GET`).
   *
   * @param path A path or a `file:` URL.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read and write the path.
   * @throws {NotSupportedError} if something other than a program is pinned
   * there.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT,
   * EACCES, EPERM without a capability.
   */
  static open(path: string | URL): BpfProgram {
    const file = pathOf(path);
    const opened = openPinned(file, false);
    return BpfProgram.#adopt(opened, `"${file}"`, undefined, file);
  }

  /**
   * Opens a program by the number that the kernel gave it
   * (`BPF_PROG_GET_FD_BY_ID`), whoever loaded it. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in {@linkcode ProgramInfo.id}.
   * @throws {RangeError} if the id is not an integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such program, EPERM without the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number): BpfProgram {
    requireU32("Program id", id, 0);
    const opened = openById("BPF_PROG_GET_FD_BY_ID", id);
    return BpfProgram.#adopt(opened, `the program of id ${id}`);
  }

  /**
   * The numbers of all programs in the system, ascending, for `fromId`
   * (`BPF_PROG_GET_NEXT_ID`). That takes CAP_SYS_ADMIN. Until they are opened,
   * somebody may load or unload some.
   *
   * @throws {SystemError} with EPERM if the capability is missing.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   *
   * @example What is loaded
   * ```ts
   * import { BpfProgram, SystemError } from "@hostmem/hostmem/bpf";
   *
   * try {
   *   for (const id of BpfProgram.ids()) {
   *     using program = BpfProgram.fromId(id);
   *     console.log(id, program.type, program.name);
   *   }
   * } catch (error) {
   *   // Who may not is told what it takes; and programs come and go.
   *   if (!(error instanceof SystemError)) throw error;
   *   console.log(error.message);
   * }
   * ```
   */
  static ids(): number[] {
    return idsOf("BPF_PROG_GET_NEXT_ID");
  }

  /**
   * The programs that are attached to a target, by a link or without one, whoever
   * attached them (`BPF_PROG_QUERY`; for XDP and filters of tc(8) netlink).
   * That takes CAP_NET_ADMIN, except for XDP and tc. XDP takes libbpf.
   *
   * @param place The target, as for `attach`.
   * @throws {TypeError | RangeError} if the target is not as it must be.
   * @throws {SystemError} with the kernel's reason: ENODEV where there is no
   * such interface, EBADF where the path is of something else, EINVAL where the
   * kernel does not tell, EPERM without the capability.
   * @throws {Deno.errors.NotCapable} without permission to read a path.
   *
   * @example What sees the packets that come in
   * ```ts ignore
   * for (const kind of ["tcx", "tc"] as const) {
   *   const place = { kind, interface: "eth0", direction: "ingress" } as const;
   *   for (const { programId } of BpfProgram.attachedTo(place).programs) {
   *     using program = BpfProgram.fromId(programId);
   *     console.log(kind, programId, program.name);
   *   }
   * }
   * ```
   */
  static attachedTo(place: AttachmentPlace): Attached {
    return attachedTo(place);
  }

  /**
   * The program of a descriptor, which is duplicated: the caller's stays the
   * caller's to close.
   *
   * @param fd A descriptor of a BPF program.
   * @throws {RangeError} if it is not a descriptor's number.
   * @throws {NotSupportedError} if it is not a BPF program's.
   * @throws {SystemError} with EBADF, if it is not open.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromFd(fd: number): BpfProgram {
    requireDescriptor(fd);
    return BpfProgram.#adopt(Descriptor.duplicate(fd), `descriptor ${fd}`);
  }

  /**
   * Its name: that of the function in C, of which the kernel knows the first 15
   * bytes. Programs that no `BpfObject` of this process has loaded have only
   * those.
   */
  get name(): string {
    return this.#name;
  }

  /** Its type; undefined for one that this package does not know. */
  get type(): ProgramType | undefined {
    return this.#type;
  }

  /**
   * The section that it was in, `SEC("…")` in C; undefined for programs that no
   * `BpfObject` of this process has loaded.
   */
  get section(): string | undefined {
    return this.#native?.sectionName;
  }

  /**
   * The kernel's information about the program.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  override get info(): ProgramInfo {
    return programInfoOf(this.fd, "the program");
  }

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else. Whoever has it can run the program, and attach it
   * to interfaces: the kernel asks for no capability then (Linux 6.18).
   *
   * @throws {ClosedError} if it is closed.
   */
  override get fd(): number {
    return super.fd;
  }

  /**
   * The size of the kernel's memory that it takes, in bytes; undefined where `/proc`
   * does not tell.
   *
   * @throws {ClosedError} if it is closed.
   */
  get memlock(): number | undefined {
    return fdinfoNumber(this.fd, "memlock");
  }

  /**
   * Reads the code that the kernel made of it: its instructions as the verifier
   * left them, its machine code, its functions, and the lines of the source
   * that they come from. Each call copies all of it anew.
   *
   * The kernel hides all of it from a process without CAP_BPF, and addresses
   * and machine code from a process without CAP_SYSLOG or where the sysctl
   * `kernel.kptr_restrict` says so: then they are empty or undefined.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {SystemError} with the kernel's reason: EPERM without CAP_SYS_ADMIN,
   * which the names of a program with BTF take.
   *
   * @example What each line costs
   * ```ts ignore
   * for (const { code, line } of program.code().instructions) {
   *   console.log(code.toString(16), line?.text.trim());
   * }
   * ```
   */
  code(): ProgramCode {
    return codeOf(this.fd);
  }

  /**
   * Takes the text that the program has printed to a stream and nobody has read
   * yet (`BPF_PROG_STREAM_READ_BY_FD`, Linux 6.17): by `bpf_stream_printk()`
   * itself, or to `"stderr"` by the kernel, which reports there a program that
   * loops for too long or touches a page of an arena that is not there.
   *
   * @param stream The stream.
   * @returns The text; empty where there is none.
   * @throws {ClosedError} if it is closed.
   * @throws {TypeError} if there is no such stream.
   * @throws {NotSupportedError} if the kernel has no streams.
   * @throws {SystemError} with the kernel's reason.
   */
  readStream(stream: ProgramStream): string {
    return readStream(this.fd, stream);
  }

  /** The links that `attach` of this object gave and that are not closed. */
  get links(): BpfLink[] {
    return [...this.#links];
  }

  /**
   * Runs the program without attaching it, in this process, which waits
   * (`BPF_PROG_TEST_RUN`). For packets, sockets, raw tracepoints, and programs of
   * type `"syscall"`.
   *
   * @param options The packet, the context and the number of runs.
   * @returns The value it returned, and the packet and context it left.
   * @throws {ClosedError} if it is closed.
   * @throws {TypeError | RangeError} if an option is not of its kind.
   * @throws {NotSupportedError} if the kernel does not run programs of its type.
   * @throws {BoundsError} if the output was larger than can be.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EINVAL where it
   * does not take these options.
   */
  run(options: RunOptions = {}): RunResult {
    return runProgram(this.#asUsed(), options);
  }

  /**
   * Attaches a program for an iterator, which is run when the link is read.
   *
   * @param target The objects to go over.
   * @returns The link, which can be read.
   * @throws as `attach` to any other target does.
   */
  attach(target: Extract<A[0], AttachIterator>): BpfIterator;
  /**
   * Attaches the program: from here on the kernel runs it.
   *
   * Without a target, it is attached to the one that its section names, as
   * libbpf understands it: `SEC("tp/sched/sched_switch")`,
   * `SEC("raw_tp/sys_enter")`, `SEC("uprobe//bin/sh:main")`, and so on. That
   * works for programs of a `BpfObject` alone, and so do a function's `symbol`,
   * and `usdt`. All other targets work for all programs, also those that were
   * opened.
   *
   * @param target The place to attach it to.
   * @returns The link, which stays until it is closed; see there.
   * @throws {ClosedError} if it, or its object, is closed.
   * @throws {TypeError | RangeError} if the target is not as it must be.
   * @throws {NotSupportedError} if programs of its type are not attached to
   * that, the section does not say what to, or the kernel is too old.
   * @throws {SystemError} with the reason of the kernel's or of libbpf's:
   * ENODEV where there is no such interface, ENOENT no such function or
   * tracepoint, EBUSY where there is no place, EPERM without a capability.
   * @throws {Deno.errors.NotCapable} without permission to read a path.
   *
   * @example Two targets
   * ```ts ignore
   * program.attach({ kind: "xdp", interface: "eth0", mode: "generic" });
   * program.attach({ kind: "uprobe", path: "/bin/sh", symbol: "main" });
   * ```
   */
  attach(...target: A): LinkOf<A>;
  attach(target?: AttachTarget): BpfLink {
    void this.fd;
    return attach(this.#asUsed(), target, this.#links);
  }

  /** @ignore */
  protected override describe(): string[] {
    return [this.#label, this.#type ?? "unknown type"];
  }

  #asUsed(): UsedProgram {
    return {
      open: () => this.fd,
      label: this.#label,
      type: this.#type,
      native: this.#native,
    };
  }
}

/**
 * A program that libbpf has loaded, for this room. Its descriptor is duplicated.
 *
 * @throws {ClosedError} if the object is closed.
 * @throws {SystemError} if the program was not loaded.
 */
export function programOf(native: NativeProgram): BpfProgram {
  return adoptNative(native);
}

/** Closes a program together with its links, for the object that it is of. */
export function closeWithLinks(program: BpfProgram): void {
  closeAll(program);
}
