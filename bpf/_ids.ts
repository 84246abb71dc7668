/** The numbers of all objects of a kind. */

import { ENOENT } from "../ffi/mod.ts";
import { checked } from "./_attributes.ts";
import {
  clearProgramAttributes,
  PROGRAM_SIZE,
  runProgramCommand,
} from "./_program_attributes.ts";

/**
 * The numbers of all programs or links in the system, ascending.
 *
 * @throws {SystemError} with EPERM for want of CAP_SYS_ADMIN.
 */
export function idsOf(
  command: "BPF_PROG_GET_NEXT_ID" | "BPF_LINK_GET_NEXT_ID",
): number[] {
  const ids: number[] = [];
  let id = 0;
  for (;;) {
    const { objectId } = clearProgramAttributes();
    objectId.id = id;
    const result = runProgramCommand(command, PROGRAM_SIZE.nextId);
    if (result === -ENOENT) return ids;
    checked(command, result);
    id = objectId.nextId;
    ids[ids.length] = id;
  }
}
