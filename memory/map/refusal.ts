/** The reason for which `mmap` refused, if it can be looked up afterwards. */

import { bpfMapFlagsOf } from "../../ffi/bpf/object_info.ts";
import {
  BPF_F_MMAPABLE,
  EACCES,
  EINVAL,
  flagsOf,
  O_ACCMODE,
  O_RDONLY,
  O_WRONLY,
} from "../../ffi/mod.ts";

/**
 * Looks up why a descriptor could not be mapped.
 *
 * @param errno The error of `mmap`, when it was asked for reading.
 * @returns Undefined where only a guess is possible.
 */
export function reasonToRefuse(errno: number, fd: number): string | undefined {
  const flags = flagsOf(fd);
  if (flags < 0) return undefined;
  const mode = flags & O_ACCMODE;
  switch (errno) {
    case EACCES:
      return mode === O_WRONLY
        ? "the descriptor must be open for reading"
        : "the descriptor is open for reading, and the object refuses to be mapped shared";
    case EINVAL: {
      const mapFlags = bpfMapFlagsOf(fd);
      if (mapFlags === undefined) return undefined;
      if ((mapFlags & BPF_F_MMAPABLE) === 0) {
        return "the BPF map was made without BPF_F_MMAPABLE";
      }
      return mode === O_RDONLY
        ? "a BPF map's descriptor that was opened with BPF_F_RDONLY cannot be mapped at all: open the map without it"
        : "the range must lie within the BPF map";
    }
    default:
      return undefined;
  }
}
