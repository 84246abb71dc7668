/**
 * Inspecting what a descriptor refers to, and whether that can be mapped without
 * danger: an access to a page that the kernel cannot provide ends the process
 * with SIGBUS, and nothing in a program can catch that.
 */

import { requireHugePages, requireMappable } from "../ranges.ts";
import { BoundsError, NotSupportedError } from "../../errors.ts";
import {
  allocateFile,
  check,
  EDQUOT,
  EFBIG,
  EIO,
  ENOMEM,
  ENOSPC,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  FALLOC_FL_KEEP_SIZE,
  type FileStatus,
  fileStatus,
  type FileSystemStatus,
  fileSystemStatus,
  HUGETLBFS_MAGIC,
  pageSize,
  readDescriptor,
  S_IFBLK,
  S_IFMT,
  S_IFREG,
  sealsOf,
  systemError,
  TMPFS_MAGIC,
} from "../../ffi/mod.ts";
import { bpfIdOf, isArena } from "../../ffi/bpf/object_info.ts";

/** The bytes that are to be mapped, and the conditions. */
export interface DescriptorRange {
  /** The descriptor. */
  readonly fd: number;
  /** The name of it in error messages: `descriptor 5`, `"/dev/shm/x"`. */
  readonly name: string;
  /** The offset to begin at, in bytes. */
  readonly offset: number;
  /** The size in bytes; undefined for all there are. */
  readonly size: number | undefined;
  /** True if they will only be read. */
  readonly readOnly: boolean;
  /** True if the caller accepts that the file can be truncated. */
  readonly allowTruncatable: boolean;
}

/** The facts about a descriptor that mapping it depends on. */
export interface DescriptorFacts {
  /** The bytes to give access to. */
  readonly size: number;
  /** The size of the object's pages in bytes. */
  readonly granule: number;
  /** True where the memory can go away while it is mapped. */
  readonly truncatable: boolean;
  /** True where a page may be missing that even reading has to allocate. */
  readonly sparse: boolean;
  /**
   * True for devices and sockets, whose size is unknown: only touching a page
   * shows whether it exists.
   */
  readonly unbounded: boolean;
}

/**
 * Looks at what a descriptor refers to, and refuses what must not be mapped.
 *
 * @throws {SystemError} if it is not open.
 * @throws {BoundsError} if it does not have the bytes.
 * @throws {NotSupportedError} if they could be taken away, or it is an arena.
 * @throws {RangeError} if they are not whole huge pages of a file of those.
 */
export function inspectDescriptor(range: DescriptorRange): DescriptorFacts {
  const status = fileStatus(range.fd);
  if (typeof status === "number") throw systemError(-status, "statx");
  let isBpfMap = false;
  switch (status.mode & S_IFMT) {
    case S_IFREG:
      return inspectFile(range, status);
    case S_IFBLK:
      return inspectBlockDevice(range);
    case 0:
      // An object of the kernel with no file behind it, as a BPF map is.
      if (isArena(range.fd)) {
        throw new NotSupportedError(
          `Cannot map ${range.name}: it is a BPF arena, which Memory.map() cannot place, use Arena`,
        );
      }
      isBpfMap = bpfIdOf(range.fd) !== 0;
  }
  return {
    size: sizeOf(range),
    granule: pageSize(),
    truncatable: false,
    sparse: false,
    // A BPF map is mapped with all of its pages, or not at all. Of anything else
    // nobody knows: a TCP socket takes every range and has no page in it.
    unbounded: !isBpfMap,
  };
}

function sizeOf({ name, size }: DescriptorRange): number {
  if (size === undefined) {
    throw new NotSupportedError(
      `Cannot tell the size of ${name}, which is not a regular file: give the option size`,
    );
  }
  return size;
}

