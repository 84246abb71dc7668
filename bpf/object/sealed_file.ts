/** A file of bytes that were checked, for libbpf to read. */

import {
  addSeals,
  check,
  createMemfd,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  truncateFile,
} from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { writeFile } from "../../memory/file_copies.ts";

/**
 * Has a function use the path of a file of bytes, into which nobody can put
 * others: not the rest of this process either, which could find its descriptor.
 *
 * @throws {SystemError} if there can be no such file.
 */
export function withSealedFile<T>(
  bytes: Uint8Array,
  use: (path: string) => T,
): T {
  const descriptor = new Descriptor(check(createMemfd("btf"), "memfd_create"));
  try {
    const { fd } = descriptor;
    const length = bytes.length;
    check(truncateFile(fd, length), "ftruncate");
    writeFile(fd, bytes, length, 0);
    check(addSeals(fd, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE), "fcntl");
    return use(`/proc/self/fd/${fd}`);
  } finally {
    descriptor.close();
  }
}
