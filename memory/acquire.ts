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
  type OptionNames,
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
import { followHandle, type MemoryHandle } from "./workers/handle.ts";
import { mapDescriptor, type MappedDescriptor } from "./map/map_descriptor.ts";
import type { Mapping } from "./map/mapping.ts";
import {
  type Backing,
  type FoundBacking,
  keep,
  type OwnBacking,
} from "./workers/backing.ts";
import { requireAccess } from "../base/permission.ts";
import { mapOverPages } from "./map/map_over_pages.ts";
import type { DescriptorRange } from "./map/inspect_descriptor.ts";
import { requireWebAssembly } from "./map/engine_pages.ts";
import type { CreateOptions, MapOptions, OpenOptions } from "./options.ts";

const MAP_OPTIONS: OptionNames<MapOptions> = {
  offset: true,
  readOnly: true,
  workers: true,
  allowTruncatable: true,
};
const OPEN_OPTIONS: OptionNames<OpenOptions> = { ...MAP_OPTIONS, size: true };
const CREATE_OPTIONS: OptionNames<CreateOptions> = {
  name: true,
  workers: true,
};

/** The parts that a `Memory` is made of. */
export interface MemoryParts {
  /** The mapping. */
  readonly mapping: Mapping;
  /** The bytes that access is bounded to. */
  readonly size: number;
  /** The state that is shared with Workers, if any is. */
  readonly control: Control | undefined;
  /** The descriptor to show, and to close with the memory. */
  readonly descriptor: Descriptor | undefined;
  /** The backing, if the pages alone do not do for all. */
  readonly backing: Backing | undefined;
}

/** Does what `Memory.map` does. */
export function map(
  fd: number,
  size: number,
  options: MapOptions,
): MemoryParts {
  requireWebAssembly();
  requireDescriptor(fd);
  requirePages(size);
  requireOptions(options, MAP_OPTIONS);
  const { offset = 0 } = options;
  const workers = requireFlag("workers", options.workers);
  requireFileOffset(offset);
  requireRange(offset, size);
  const range: DescriptorRange = {
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
  if (!range.allowTruncatable && !workers) {
    return partsOf(mapDescriptor(range, false), false, undefined);
  }
  // Whether it will be needed shows when it is mapped, and by then another
  // thread may have closed the caller's.
  const own = Descriptor.duplicate(fd);
  try {
    const mapped = mapDescriptor({ ...range, fd: own.fd }, workers);
    const parts = partsOf(mapped, workers, {
      descriptor: own,
      offset,
      truncatable: mapped.truncatable,
    });
    if (parts.backing === undefined) own.close();
    return parts;
  } catch (error) {
    own.close();
    throw error;
  }
}

/**
 * The parts of memory that was mapped.
 *
 * @param mapped The mapping, and what it is of.
 * @param workers True for memory that Workers can have.
 * @param backing The backing; kept only if it is necessary.
 */
function partsOf(
  mapped: MappedDescriptor,
  workers: boolean,
  backing: OwnBacking | undefined,
): MemoryParts {
  const { mapping, size, truncatable } = mapped;
  return {
    mapping,
    size,
    control: workers ? makeControl(mapping, size) : undefined,
    descriptor: undefined,
    backing: truncatable || workers && mapping.readOnly ? backing : undefined,
  };
}

function makeControl(mapping: Mapping, size: number): Control {
  return mapping.shared ? writeControlPage(mapping, size) : createControl();
}

/** The longest name that the kernel allows a memfd, in bytes. */
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

/** Does what `Memory.create` does. */
export function create(size: number, options: CreateOptions): MemoryParts {
  requireWebAssembly();
  requireSize(size);
  requireOptions(options, CREATE_OPTIONS);
  const { name = "hostmem" } = options;
  const workers = requireFlag("workers", options.workers);
  requireName(name);
  const length = roundUp(size, pageSize());
  const descriptor = new Descriptor(check(createMemfd(name), "memfd_create"));
  try {
    const { fd } = descriptor;
    check(truncateFile(fd, length), "ftruncate");
    check(addSeals(fd, F_SEAL_SHRINK), "fcntl");
    const mapping = mapOverPages({
      fd,
      offset: 0,
      length,
      granule: pageSize(),
      readOnly: false,
      forWorkers: workers,
    });
    return {
      mapping,
      size,
      control: workers ? makeControl(mapping, size) : undefined,
      descriptor,
      backing: undefined,
    };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

/** Does what `Memory.open` does. */
export function open(path: string | URL, options: OpenOptions): MemoryParts {
  requireWebAssembly();
  const file = pathOf(path);
  requireOptions(options, OPEN_OPTIONS);
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
    const mapped = mapDescriptor({
      fd: descriptor.fd,
      name: `"${file}"`,
      offset,
      size,
      readOnly,
      allowTruncatable,
    }, workers);
    const { truncatable } = mapped;
    const backing = { descriptor, offset, truncatable };
    return { ...partsOf(mapped, workers, backing), descriptor };
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

/** Does what `Memory.attach` does. */
export function attach(handle: MemoryHandle): MemoryParts {
  requireWebAssembly();
  const { pages, control, backing } = followHandle(handle);
  const descriptor = undefined;
  if (pages === undefined) {
    return { ...mapBacking(backing!), control, descriptor };
  }
  const { mapping, size } = pages;
  return {
    mapping,
    size,
    control,
    descriptor,
    backing: backing && keep(backing),
  };
}

/** Maps again what read-only memory is of. */
function mapBacking(
  backing: FoundBacking,
): Pick<MemoryParts, "mapping" | "size" | "backing"> {
  const { descriptor, handle } = backing;
  try {
    const { mapping, size } = mapDescriptor({
      fd: descriptor.fd,
      name: "what the handle refers to",
      offset: handle.offset,
      size: handle.size,
      readOnly: true,
      allowTruncatable: handle.truncatable,
    }, true);
    return { mapping, size, backing: keep(backing) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
