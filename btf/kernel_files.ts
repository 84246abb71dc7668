/**
 * The files under `/sys/kernel/btf`. They cannot be mapped shared; Deno reads
 * files there with `--allow-all` alone. So they are read by libc, after Deno
 * was asked for the permission that any other file would take.
 */

import { NotSupportedError } from "../errors.ts";
import {
  check,
  closeDescriptor,
  ENOENT,
  fileStatus,
  openFile,
  readDescriptor,
} from "../ffi/mod.ts";
import { copyMapped } from "../ffi/calls/copy_file.ts";
import { requireAccess } from "../base/permission.ts";

const FOLDER = "/sys/kernel/btf";
const VMLINUX = `${FOLDER}/vmlinux`;

/** The kernel's own BTF. */
export function kernelBytes(): Uint8Array {
  return readAll(
    VMLINUX,
    "the kernel must be built with CONFIG_DEBUG_INFO_BTF",
  );
}

/** The BTF of a module. */
export function moduleBytes(name: string): Uint8Array {
  if (typeof name !== "string" || !/^[\w-]{1,64}$/.test(name)) {
    throw new RangeError(
      `The name of a module must be of at most 64 letters, digits and "_": received ${
        JSON.stringify(name)
      }`,
    );
  }
  // As in file names, a dash stands for what the kernel writes as "_".
  const path = `${FOLDER}/${name.replaceAll("-", "_")}`;
  return readAll(
    path,
    "the module must be loaded, not be built in, and the kernel be built with CONFIG_DEBUG_INFO_BTF_MODULES",
  );
}

function readAll(path: string, wanted: string): Uint8Array {
  requireAccess("read", path);
  const fd = openFile(path, 0);
  if (fd === -ENOENT) {
    throw new NotSupportedError(`There is no BTF at ${path}: ${wanted}`);
  }
  check(fd, "open");
  try {
    const size = sizeOf(fd);
    // The kernel's own BTF can be mapped since Linux 6.16; it never goes away,
    // as a module's does.
    const whole = path === VMLINUX ? copyMapped(fd, size) : undefined;
    return whole ?? readDescriptorWhole(fd, size);
  } finally {
    closeDescriptor(fd);
  }
}

function sizeOf(fd: number): number {
  const status = fileStatus(fd);
  return typeof status === "number" ? check(status, "statx") : status.size;
}

function readDescriptorWhole(fd: number, size: number): Uint8Array {
  const buffer = new ArrayBuffer(size);
  let done = 0;
  while (done < size) {
    const rest = new Uint8Array(buffer, done, size - done);
    const count = check(readDescriptor(fd, rest, size - done, done), "pread");
    if (count === 0) break;
    done += count;
  }
  return new Uint8Array(buffer, 0, done);
}
