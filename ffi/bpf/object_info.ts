/** What the kernel tells of a descriptor's map, program or link. */

import { NotSupportedError } from "../../errors.ts";
import { EINVAL } from "../mod.ts";
import { checked, clearAttributes, run, SIZE } from "./attributes.ts";

/** What the error says of a descriptor that is of something else. */
export function isSomethingElse(
  name: string,
  kind: "map" | "program" | "link" | "BTF",
): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${name} as ${
      kind === "BTF" ? "" : "a BPF "
    }${kind}: it is something else`,
  );
}

/**
 * Asks for the info of a descriptor.
 *
 * @param fd The descriptor.
 * @param address Where to put the info.
 * @param length How many bytes there is room for.
 * @param name What error messages call the descriptor.
 * @param kind What it must be of.
 * @throws {NotSupportedError} if it is of nothing that has an info.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function askInfo(
  fd: number,
  address: bigint,
  length: number,
  name: string,
  kind: "map" | "program" | "link" | "BTF",
): void {
  const { objectInfo } = clearAttributes();
  objectInfo.bpfFd = fd;
  objectInfo.infoLen = length;
  objectInfo.info = address;
  const command = "BPF_OBJ_GET_INFO_BY_FD";
  const result = run(command, SIZE.objectInfo);
  if (result === -EINVAL) throw isSomethingElse(name, kind);
  checked(command, result);
}
