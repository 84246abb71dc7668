/**
 * Copies between a caller's array and a file that may be truncated at any
 * moment. They go by `pread` and `pwrite`, which fail where an access to the
 * mapping would end the process. The kernel keeps both in the same pages.
 */

import { partOf } from "../base/bytes.ts";
import { BoundsError, NotSupportedError } from "../errors.ts";
import {
  check,
  EFBIG,
  fileSizeLimit,
  fileStatus,
  flagsOf,
  O_APPEND,
  readDescriptor,
  S_IFMT,
  S_IFREG,
  systemError,
  TRANSFER_MAX,
  writeDescriptor,
} from "../ffi/mod.ts";

/** The rest of a transfer, as far as one call can carry it. */
function nextLength(left: number): number {
  return left < TRANSFER_MAX ? left : TRANSFER_MAX;
}

/**
 * Reads a file.
 *
 * @param fd Its descriptor.
 * @param target The array to put the bytes in.
 * @param length The number of bytes, at most the length of the target.
 * @param offset The offset in the file.
 * @returns The number of bytes that there were.
 * @throws {SystemError} if the kernel cannot read.
 */
export function readFile(
  fd: number,
  target: Uint8Array,
  length: number,
  offset: number,
): number {
  let done = 0;
  while (done < length) {
    const next = nextLength(length - done);
    const count = check(
      readDescriptor(fd, partOf(target, done, next), next, offset + done),
      "pread",
    );
    if (count === 0) break;
    done += count;
  }
  return done;
}

/**
 * Writes a file.
 *
 * @param fd Its descriptor.
 * @param source The bytes.
 * @param length The number of bytes, at most the length of the source.
 * @param offset The offset in the file.
 * @throws {BoundsError} if the file has become too short; nothing is written.
 * @throws {NotSupportedError} if the descriptor only appends.
 * @throws {SystemError} if the kernel cannot write.
 */
export function writeFile(
  fd: number,
  source: Uint8Array,
  length: number,
  offset: number,
): void {
  // Linux appends then, whatever the offset: pwrite(2), under "BUGS".
  if ((check(flagsOf(fd), "fcntl") & O_APPEND) !== 0) {
    throw new NotSupportedError(
      "Writing to a truncatable file requires a descriptor without O_APPEND",
    );
  }
  const status = fileStatus(fd);
  if (typeof status === "number") throw systemError(-status, "statx");
  const end = offset + length;
  if ((status.mode & S_IFMT) === S_IFREG) {
    if (end > status.size) {
      throw new BoundsError(
        `Cannot write ${length} bytes at ${offset} of the file: it was truncated to ${status.size} bytes`,
      );
    }
    if (end > fileSizeLimit()) throw systemError(EFBIG, "pwrite");
  }
  let done = 0;
  while (done < length) {
    const next = nextLength(length - done);
    done += check(
      writeDescriptor(fd, partOf(source, done, next), next, offset + done),
      "pwrite",
    );
  }
}
