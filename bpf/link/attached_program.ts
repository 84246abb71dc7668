/** Programs that are attached without a link: `BPF_PROG_ATTACH`. */

import { EINVAL, ENOENT, systemError } from "../../ffi/mod.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { programInfoOf } from "../program/info.ts";
import type { UsedProgram } from "../program/used_program.ts";
import { type AttachType, attachTypeNumber } from "./attach_type.ts";
import { type AttachPoint, causeOf } from "./commands.ts";
import { queryPrograms } from "./query.ts";
import { type AttachmentState, Unlinked } from "./unlinked.ts";

/** `linux/bpf.h` */
export const BPF_F_ALLOW_OVERRIDE = 1;
export const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;

/** A program to attach, and its target. */
export interface AttachRequest<Target extends object> {
  readonly program: UsedProgram;
  readonly point: AttachPoint;
  /** The descriptor of the target. */
  readonly target: number;
  readonly attachType: AttachType;
  /** The flags of a control group; undefined of other targets. */
  readonly flags?: number;
  /** The target, as infos have it, which tells it from all others. */
  readonly info: Target;
}

/**
 * A program that is attached to the object of a descriptor. It keeps a descriptor
 * of either.
 *
 * @throws {SystemError} with the kernel's reason.
 */
export class AttachedProgram<Target extends object> extends Unlinked<Target> {
  override readonly whyUnlinked = "the program was attached without one";
  readonly #target: Descriptor;
  readonly #request: AttachRequest<Target>;
  #program: Descriptor;

  private constructor(
    request: AttachRequest<Target>,
    target: Descriptor,
    program: Descriptor,
  ) {
    const { flags, info } = request;
    super(admitsMany(flags) ? undefined : Object.values(info).join(" "));
    this.#request = request;
    this.#target = target;
    this.#program = program;
  }

  /** Attaches. @throws {SystemError} with the kernel's reason. */
  static attach<Target extends object>(
    request: AttachRequest<Target>,
  ): AttachedProgram<Target> {
    using opened = new DisposableStack();
    const own = (fd: number) =>
      opened.adopt(
        Descriptor.duplicate(fd),
        (descriptor) => descriptor.close(),
      );
    const target = own(request.target);
    const program = own(request.program.open());
    attach(request, target.fd, program.fd);
    void opened.move();
    return new AttachedProgram(request, target, program);
  }

  override state(): AttachmentState<Target> {
    const { id } = programInfoOf(this.#program.fd, "the program");
    return { programId: id, target: this.#request.info };
  }

  protected override replace(program: number): void {
    const next = Descriptor.duplicate(program);
    try {
      attach(this.#request, this.#target.fd, next.fd, this.#program.fd);
    } catch (error) {
      next.close();
      throw error;
    }
    this.#program.close();
    this.#program = next;
  }

  protected override remove(): void {
    if (this.#isOfAnother()) return;
    const { progAttach } = clearAttributes();
    progAttach.targetFd = this.#target.fd;
    progAttach.attachBpfFd = this.#program.fd;
    progAttach.attachType = attachTypeNumber(this.#request.attachType);
    const command = "BPF_PROG_DETACH";
    const result = run(command, SIZE.progAttach);
    // Somebody else has detached it, or has put another in its place.
    if (result === -ENOENT || result === -EINVAL) return;
    checked(command, result);
  }

  /**
   * True if somebody has put another program in the place. Of a control group that
   * admits no others, the kernel would take away whatever is there.
   */
  #isOfAnother(): boolean {
    const { flags, attachType } = this.#request;
    if (flags === undefined || admitsMany(flags)) return false;
    const { id } = programInfoOf(this.#program.fd, "the program");
    const type = attachTypeNumber(attachType);
    try {
      return !queryPrograms(this.#target.fd, type).programIds.includes(id);
    } catch {
      return false; // Detaching tells why.
    }
  }

  protected override release(): void {
    this.#target.close();
    this.#program.close();
  }
}

/** Tells whether a target with these flags has several programs. */
function admitsMany(flags = 0): boolean {
  return (flags & BPF_F_ALLOW_MULTI) !== 0;
}

/** Attaches, in the place of another where that is given and so can be said. */
function attach(
  { point, attachType, flags = 0 }: AttachRequest<object>,
  target: number,
  program: number,
  replaced?: number,
): void {
  const { progAttach } = clearAttributes();
  progAttach.targetFd = target;
  progAttach.attachBpfFd = program;
  progAttach.attachType = attachTypeNumber(attachType);
  progAttach.attachFlags = flags;
  // Elsewhere there is one program, which the new one replaces.
  const isOneOfMany = replaced !== undefined && admitsMany(flags);
  if (isOneOfMany) {
    progAttach.attachFlags |= BPF_F_REPLACE;
    progAttach.replacedBpfFd = replaced;
  }
  const command = "BPF_PROG_ATTACH";
  const size = isOneOfMany ? SIZE.progReplace : SIZE.progAttach;
  const result = run(command, size);
  if (result >= 0) return;
  const cause = causeOf(-result, point);
  throw systemError(-result, `bpf(${command})`, cause);
}
