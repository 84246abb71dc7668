/** Making links, and saying why the kernel would not. */

import { NotSupportedError } from "../../errors.ts";
import { EINVAL, EOPNOTSUPP, EPERM, systemError } from "../../ffi/mod.ts";
import type { UsedProgram } from "../program/used_program.ts";
import type { ProgramType } from "../program/type.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import type { Command } from "../../ffi/bpf/commands.ts";
import {
  kernelIsOlderThan,
  type KernelVersion,
} from "../../ffi/kernel_version.ts";
import type { AttachType } from "./attach_type.ts";
import { attachTypeNumber } from "./attach_type.ts";

/** A way to attach, and since when the kernel has it. */
export interface Way {
  /** What it is called in messages: `"a control group"`. */
  readonly name: string;
  /** The first version of Linux that has it. */
  readonly since: KernelVersion;
  /** The types of program that can go there. */
  readonly types: readonly ProgramType[];
  /** What is likely to have been wrong, by error number. */
  readonly hints: Readonly<Record<number, string>>;
  /** What attaching there takes besides CAP_BPF. */
  readonly capability: "CAP_NET_ADMIN" | "CAP_PERFMON";
}

/** @throws {NotSupportedError} unless a program is of a type that can go there. */
export function requireType(
  { label, type }: UsedProgram,
  way: Way,
): void {
  if (type !== undefined && way.types.includes(type)) return;
  throw new NotSupportedError(
    `Cannot attach program ${label} of type ${
      type ?? "unknown"
    } to ${way.name}: its type must be ${way.types.join(" or ")}`,
  );
}

/** A link to be made. */
export interface LinkRequest {
  readonly program: UsedProgram;
  readonly way: Way;
  /** A descriptor, or the index of an interface. */
  readonly target: number;
  readonly attachType: AttachType;
  readonly flags?: number;
  /** How many bytes of the attributes matter; by default those above. */
  readonly size?: number;
  /** Fills in what comes behind them. */
  readonly fill?: (detail: LinkDetail) => void;
}

/** The end of the attributes, which differs by what is attached to. */
export type LinkDetail = ReturnType<
  typeof clearAttributes
>["linkCreate"]["detail"];

/** Makes a link: its descriptor. @throws {SystemError | NotSupportedError} */
export function createLink(request: LinkRequest): number {
  const { program, target, attachType, flags = 0, way } = request;
  const { linkCreate } = clearAttributes();
  linkCreate.progFd = program.open();
  linkCreate.target = target;
  linkCreate.attachType = attachTypeNumber(attachType);
  linkCreate.flags = flags;
  request.fill?.(linkCreate.detail);
  const command = "BPF_LINK_CREATE";
  const { size = SIZE.linkCreate } = request;
  return checkedLink(command, run(command, size), way);
}

/** Passes a new link's descriptor on, or throws the error that it is. */
export function checkedLink(
  command: Command,
  result: number,
  way: Way,
): number {
  if (result >= 0) return result;
  const errno = -result;
  const reason = systemError(errno, `bpf(${command})`, hintOf(errno, way));
  const unknown = errno === EINVAL || errno === EOPNOTSUPP;
  if (unknown && kernelIsOlderThan(way.since)) {
    throw new NotSupportedError(
      `Attaching to ${way.name} needs Linux ${way.since.join(".")} or later`,
      { cause: reason },
    );
  }
  throw reason;
}

function hintOf(errno: number, way: Way): string | undefined {
  const hint = way.hints[errno];
  if (errno !== EPERM) return hint;
  const privilege =
    `attaching to ${way.name} needs CAP_BPF and ${way.capability}, or CAP_SYS_ADMIN; a container's seccomp profile may forbid bpf(2)`;
  return hint === undefined ? privilege : `${privilege}; ${hint}`;
}
