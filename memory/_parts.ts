/**
 * The ways to get memory, up to what a {@linkcode Memory} is then made of: all
 * checks of what the caller passed, and who closes which descriptor.
 */

import {
  addSeals,
  check,
  createMemfd,
  duplicate,
  EACCES,
  F_SEAL_SHRINK,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  openFile,
  pageSize,
  systemError,
  truncateFile,
} from "../ffi/mod.ts";
import {
  pathOf,
  requireDescriptor,
  requireFileOffset,
  requireName,
  requirePages,
  requireRange,
  requireSize,
} from "./_arguments.ts";
import { writeControl } from "./_control.ts";
import { Descriptor } from "./_descriptor.ts";
import { mapSource, roundUp } from "./_map_source.ts";
import type { Mapping } from "./_mapping.ts";
import { requireAccess } from "./_permission.ts";
import { place } from "./_placement.ts";
import type { SourceRequest } from "./_source.ts";
import { requireWebAssembly } from "./_web_assembly.ts";
import type { CreateOptions, MapOptions, OpenOptions } from "./options.ts";

/** What a memory is made of. */
export interface Parts {
  /** The mapping. */
  readonly mapping: Mapping;
  /** How many bytes access is bounded to. */
  readonly size: number;
  /** The descriptor to show, and to close with the memory. */
  readonly descriptor: Descriptor | undefined;
  /** How to reach a file that could be truncated without touching its pages. */
  readonly file: FilePart | undefined;
}

/** A part of a file, to its end. */
export interface FilePart {
  /** The file's descriptor, to be closed with the memory. */
  readonly descriptor: Descriptor;
  /** Where the part begins, in bytes. */
  readonly offset: number;
}

/** What `Memory.map` does. */
export function mapParts(fd: number, size: number, options: MapOptions): Parts {
  requireWebAssembly();
  requireDescriptor(fd);
  requirePages(size);
  const { offset = 0, readOnly, workers, allowTruncatable } = options;
  requireFileOffset(offset);
  requireRange(offset, size);
  const request: SourceRequest = {
    fd,
    name: `descriptor ${fd}`,
    offset,
    size,
    readOnly: readOnly === true,
    allowTruncatable: allowTruncatable === true,
  };
  if (!request.allowTruncatable) {
    const { mapping } = mapSource(request, workers === true);
    return { mapping, size, descriptor: undefined, file: undefined };
  }
  const own = new Descriptor(check(duplicate(fd), "fcntl"));
  try {
    const { mapping, truncatable } = mapSource(
      { ...request, fd: own.fd },
      workers === true,
    );
    const file = truncatable ? { descriptor: own, offset } : undefined;
    if (file === undefined) own.close();
    return { mapping, size, descriptor: undefined, file };
  } catch (error) {
    own.close();
    throw error;
  }
}

/** What `Memory.create` does. */
export function createParts(size: number, options: CreateOptions): Parts {
  requireWebAssembly();
  requireSize(size);
  const { name = "hostmem", workers } = options;
  requireName(name);
  const length = roundUp(size, pageSize());
  const descriptor = new Descriptor(check(createMemfd(name), "memfd_create"));
  try {
    const { fd } = descriptor;
    check(truncateFile(fd, length), "ftruncate");
    check(addSeals(fd, F_SEAL_SHRINK), "fcntl");
    const mapping = place({
      fd,
      offset: 0,
      length,
      granule: pageSize(),
      readOnly: false,
      shared: workers === true,
    });
    if (workers === true) writeControl(mapping, size);
    return { mapping, size, descriptor, file: undefined };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

/** What `Memory.open` does. */
export function openParts(path: string | URL, options: OpenOptions): Parts {
  requireWebAssembly();
  const file = pathOf(path);
  const { offset = 0, size, workers, allowTruncatable } = options;
  const readOnly = options.readOnly === true;
  if (size !== undefined) requireSize(size);
  requireFileOffset(offset);
  requireRange(offset, size ?? 0);
  requireAccess("read", file);
  if (!readOnly) requireAccess("write", file);
  const descriptor = new Descriptor(openPath(file, readOnly));
  try {
    const source = mapSource({
      fd: descriptor.fd,
      name: `"${file}"`,
      offset,
      size,
      readOnly,
      allowTruncatable: allowTruncatable === true,
    }, workers === true);
    return {
      mapping: source.mapping,
      size: source.size,
      descriptor,
      file: source.truncatable ? { descriptor, offset } : undefined,
    };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

function openPath(path: string, readOnly: boolean): number {
  const mode = readOnly ? O_RDONLY : O_RDWR;
  // Without O_NONBLOCK opening a pipe would wait for its other end.
  const fd = openFile(path, mode | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0) return fd;
  const remedy = fd === -EACCES && !readOnly
    ? `; readOnly: true asks for reading alone`
    : "";
  throw systemError(-fd, "open", `the path is "${path}"${remedy}`);
}
