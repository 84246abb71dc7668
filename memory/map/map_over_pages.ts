/**
 * Mapping kernel memory over the engine's pages.
 *
 * The obvious way, `mmap(MAP_FIXED)` over the pages, is wrong: a driver that
 * refuses has unmapped what lay there, and the next thread's mapping may land
 * in the hole, under the engine's feet. So the memory is mapped where the
 * kernel likes, and moved into place when it is there.
 */

import { SystemError } from "../../errors.ts";
import {
  addressOf,
  EACCES,
  EEXIST,
  EINVAL,
  ENOMEM,
  EPERM,
  MAP_FAILED,
  type MapRequest,
  mmapReserve,
  mmapShared,
  mmapSharedAt,
  mremapOver,
  munmap,
  pageSize,
  systemError,
} from "../../ffi/mod.ts";
import { countIn } from "../mapping_stats.ts";
import {
  bufferOf,
  collect,
  PAGES_MAX,
  reserve,
  WASM_PAGE,
} from "./engine_pages.ts";
import { fillHole } from "./fill_hole.ts";
import { Mapping } from "./mapping.ts";
import { admit } from "./mapping_limit.ts";
import { reasonToRefuse } from "./refusal.ts";

/** A range of an object to be mapped over pages. */
export interface PageRequest {
  /** The descriptor. */
  readonly fd: number;
  /** The offset to begin at, in bytes. */
  readonly offset: number;
  /** The bytes to map, a multiple of `granule`. */
  readonly length: number;
  /** The size of the object's pages in bytes; above `pageSize()` if huge. */
  readonly granule: number;
  /** True to ask for reading alone. */
  readonly readOnly: boolean;
  /** True for pages that Workers can share, if they are writable. */
  readonly forWorkers: boolean;
}

/** Failures that another try may not meet. */
const ATTEMPTS = 1000;

/**
 * Maps an object over pages of the engine.
 *
 * @throws {SystemError} with the kernel's reason; then nothing is left behind.
 * @throws {RangeError} if it is too large, or there are no addresses for it.
 */
export function mapOverPages(request: PageRequest): Mapping {
  const pages = pagesFor(request);
  admit(rangesOf(request));
  try {
    return attempt(request, pages);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ENOMEM) throw error;
  }
  // What is out of reach but not collected yet may be what is missing.
  collect();
  return attempt(request, pages);
}

/** The pages to reserve: one more to control it, room to align huge pages. */
function pagesFor({ length, granule, forWorkers }: PageRequest): number {
  const slack = granule > WASM_PAGE ? granule : 0;
  const pages = Math.ceil((length + slack) / WASM_PAGE) + (forWorkers ? 1 : 0);
  if (pages > PAGES_MAX) {
    const overhead = (pages - Math.ceil(length / WASM_PAGE)) * WASM_PAGE;
    throw new RangeError(
      `Cannot map ${length} bytes: at most ${
        PAGES_MAX * WASM_PAGE - overhead
      } bytes can be mapped`,
    );
  }
  return pages;
}

/** The number of ranges that the kernel will cut the pages into. */
function rangesOf({ length, granule, forWorkers }: PageRequest): number {
  const tail = length % WASM_PAGE === 0 ? 0 : 1;
  return 1 + tail + (forWorkers ? 1 : 0) + (granule > WASM_PAGE ? 2 : 0);
}

function attempt(request: PageRequest, pages: number): Mapping {
  const isHuge = request.granule > WASM_PAGE;
  const { address, readOnly } = mapObject(request);
  // A store to read-only pages ends the process, so nobody else gets them.
  const shared = request.forWorkers && !readOnly;
  const length = BigInt(request.length);
  let memory: WebAssembly.Memory;
  let start: number;
  let target: Uint8Array;
  try {
    memory = reservePages(pages, shared);
    const buffer = bufferOf(memory, pages * WASM_PAGE);
    start = isHuge ? alignedStart(buffer, request.granule) : 0;
    target = new Uint8Array(buffer, start, request.length);
  } catch (error) {
    munmap(address, length);
    throw error;
  }
  const moved = mremapOver(address, length, target);
  if (moved !== 0) {
    fillHole(memory, target, length);
    munmap(address, length);
    const hint = moved === -EINVAL ? IMMOVABLE : undefined;
    throw systemError(-moved, "mremap", hint);
  }
  const mapping = new Mapping({
    memory,
    pages,
    start,
    withheld: isHuge,
    length: request.length,
    shared,
    readOnly,
  });
  countIn(mapping);
  return mapping;
}

const IMMOVABLE =
  "this memory may be one that cannot be moved: a BPF arena, the rings of io_uring, or huge pages before Linux 5.16";

/** Reserves pages, and has the lack of addresses be what the kernel calls it. */
export function reservePages(
  pages: number,
  shared: boolean,
): WebAssembly.Memory {
  try {
    return reserve(pages, shared);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw systemError(
      ENOMEM,
      "mmap",
      `the engine could not reserve ${pages * WASM_PAGE} bytes of addresses`,
    );
  }
}

/** The first offset in a buffer whose address is a multiple of a huge page's size. */
function alignedStart(buffer: ArrayBufferLike, granule: number): number {
  const address = addressOf(new Uint8Array(buffer, 0, 1));
  const past = Number(address % BigInt(granule));
  return past === 0 ? 0 : granule - past;
}

/** Maps somewhere, for writing where the kernel allows it, else for reading. */
function mapObject(
  request: PageRequest,
): { address: bigint; readOnly: boolean } {
  const { fd, readOnly } = request;
  const length = BigInt(request.length);
  const offset = BigInt(request.offset);
  const address = mapAnywhere(
    { fd, length, offset, readOnly },
    request.granule,
  );
  if (address >= 0n) return { address, readOnly };
  const errno = Number(-address);
  if (!readOnly && (errno === EPERM || errno === EACCES)) {
    return mapObject({ ...request, readOnly: true });
  }
  throw systemError(errno, "mmap", reasonToRefuse(errno, fd));
}

/**
 * Maps at an address of the kernel's choice: the address, or the negative error
 * number.
 *
 * The first try has a result in 64 bits, which allocates, so its `errno` cannot
 * be trusted. After a failure the call is made again at a free address: then
 * the result says nothing new and fits 32 bits. It counts if it succeeds.
 */
function mapAnywhere(request: MapRequest, granule: number): bigint {
  const address = mmapShared(request);
  if (address !== MAP_FAILED) return address;
  const slack = granule > pageSize() ? BigInt(granule) : 0n;
  for (let i = 0; i < ATTEMPTS; i++) {
    const free = freeRange(request.length + slack);
    if (free === MAP_FAILED) return BigInt(-ENOMEM);
    const aligned = slack === 0n ? free : (free + slack - 1n) / slack * slack;
    const result = mmapSharedAt(aligned, request);
    if (result === 0) return aligned;
    if (result !== -EEXIST) return BigInt(result);
  }
  return BigInt(-EEXIST);
}

/** Addresses that nothing lies at just now; another thread may be faster. */
function freeRange(length: bigint): bigint {
  const address = mmapReserve(length);
  if (address !== MAP_FAILED) munmap(address, length);
  return address;
}
