import { MAP_PRIVATE, PROT_READ } from "../constants.ts";
import { libc } from "../libc/functions.ts";
import { MAP_FAILED, munmap } from "./pages.ts";

/**
 * Copies a file by way of a private mapping, which lasts for this call alone.
 *
 * Only for files that cannot shrink: a page that is no longer there kills the
 * process. sysfs gives one page a read, so that a thousand reads are saved.
 *
 * @param fd The descriptor.
 * @param size The size of the file in bytes.
 * @returns Its bytes; undefined where it cannot be mapped.
 */
export function copyMapped(
  fd: number,
  size: number,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const length = BigInt(size);
  const address = libc().mmapAnywhere(
    0n,
    length,
    PROT_READ,
    MAP_PRIVATE,
    fd,
    0n,
  );
  if (address === MAP_FAILED) return undefined;
  try {
    libc().copyFrom(bytes, address, length);
  } finally {
    munmap(address, length);
  }
  return bytes;
}
