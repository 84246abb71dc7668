/**
 * The calls on descriptors and files, each with its result or a negative error
 * number.
 */

import {
  AT_EMPTY_PATH,
  EFBIG,
  EINVAL,
  F_ADD_SEALS,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_GETFL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_NOEXEC_SEAL,
  O_CLOEXEC,
  O_RDONLY,
  RLIMIT_FSIZE,
  STATX_BASIC_STATS,
} from "../constants.ts";
import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libc, libcFile } from "../libc/functions.ts";

/** The most bytes that one call reads or writes, so that its result fits an `i32`. */
export const TRANSFER_MAX = 2 ** 30;

const emptyPath = cString("");

// struct statx, 256 bytes, and struct statfs, 120 bytes.
const statx16 = new Uint16Array(new ArrayBuffer(256));
const statx64 = new BigUint64Array(statx16.buffer);
const statfs64 = new BigUint64Array(new ArrayBuffer(120));
// struct rlimit: the limit in force, and how far it can be raised.
const rlimit64 = new BigUint64Array(new ArrayBuffer(16));

/** A string as C has it: UTF-8, with a NUL at the end. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** The answer of `statx(2)` about a descriptor. */
export interface FileStatus {
  /** The kind of file and its permissions. */
  readonly mode: number;
  /** Its size in bytes. */
  readonly size: number;
  /** The bytes of it that are allocated. */
  readonly allocated: number;
  /** The device that it lies on: the halves are its major and minor number. */
  readonly device: bigint;
  /** Its number there. */
  readonly inode: bigint;
}

/**
 * `statx(2)` of a descriptor, or the negative reason. Unlike `struct stat`,
 * `struct statx` is laid out the same on every platform.
 */
export function fileStatus(fd: number): FileStatus | number {
  const result = resultOf(() =>
    libc().statx(
      fd,
      emptyPath as BufferSource,
      AT_EMPTY_PATH,
      STATX_BASIC_STATS,
      statx16,
    )
  );
  if (result < 0) return result;
  return {
    mode: statx16[14]!, // stx_mode, at byte 28
    size: Number(statx64[5]!), // stx_size, at byte 40
    allocated: Number(statx64[6]!) * 512, // stx_blocks, at byte 48
    device: statx64[17]!, // stx_dev_major and stx_dev_minor, at byte 136
    inode: statx64[4]!, // stx_ino, at byte 32
  };
}

/** The answer of `fstatfs(2)` about the file system that a descriptor lies on. */
export interface FileSystemStatus {
  /** The kind of file system: a number of `linux/magic.h`. */
  readonly type: number;
  /** The block size in bytes; the size of a page for huge pages. */
  readonly blockSize: number;
  /** The blocks that it can hold; 0 for a tmpfs without a limit. */
  readonly blocks: number;
}

/** `fstatfs(2)`, or the negative reason. */
export function fileSystemStatus(fd: number): FileSystemStatus | number {
  const result = resultOf(() => libc().fstatfs(fd, statfs64));
  if (result < 0) return result;
  return {
    type: Number(statfs64[0]!), // f_type, at byte 0
    blockSize: Number(statfs64[1]!), // f_bsize, at byte 8
    blocks: Number(statfs64[2]!), // f_blocks, at byte 16
  };
}

function fcntl(fd: number, command: number, argument: number): number {
  return resultOf(() => libc().fcntl(fd, command, argument));
}

/** The seals of a file (`F_SEAL_*`), or the negative reason. */
export function sealsOf(fd: number): number {
  return fcntl(fd, F_GET_SEALS, 0);
}

/** Adds seals: 0, or the negative reason. */
export function addSeals(fd: number, seals: number): number {
  return fcntl(fd, F_ADD_SEALS, seals);
}

/** The flags that a descriptor was opened with (`O_*`), or the negative reason. */
export function flagsOf(fd: number): number {
  return fcntl(fd, F_GETFL, 0);
}

/** A second descriptor of the same open file, or the negative reason. */
export function duplicate(fd: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/**
 * Closes a descriptor: 0, or the negative reason. Not repeated on EINTR: Linux
 * has closed it by then, and another thread may have been given its number.
 */
export function closeDescriptor(fd: number): number {
  return resultOfOne(() => libc().close(fd));
}

/** Opens a file with close-on-exec: its descriptor, or the negative reason. */
export function openFile(path: string, flags: number): number {
  const cPath = cString(path) as BufferSource;
  return resultOf(() => libc().open(cPath, flags | O_CLOEXEC, 0));
}

/** Reads at an offset: how many bytes, or the negative reason. */
export function readDescriptor(
  fd: number,
  target: Uint8Array,
  length: number,
  offset: number,
): number {
  const count = BigInt(length);
  const position = BigInt(offset);
  return resultOf(() =>
    libc().pread(fd, target as BufferSource, count, position)
  );
}

/** Reads the begin of a file: how many bytes, or the negative reason. */
export function readStart(
  path: string,
  target: Uint8Array,
  length: number,
): number {
  const fd = openFile(path, O_RDONLY);
  if (fd < 0) return fd;
  const result = readDescriptor(fd, target, length, 0);
  closeDescriptor(fd);
  return result;
}

/** Writes at an offset: how many bytes, or the negative reason. */
export function writeDescriptor(
  fd: number,
  source: Uint8Array,
  length: number,
  offset: number,
): number {
  const count = BigInt(length);
  const position = BigInt(offset);
  return resultOf(() =>
    libcFile().pwrite(
      fd,
      source as BufferSource,
      count,
      position,
    )
  );
}

function memfdCreate(name: Uint8Array, flags: number): number {
  return resultOf(() => libcFile().memfd_create(name as BufferSource, flags));
}

/**
 * Makes an anonymous file that can be sealed, with close-on-exec: its
 * descriptor, or the negative reason.
 *
 * @param name The name in `/proc/<pid>/maps`; at most 249 bytes.
 */
export function createMemfd(name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const result = memfdCreate(cString(name), flags | MFD_NOEXEC_SEAL);
  // Before Linux 6.3 the flag is unknown.
  return result === -EINVAL ? memfdCreate(cString(name), flags) : result;
}

/**
 * The size in bytes that this process may give a file. A larger one gets the
 * process not only EFBIG but SIGXFSZ, which ends it: setrlimit(2).
 */
export function fileSizeLimit(): number {
  const result = resultOf(() => libcFile().getrlimit(RLIMIT_FSIZE, rlimit64));
  return result < 0 ? 0 : Number(rlimit64[0]!);
}

/** Gives a file a size: 0, or the negative reason. */
export function truncateFile(fd: number, size: number): number {
  if (size > fileSizeLimit()) return -EFBIG;
  const length = BigInt(size);
  return resultOf(() => libcFile().ftruncate(fd, length));
}

/** Allocates a range of a file: 0, or the negative reason. */
export function allocateFile(
  fd: number,
  mode: number,
  offset: number,
  length: number,
): number {
  const begin = BigInt(offset);
  const count = BigInt(length);
  return resultOf(() => libcFile().fallocate(fd, mode, begin, count));
}
