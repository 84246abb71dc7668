/** The numbers of all objects of a kind. */

import { ENOENT } from "../ffi/mod.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import {
  checked,
  clearAttributes,
  run,
  runChecked,
  SIZE,
} from "../ffi/bpf/attributes.ts";

/**
 * The numbers of all maps, programs or links in the system, ascending.
 *
 * @throws {SystemError} with EPERM if CAP_SYS_ADMIN is missing.
 */
export function idsOf(
  command:
    | "BPF_MAP_GET_NEXT_ID"
    | "BPF_PROG_GET_NEXT_ID"
    | "BPF_LINK_GET_NEXT_ID",
): number[] {
  const ids: number[] = [];
  let id = 0;
  for (;;) {
    const { objectId } = clearAttributes();
    objectId.id = id;
    const result = run(command, SIZE.nextId);
    if (result === -ENOENT) return ids;
    checked(command, result);
    id = objectId.nextId;
    ids[ids.length] = id;
  }
}

/**
 * Opens a program or a link by its number. Of maps see
 * `map/commands.ts`: they can be opened for reading alone.
 *
 * @throws {SystemError} with the kernel's reason.
 */
export function openById(
  command: "BPF_PROG_GET_FD_BY_ID" | "BPF_LINK_GET_FD_BY_ID",
  id: number,
): Descriptor {
  clearAttributes().objectId.id = id;
  return new Descriptor(runChecked(command, SIZE.id, `the id is ${id}`));
}
