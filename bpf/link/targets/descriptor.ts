/** What a program is attached to by a path or a descriptor. */

import {
  check,
  EACCES,
  ENOENT,
  O_NONBLOCK,
  O_RDONLY,
  openFile,
} from "../../../ffi/mod.ts";
import { pathOf } from "../../../base/path.ts";
import { requireDescriptor } from "../../../base/arguments.ts";
import { requireAccess } from "../../../base/permission.ts";

/** A descriptor, and whether it was opened here. */
export interface TargetDescriptor {
  readonly fd: number;
  readonly own: boolean;
}

/**
 * The descriptor that a caller gave, or one of the path that a caller gave.
 *
 * @param name What error messages call it.
 * @throws {TypeError | RangeError} if it is neither.
 * @throws {Deno.errors.NotCapable} without permission to read the path.
 * @throws {SystemError} if it cannot be opened.
 */
export function targetDescriptor(
  name: string,
  target: string | URL | number,
): TargetDescriptor {
  if (typeof target === "number") {
    requireDescriptor(target);
    return { fd: target, own: false };
  }
  const path = pathOf(target);
  requireAccess("read", path);
  // Nothing that opening would wait for is a target.
  const result = openFile(path, O_RDONLY | O_NONBLOCK);
  const hint = result === -ENOENT
    ? `${name} "${path}" does not exist`
    : result === -EACCES
    ? `${name} "${path}" may not be read`
    : undefined;
  return { fd: check(result, "open", hint), own: true };
}
