/** The place of a program among others that are attached to the same target. */

import { requireU64 } from "../../../base/arguments.ts";
import {
  descriptorOf,
  type HasDescriptor,
  KernelObject,
} from "../../kernel_object.ts";
import { isLink } from "../type.ts";

/** The place among others that are attached to the same target. */
export interface AttachOrder {
  /** The link or the program to run before, or `"all"`. */
  readonly before?: HasDescriptor | "all" | undefined;
  /** The link or the program to run after, or `"all"`, as without either option. */
  readonly after?: HasDescriptor | "all" | undefined;
  /**
   * The number that {@linkcode BpfProgram.attachedTo} told: if anything was
   * changed there since, `attach` attaches nothing, and throws. By default any
   * number will do.
   */
  readonly expectedRevision?: bigint | undefined;
}

/** `linux/bpf.h` */
const BPF_F_BEFORE = 1 << 3;
const BPF_F_AFTER = 1 << 4;
const BPF_F_LINK = 1 << 13;

/** A place among others, as the kernel takes it. */
export interface Order {
  readonly flags: number;
  /** The descriptor of the other link or program; 0 for none. */
  readonly relative: number;
  /** The revision that must be; 0n for any. */
  readonly revision: bigint;
}

/**
 * The place that options ask for.
 *
 * @throws {TypeError} if they exclude each other, or name no link or program.
 * @throws {ClosedError} if the other is closed.
 */
export function orderOf(
  { before, after, expectedRevision }: AttachOrder,
): Order {
  const revision = expectedRevision === undefined
    ? 0n
    : requireU64("Expected revision", expectedRevision);
  if (before !== undefined && after !== undefined) {
    throw new TypeError(
      "Options before and after exclude each other: both are given",
    );
  }
  const other = before ?? after;
  if (other === undefined) return { flags: 0, relative: 0, revision };
  const side = before !== undefined ? BPF_F_BEFORE : BPF_F_AFTER;
  if (other === "all") return { flags: side, relative: 0, revision };
  const kind = KernelObject.kindOf(other);
  const name = before !== undefined ? "Option before" : "Option after";
  const what = kind === "link" ? "link" : "program";
  const fd = descriptorOf(`${name}, unless "all" or a BpfLink,`, what, other);
  const isOfLink = kind === "link" || kind === undefined && isLink(fd);
  const flags = isOfLink ? side | BPF_F_LINK : side;
  return { flags, relative: fd, revision };
}
