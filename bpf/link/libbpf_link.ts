/** Links that libbpf makes: by the name of a section, and USDT probes. */

import { SystemError } from "../../errors.ts";
import { EINVAL } from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import type { Holder } from "../kernel_object.ts";
import { libbpfAttach } from "../libbpf/attach_functions.ts";
import { libbpfErrorInit } from "../libbpf/errors.ts";
import { libbpf } from "../libbpf/functions.ts";
import { NativeLink } from "../libbpf/link.ts";
import { listening } from "../libbpf/messages.ts";
import type { Owner } from "../libbpf/owner.ts";
import { RawLinkInfo } from "./type.ts";

/** A refusal of libbpf's, or of the kernel's by way of libbpf. */
export interface Refusal {
  readonly errno: number;
  /** The warnings of libbpf; empty if it is silent, undefined if unheard. */
  readonly warnings: string | undefined;
}

/**
 * Calls libbpf for a link.
 *
 * @param owned A program or map as libbpf has it.
 * @param call Gives the `struct bpf_link *`.
 * @param refuse Makes the error of a refusal.
 * @param unlinked The reason why the kernel has no link for it and keeps the
 * attachment when the process ends.
 */
export function attachByLibbpf(
  { object }: { readonly object: Owner },
  call: () => bigint,
  refuse: (refusal: Refusal) => Error,
  unlinked?: string,
): Holder {
  // Before the call, after which who listens to libbpf's messages may close the
  // object: some links need it to the end.
  const release = object.retain();
  let holder: Holder | undefined;
  try {
    const made = handleOf(call);
    if (typeof made !== "bigint") throw refuse(made);
    holder = holderOf(release, made, unlinked);
  } finally {
    if (!(holder instanceof NativeLink)) release();
  }
  return holder;
}

/** The handle that libbpf returns, or why it returns none. */
function handleOf(call: () => bigint): bigint | Refusal {
  const { libbpf_get_error } = libbpf();
  const { result, warnings } = listening(() => {
    const handle = call();
    return { handle, error: handle === 0n ? libbpf_get_error(0n) : 0 };
  });
  if (result.handle !== 0n) return result.handle;
  // Should something have overwritten errno, it was an invalid argument.
  const errno = result.error < 0 ? -result.error : EINVAL;
  return { errno, warnings };
}

/** The error of a refusal: what libbpf said, and the cause. */
export function refusalError(
  { errno, warnings = "" }: Refusal,
  call: string,
  cause: string | undefined,
): SystemError {
  const text = cause === undefined || warnings === ""
    ? cause ?? warnings
    : `${cause} (${warnings})`;
  return new SystemError(libbpfErrorInit(errno, call, text));
}

/**
 * Takes over a link. For most links we take over the descriptor and free libbpf's
 * object. libbpf itself must destroy links of events.
 */
function holderOf(
  release: () => void,
  handle: bigint,
  unlinked: string | undefined,
): Holder {
  const { bpf_link__fd, bpf_link__disconnect, bpf_link__destroy } =
    libbpfAttach();
  const fd = bpf_link__fd(handle);
  let type: string | undefined;
  try {
    ({ type } = new RawLinkInfo(fd, "the new link"));
  } catch {
    // No link of the kernel's: USDT, or events before Linux 5.15.
    return new NativeLink(release, handle, -1, unlinked);
  }
  if (type === "perf_event") return new NativeLink(release, handle, fd);
  bpf_link__disconnect(handle);
  bpf_link__destroy(handle);
  return new Descriptor(fd);
}
