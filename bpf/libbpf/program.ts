/** A program as libbpf holds it. */

import { decodeText, textAt } from "../../ffi/c_text.ts";
import { libbpf } from "./functions.ts";
import { checkLibbpf } from "./errors.ts";
import { listening } from "./messages.ts";
import { cString, ENOENT, ESRCH } from "../../ffi/mod.ts";
import type { Owner } from "./owner.ts";

/** A program of an object of libbpf's. */
export class NativeProgram {
  /** Its name: that of the function in C. */
  readonly name: string;
  /** The name of the section that it was in: the argument of `SEC()`. */
  readonly sectionName: string;
  readonly #object: Owner;
  readonly #handle: bigint;
  /** The buffer for the kernel's log; libbpf has only its address. */
  #log: Uint8Array<ArrayBuffer> | undefined;

  /** Wraps an address that libbpf gave. */
  constructor(object: Owner, handle: bigint) {
    const { bpf_program__name, bpf_program__section_name } = libbpf();
    this.#object = object;
    this.#handle = handle;
    this.name = textAt(bpf_program__name(handle)) ?? "";
    this.sectionName = textAt(bpf_program__section_name(handle)) ?? "";
  }

  /** The object that it belongs to. */
  get object(): Owner {
    return this.#object;
  }

  /**
   * The `struct bpf_program *`.
   *
   * @throws {ClosedError} if the object is closed.
   */
  get handle(): bigint {
    void this.#object.handle;
    return this.#handle;
  }

  /**
   * Its descriptor, which libbpf closes with the object; negative for one that
   * was not loaded.
   *
   * @throws {ClosedError} if the object is closed.
   */
  get fd(): number {
    return libbpf().bpf_program__fd(this.handle);
  }

  /**
   * The number of its type (`enum bpf_prog_type`); 0 where libbpf knows none for
   * its section.
   */
  get type(): number {
    return libbpf().bpf_program__type(this.handle);
  }

  /** True if it is loaded with the object. */
  get autoload(): boolean {
    return libbpf().bpf_program__autoload(this.handle);
  }

  /** Sets whether it is loaded with the object. */
  set autoload(value: boolean) {
    checkLibbpf(
      libbpf().bpf_program__set_autoload(this.handle, value),
      "bpf_program__set_autoload",
    );
  }

  /** Sets its type, where its section does not say. */
  setType(type: number): void {
    checkLibbpf(
      libbpf().bpf_program__set_type(this.handle, type),
      `bpf_program__set_type(${this.name})`,
    );
  }

  /** Sets the attach type that it is loaded for. */
  setAttachType(type: number): void {
    checkLibbpf(
      libbpf().bpf_program__set_expected_attach_type(this.handle, type),
      `bpf_program__set_expected_attach_type(${this.name})`,
    );
  }

  /**
   * Sets the function that it is attached to.
   *
   * @param fd Descriptor of the program that has it; 0 for the kernel.
   * @param name Name of the function; undefined for what the section names.
   */
  setAttachTarget(fd: number, name: string | undefined): void {
    const { handle } = this;
    const text = name === undefined ? null : cString(name) as BufferSource;
    const { result, warnings } = listening(() =>
      libbpf().bpf_program__set_attach_target(handle, fd, text)
    );
    checkLibbpf(
      result,
      `bpf_program__set_attach_target(${this.name})`,
      result === -ESRCH || result === -ENOENT
        ? `${
          fd === 0
            ? `the kernel's BTF has no function or tracepoint ${name}`
            : `the program that is attached to has no function ${name}`
        } (${warnings})`
        : warnings,
    );
  }

  /**
   * Asks for the kernel's log of this program.
   *
   * @param level 0 for that of a program which it refuses.
   * @param size The room for the log in bytes.
   */
  requestLog(level: number, size: number): void {
    const log = new Uint8Array(new ArrayBuffer(size));
    const { bpf_program__set_log_level, bpf_program__set_log_buf } = libbpf();
    checkLibbpf(
      bpf_program__set_log_level(this.handle, level),
      "bpf_program__set_log_level",
    );
    checkLibbpf(
      bpf_program__set_log_buf(
        this.handle,
        log,
        BigInt(log.length),
      ),
      "bpf_program__set_log_buf",
    );
    this.#log = log;
  }

  /** The text that the kernel wrote. */
  get log(): string {
    return this.#log === undefined ? "" : decodeText(this.#log);
  }

  /** Lets go of the room for the log, as soon as libbpf has. */
  dropLog(): void {
    const { bpf_program__set_log_buf } = libbpf();
    const result = bpf_program__set_log_buf(this.handle, null, 0n);
    if (result >= 0) this.#log = undefined;
  }
}
