/** Targets that are told by a path or a descriptor. */

import {
  check,
  EACCES,
  ENOENT,
  O_NONBLOCK,
  O_RDONLY,
  openFile,
} from "../../../ffi/mod.ts";
import { requireDescriptor } from "../../../base/arguments.ts";
import { pathOf } from "../../../base/path.ts";
import { requireAccess } from "../../../base/permission.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";

/**
 * Uses the descriptor that a caller gave, or one of the path that a caller gave.
 *
 * @param name The name of the target in error messages.
 * @param use Uses the descriptor before one of a path is closed.
 * @throws {TypeError | RangeError} if it is neither.
 * @throws {Deno.errors.NotCapable} without permission to read the path.
 * @throws {SystemError} if it cannot be opened.
 */
export function withTarget<R>(
  name: string,
  target: string | URL | number,
  use: (fd: number) => R,
): R {
  if (typeof target === "number") {
    requireDescriptor(target);
    return use(target);
  }
  const path = pathOf(target);
  requireAccess("read", path);
  // Nothing that opening would wait for is a target.
  const result = openFile(path, O_RDONLY | O_NONBLOCK);
  const cause = result === -ENOENT
    ? `${name} "${path}" does not exist`
    : result === -EACCES
    ? `${name} "${path}" may not be read`
    : undefined;
  const own = new Descriptor(check(result, "open", cause));
  try {
    return use(own.fd);
  } finally {
    own.close();
  }
}