function inspectFile(
  range: DescriptorRange,
  status: FileStatus,
): DescriptorFacts {
  const { fd, name, offset, allowTruncatable, readOnly } = range;
  const size = range.size ?? status.size - offset;
  if (size <= 0 || offset + size > status.size) {
    throw new BoundsError(
      `Cannot map ${
        size > 0 ? size : "any"
      } bytes at offset ${offset}: ${name} has ${status.size} bytes${
        status.size === 0
          ? "; give it a size first, by Deno.truncate() or ftruncate(2)"
          : ""
      }`,
    );
  }
  // Before any hole is filled: what cannot be mapped shall cost no disk.
  requireMappable(size);
  const fileSystem = fileSystemStatus(fd);
  if (typeof fileSystem === "number") throw systemError(-fileSystem, "fstatfs");
  const granule = fileSystem.type === HUGETLBFS_MAGIC
    ? fileSystem.blockSize
    : pageSize();
  if (granule > pageSize()) requireHugePages(name, granule, offset, size);
  const truncatable = isTruncatable(fd);
  if (truncatable && !allowTruncatable) throw truncatableError(fd, name);
  const limited = truncatable && !isUnlimited(fileSystem);
  if (limited && !readOnly) fillHoles(range, size);
  return {
    size,
    granule,
    truncatable,
    // On tmpfs reading a hole allocates; elsewhere it does not.
    sparse: limited && fileSystem.type === TMPFS_MAGIC &&
      status.allocated < status.size,
    unbounded: false,
  };
}

function inspectBlockDevice(range: DescriptorRange): DescriptorFacts {
  const { fd, name, offset, allowTruncatable } = range;
  const size = sizeOf(range);
  // The status of a device has no size; reading the last byte tells.
  const last = new Uint8Array(new ArrayBuffer(1));
  if (check(readDescriptor(fd, last, 1, offset + size - 1), "pread") === 0) {
    throw new BoundsError(
      `Cannot map ${size} bytes at offset ${offset}: ${name} ends before`,
    );
  }
  if (!allowTruncatable) {
    throw new NotSupportedError(
      `Cannot map ${name}: a block device can be removed, which ends the process at the next access: pass allowTruncatable: true to accept that`,
    );
  }
  return {
    size,
    granule: pageSize(),
    truncatable: true,
    sparse: false,
    unbounded: false,
  };
}

function isTruncatable(fd: number): boolean {
  const seals = sealsOf(fd);
  return seals < 0 || (seals & F_SEAL_SHRINK) === 0;
}

function truncatableError(fd: number, name: string): NotSupportedError {
  const seals = sealsOf(fd);
  const sealable = seals >= 0 && (seals & F_SEAL_SEAL) === 0;
  const remedy = sealable
    ? "seal it with F_SEAL_SHRINK, or pass allowTruncatable: true to accept that"
    : "files on disk and in /dev/shm cannot be sealed against it, as a memfd can (see Memory.create), so pass allowTruncatable: true to accept that";
  return new NotSupportedError(
    `Cannot map ${name}: it could be truncated, which ends the process at the next access: ${remedy}`,
  );
}

/** True for a file system without a limit to run into, as that of memfds. */
function isUnlimited({ type, blocks }: FileSystemStatus): boolean {
  return type === TMPFS_MAGIC && blocks === 0;
}

/** True for an error that says that there is no room, not that there is no need. */
function isNoRoom(errno: number): boolean {
  return errno === ENOSPC || errno === EDQUOT || errno === EFBIG ||
    errno === ENOMEM || errno === EIO;
}

/**
 * Allocates what is missing in the range: the first store to a hole on a full
 * file system would end the process. Other refusals are left to `mmap`.
 */
function fillHoles({ fd, offset }: DescriptorRange, size: number): void {
  const result = allocateFile(fd, FALLOC_FL_KEEP_SIZE, offset, size);
  if (result < 0 && isNoRoom(-result)) {
    throw systemError(
      -result,
      "fallocate",
      "the file has holes in the range, and its file system no room to fill them",
    );
  }
}
