/**
 * Every error class of this package. They stand apart because the layout
 * language and the native side both throw them and do not know each other.
 *
 * @module
 */

/**
 * A layout type that cannot be used where it was given: not a type made by
 * this package, a struct without the `HostLayout` marker, an atomic at a
 * misaligned offset, and so on. The message begins with the path to the
 * culprit (`Outer.inner.next: …`).
 */
export class InvalidTypeError extends TypeError {
  /** The class name. */
  override readonly name: string = "InvalidTypeError";
}

/** An offset that is not a multiple of the alignment that the type requires. */
export class AlignmentError extends RangeError {
  /** The class name. */
  override readonly name: string = "AlignmentError";
}

/** A value, or a range of bytes, that does not lie within its memory. */
export class BoundsError extends RangeError {
  /** The class name. */
  override readonly name: string = "BoundsError";
}

/** A write, or a writable pointer, asked of memory that is mapped read-only. */
export class ReadOnlyError extends Error {
  /** The class name. */
  override readonly name: string = "ReadOnlyError";
}

/** An access to memory, or a use of a descriptor, after it was closed. */
export class ClosedError extends Error {
  /** The class name. */
  override readonly name: string = "ClosedError";
}

/**
 * Something that this platform, kernel or object cannot do. The message says
 * what would be needed.
 */
export class NotSupportedError extends Error {
  /** The class name. */
  override readonly name: string = "NotSupportedError";
}

/**
 * A side of a shared structure that another thread or process has: a ring has
 * one producer, a seqlock one writer. The message names the owner.
 */
export class OwnedError extends Error {
  /** The class name. */
  override readonly name: string = "OwnedError";
}

/** A wait for another process that ended without closing its side. */
export class PeerDiedError extends Error {
  /** The class name. */
  override readonly name: string = "PeerDiedError";
}

/**
 * A shared structure that is not valid: made with another type or capacity, or
 * with indices that no correct process leaves.
 */
export class CorruptError extends Error {
  /** The class name. */
  override readonly name: string = "CorruptError";
}

/**
 * BTF that is not valid: bytes that are not BTF, or a type in it that has no
 * layout, such as a struct that contains itself.
 */
export class BtfError extends Error {
  /** The class name. */
  override readonly name: string = "BtfError";
  /**
   * The place of the culprit, in bytes from the beginning of the BTF; undefined
   * where no one place is to blame.
   */
  readonly offset: number | undefined;

  /** Makes the error from a message and the offset of what is wrong. */
  constructor(message: string, offset?: number, options?: ErrorOptions) {
    super(message, options);
    this.offset = offset;
  }
}

/**
 * An object file of BPF programs that is not valid: not ELF, of another byte
 * order, cut off, or with parts that contradict each other.
 */
export class InvalidObjectError extends Error {
  /** The class name. */
  override readonly name: string = "InvalidObjectError";
}

/** The kernel's reason, as a {@linkcode SystemError} carries it. */
export interface SystemErrorInit {
  /** The symbolic error name: `"EPERM"`. */
  readonly code: string;
  /** The positive error number: `1`. */
  readonly errno: number;
  /** The system call that failed: `"mmap"`, `"bpf(BPF_MAP_CREATE)"`. */
  readonly syscall: string;
  /** The kernel's text for the error: `"operation not permitted"`. */
  readonly description: string;
  /** A hint at what may help, where one is known. */
  readonly hint?: string | undefined;
}

/**
 * A system call that failed, with the kernel's reason.
 *
 * @example Telling one reason from another
 * ```ts
 * import { Memory, SystemError } from "@hostmem/hostmem";
 *
 * try {
 *   Memory.map(-1, 65536);
 * } catch (error) {
 *   if (!(error instanceof SystemError)) throw error;
 *   console.log(error.code, error.errno, error.syscall); // EBADF 9 statx
 * }
 * ```
 */
export class SystemError extends Error {
  /** The class name. */
  override readonly name: string = "SystemError";
  /** The symbolic error name: `"EPERM"`. */
  readonly code: string;
  /** The positive error number: `1`. */
  readonly errno: number;
  /** The system call that failed: `"mmap"`, `"bpf(BPF_MAP_CREATE)"`. */
  readonly syscall: string;
  /** A hint at what may help, where one is known. */
  readonly hint: string | undefined;

  /** Makes the error from what the kernel said. */
  constructor(init: SystemErrorInit, options?: ErrorOptions) {
    const hint = init.hint === undefined ? "" : `: ${init.hint}`;
    super(
      `${init.syscall} failed with ${init.code} (${init.description})${hint}`,
      options,
    );
    this.code = init.code;
    this.errno = init.errno;
    this.syscall = init.syscall;
    this.hint = init.hint;
  }
}

/** A program that the kernel refused, as a {@linkcode VerifierError} carries it. */
export interface VerifierErrorInit extends SystemErrorInit {
  /** The program's name. */
  readonly program: string;
  /** The kernel's log of checking the program. */
  readonly log: string;
}

/**
 * A BPF program that the kernel's verifier refused, usually because it could not
 * prove it safe. The message ends with the last lines of the verifier, which
 * mostly give the reason; `log` has all of them.
 *
 * A program that is rejected before verification, because a capability is missing
 * or its target is unknown, throws a {@linkcode SystemError}.
 *
 * @example Showing the verifier's log
 * ```ts ignore
 * import { BpfObject, VerifierError } from "@hostmem/hostmem/bpf";
 *
 * try {
 *   using object = BpfObject.load("count.bpf.o");
 * } catch (error) {
 *   if (!(error instanceof VerifierError)) throw error;
 *   console.error(`The verifier refuses ${error.program}:`, error.log);
 * }
 * ```
 */
export class VerifierError extends SystemError {
  /** The class name. */
  override readonly name: string = "VerifierError";
  /** The name of the program: that of the function in C. */
  readonly program: string;
  /** The kernel's log of checking the program. */
  readonly log: string;

  /** Makes the error from what the kernel said. */
  constructor(init: VerifierErrorInit, options?: ErrorOptions) {
    super(init, options);
    this.program = init.program;
    this.log = init.log;
  }
}
