/** Pins on BPF file systems, of maps, programs and links alike. */

import { BPF_F_RDONLY } from "../ffi/mod.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { requireAccess } from "../base/permission.ts";
import { clearAttributes, runChecked, SIZE } from "../ffi/bpf/attributes.ts";
import { withText } from "../ffi/block.ts";

function about(path: string): string {
  return `the path is "${path}"`;
}

/**
 * Opens what is pinned at a path.
 *
 * @throws {Deno.errors.NotCapable} without permission to read the path and,
 * unless `readOnly`, to write it.
 * @throws {SystemError} with the kernel's reason.
 */
export function openPinned(path: string, readOnly: boolean): Descriptor {
  requireAccess("read", path);
  if (!readOnly) requireAccess("write", path);
  return withText(path, (address) => {
    const { objectPath } = clearAttributes();
    objectPath.pathname = address;
    if (readOnly) objectPath.fileFlags = BPF_F_RDONLY;
    return new Descriptor(
      runChecked("BPF_OBJ_GET", SIZE.objectPath, about(path)),
    );
  });
}

/**
 * Pins what a descriptor is of to a path.
 *
 * @throws {Deno.errors.NotCapable} without permission to write the path.
 * @throws {SystemError} with the kernel's reason.
 */
export function pin(fd: number, path: string): void {
  requireAccess("write", path);
  withText(path, (address) => {
    const { objectPath } = clearAttributes();
    objectPath.pathname = address;
    objectPath.bpfFd = fd;
    runChecked("BPF_OBJ_PIN", SIZE.objectPath, about(path));
  });
}
