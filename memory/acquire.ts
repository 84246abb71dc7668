/**
 * The ways to get memory, up to what a {@linkcode Memory} is then made of: all
 * checks of what the caller passed, and who closes which descriptor.
 */

import {
  addSeals,
  check,
  createMemfd,
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
  requireDescriptor,
  requireFlag,
  requireOptions,
} from "../base/arguments.ts";
import { pathOf } from "../base/path.ts";
import { roundUp } from "../base/round.ts";
import { show } from "../base/show.ts";
import {
  requireFileOffset,
  requirePages,
  requireRange,
  requireSize,
} from "./ranges.ts";
import { type Control, createControl } from "./workers/shared_state.ts";
import { writeControlPage } from "./workers/shared_state_page.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { followHandle } from "./workers/handle.ts";
import { type MappedSource, mapSource } from "./map/map_descriptor.ts";
import type { Mapping } from "./map/mapping.ts";
import {
  type FoundOrigin,
  keep,
  type Origin,
  type OwnOrigin,
} from "./workers/backing.ts";
import { requireAccess } from "../base/permission.ts";
import { place } from "./map/map_over_pages.ts";
import type { SourceRequest } from "./map/inspect_descriptor.ts";
import { requireWebAssembly } from "./map/engine_pages.ts";
import type { MemoryHandle } from "./handle.ts";
import type { CreateOptions, MapOptions, OpenOptions } from "./options.ts";

/** What a memory is made of. */
export interface Parts {
  /** The mapping. */
  readonly mapping: Mapping;
  /** How many bytes access is bounded to. */
  readonly size: number;
  /** What is shared with Workers, if anything is. */
  readonly control: Control | undefined;
  /** The descriptor to show, and to close with the memory. */
  readonly descriptor: Descriptor | undefined;
  /** What is mapped, if its pages alone do not do for all. */
  readonly origin: Origin | undefined;
}

/** What `Memory.map` does. */
export function mapParts(fd: number, size: number, options: MapOptions): Parts {
  requireWebAssembly();
  requireDescriptor(fd);
  requirePages(size);
  requireOptions(options);
  const { offset = 0 } = options;
  const workers = requireFlag("workers", options.workers);
  requireFileOffset(offset);
  requireRange(offset, size);
  const request: SourceRequest = {
    fd,
    name: `descriptor ${fd}`,
    offset,
    size,
    readOnly: requireFlag("readOnly", options.readOnly),
    allowTruncatable: requireFlag(
      "allowTruncatable",
      options.allowTruncatable,
    ),
  };
  if (!request.allowTruncatable && !workers) {
    return partsOf(mapSource(request, false), false, undefined);
  }
  // Whether it will be needed shows when it is mapped, and by then another
  // thread may have closed the caller's.
  const own = Descriptor.duplicate(fd);
  try {
    const source = mapSource({ ...request, fd: own.fd }, workers);
    const parts = partsOf(source, workers, {
      descriptor: own,
      offset,
      truncatable: source.truncatable,
    });
    if (parts.origin === undefined) own.close();
    return parts;
  } catch (error) {
    own.close();
    throw error;
  }
}

/**
 * The parts of memory that was mapped.
 *
 * @param source The mapping, and what it is of.
 * @param workers Whether Workers shall be able to have it.
 * @param origin What is mapped; kept only if it is necessary.
 */
function partsOf(
  source: MappedSource,
  workers: boolean,
  origin: OwnOrigin | undefined,
): Parts {
  const { mapping, size, truncatable } = source;
  return {
    mapping,
    size,
    control: workers ? makeControl(mapping, size) : undefined,
    descriptor: undefined,
    origin: truncatable || workers && mapping.readOnly ? origin : undefined,
  };
}

function makeControl(mapping: Mapping, size: number): Control {
  return mapping.shared ? writeControlPage(mapping, size) : createControl();
}

/** How long the kernel allows the name of a memfd to be, in bytes. */
const NAME_MAX = 249;

/** @throws {TypeError | RangeError} unless it can name a memfd. */
function requireName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name.includes("\0")) {
    throw new TypeError(
      `Name must be a string without NUL: received ${show(name)}`,
    );
  }
  const { length } = new TextEncoder().encode(name);
  if (length > NAME_MAX) {
    throw new RangeError(
      `Name must have at most ${NAME_MAX} bytes of UTF-8: it has ${length}`,
    );
  }
}

/** What `Memory.create` does. */
export function createParts(size: number, options: CreateOptions): Parts {
  requireWebAssembly();
  requireSize(size);
  requireOptions(options);
  const { name = "hostmem" } = options;
  const workers = requireFlag("workers", options.workers);
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
      shared: workers,
    });
    return {
      mapping,
      size,
      control: workers ? makeControl(mapping, size) : undefined,
      descriptor,
      origin: undefined,
    };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

/** What `Memory.open` does. */
export function openParts(path: string | URL, options: OpenOptions): Parts {
  requireWebAssembly();
  const file = pathOf(path);
  requireOptions(options);
  const { offset = 0, size } = options;
  const workers = requireFlag("workers", options.workers);
  const readOnly = requireFlag("readOnly", options.readOnly);
  const allowTruncatable = requireFlag(
    "allowTruncatable",
    options.allowTruncatable,
  );
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
      allowTruncatable,
    }, workers);
    const { truncatable } = source;
    const origin = { descriptor, offset, truncatable };
    return { ...partsOf(source, workers, origin), descriptor };
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

/** What `Memory.attach` does. */
export function attachParts(handle: MemoryHandle): Parts {
  requireWebAssembly();
  const { pages, control, origin } = followHandle(handle);
  const descriptor = undefined;
  if (pages === undefined) {
    return { ...mapOrigin(origin!), control, descriptor };
  }
  const { mapping, size } = pages;
  return {
    mapping,
    size,
    control,
    descriptor,
    origin: origin && keep(origin),
  };
}

/** Maps again what read-only memory is of. */
function mapOrigin(
  origin: FoundOrigin,
): Pick<Parts, "mapping" | "size" | "origin"> {
  const { descriptor, handle } = origin;
  try {
    const { mapping, size } = mapSource({
      fd: descriptor.fd,
      name: "what the handle refers to",
      offset: handle.offset,
      size: handle.size,
      readOnly: true,
      allowTruncatable: handle.truncatable,
    }, true);
    return { mapping, size, origin: keep(origin) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
