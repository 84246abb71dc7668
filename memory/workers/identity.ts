import { fileStatus, S_IFMT, systemError } from "../../ffi/mod.ts";
import { bpfIdOf } from "../../ffi/bpf/object_info.ts";

/**
 * The identity of the object that a descriptor refers to, which no other has:
 * device, inode, and the number of a BPF map.
 *
 * @throws {SystemError} if the descriptor is not open.
 */
export function identityOf(fd: number): string {
  const status = fileStatus(fd);
  if (typeof status === "number") throw systemError(-status, "statx");
  const { device, inode, mode } = status;
  const id = (mode & S_IFMT) === 0 ? bpfIdOf(fd) : 0;
  return `${device}:${inode}:${id}`;
}
