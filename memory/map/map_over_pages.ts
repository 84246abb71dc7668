/**
 * How kernel memory gets over the engine's pages.
 *
 * The obvious way, `mmap(MAP_FIXED)` over the pages, is wrong: a driver that
 * refuses has unmapped what lay there, and the next thread's mapping may land
 * in the hole, under the engine's feet. So the memory is mapped where the
 * kernel likes, and moved into place when it is there.
 */

import type { SystemError } from "../../errors.ts";
import {
  addressOf,
  EACCES,
  EEXIST,
  EINVAL,
  ENOMEM,
  EPERM,
  flagsOf,
  MAP_FAILED,
  type MapRequest,
  mmapReserve,
  mmapShared,
  mmapSharedAt,
  mremapOver,
  munmap,
  O_ACCMODE,
  O_RDONLY,
  pageSize,
  systemError,
  toBigInt,
  toNumber,
} from "../../ffi/mod.ts";
import { NativeUint8Array } from "../../layout/intrinsics.ts";
import { admit } from "./mapping_limit.ts";
import { countIn } from "../live_mappings.ts";
import { currentBuffer, Mapping } from "./mapping.ts";
import { mend } from "./fill_hole.ts";
import { collect, PAGES_MAX, reserve, WASM_PAGE } from "./engine_pages.ts";

/** What to map and how. */
export interface Placement {
  /** The descriptor. */
  readonly fd: number;
  /** Where to begin in it, in bytes. */
  readonly offset: number;
  /** How many bytes to map, a multiple of `granule`. */
  readonly length: number;
  /** The size of the object's pages in bytes; above `pageSize()` if huge. */
  readonly granule: number;
  /** Whether not to ask for writing at all. */
  readonly readOnly: boolean;
  /** Whether Workers shall be able to share its pages, if it is writable. */
  readonly shared: boolean;
}

/** Failures that another try may not meet. */
const ATTEMPTS = 1000;

/** Thrown inside this module: why a call failed. */
class Failure {
  readonly errno: number;
  readonly syscall: string;
  readonly hint: string | undefined;

  constructor(errno: number, syscall: string, hint?: string) {
    this.errno = errno;
    this.syscall = syscall;
    this.hint = hint;
  }

  toError(): SystemError {
    return systemError(this.errno, this.syscall, this.hint);
  }
}

/**
 * Maps an object.
 *
 * @throws {SystemError} with the kernel's reason; then nothing is left behind.
 * @throws {RangeError} if it is too large, or there are no addresses for it.
 */
export function place(placement: Placement): Mapping {
  const pages = pagesFor(placement);
  admit(mappingsOf(placement));
  try {
    return attempt(placement, pages);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    if (failure.errno !== ENOMEM) throw failure.toError();
  }
  // What is out of reach but not collected yet may be what is missing.
  collect();
  try {
    return attempt(placement, pages);
  } catch (failure) {
    throw failure instanceof Failure ? failure.toError() : failure;
  }
}

/** The pages to reserve: one more to control it, room to align huge pages. */
function pagesFor({ length, granule, shared }: Placement): number {
  const slack = granule > WASM_PAGE ? granule : 0;
  const pages = Math.ceil((length + slack) / WASM_PAGE) + (shared ? 1 : 0);
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

/** Into how many ranges the kernel will cut the pages. */
function mappingsOf({ length, granule, shared }: Placement): number {
  const tail = length % WASM_PAGE === 0 ? 0 : 1;
  return 1 + tail + (shared ? 1 : 0) + (granule > WASM_PAGE ? 2 : 0);
}

function attempt(placement: Placement, pages: number): Mapping {
  const { granule } = placement;
  const { address, readOnly } = mapObject(placement);
  // A store to read-only pages ends the process, so nobody else gets them.
  const shared = placement.shared && !readOnly;
  const length = toBigInt(placement.length);
  let memory: WebAssembly.Memory;
  let start: number;
  let target: Uint8Array;
  try {
    memory = reservePages(pages, shared);
    const buffer = currentBuffer(memory, pages * WASM_PAGE, shared);
    start = granule > WASM_PAGE ? alignedStart(buffer, granule) : 0;
    target = new NativeUint8Array(buffer, start, placement.length);
  } catch (error) {
    munmap(address, length);
    throw error;
  }
  const moved = mremapOver(address, length, target);
  if (moved !== 0) {
    mend(memory, target, length);
    munmap(address, length);
    throw new Failure(
      -moved,
      "mremap",
      moved === -EINVAL ? IMMOVABLE : undefined,
    );
  }
  const mapping = new Mapping({
    memory,
    pages,
    start,
    withheld: granule > WASM_PAGE,
    length: placement.length,
    shared,
    readOnly,
  });
  countIn(mapping);
  return mapping;
}

const IMMOVABLE =
  "this memory cannot be moved: a BPF arena, or huge pages before Linux 5.16";

function reservePages(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    return reserve(pages, shared);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new Failure(
      ENOMEM,
      "mmap",
      `the engine could not reserve ${pages * WASM_PAGE} bytes of addresses`,
    );
  }
}

/** Where in a buffer an address is a multiple of a huge page's size. */
function alignedStart(buffer: ArrayBufferLike, granule: number): number {
  const address = addressOf(new NativeUint8Array(buffer, 0, 1));
  const past = toNumber(address % toBigInt(granule));
  return past === 0 ? 0 : granule - past;
}

/** Maps somewhere, for writing where the kernel allows it, else for reading. */
function mapObject(
  placement: Placement,
): { address: bigint; readOnly: boolean } {
  const request: MapRequest = {
    fd: placement.fd,
    length: toBigInt(placement.length),
    offset: toBigInt(placement.offset),
    readOnly: placement.readOnly,
  };
  const address = mapAnywhere(request, placement.granule);
  if (address >= 0n) return { address, readOnly: request.readOnly };
  const errno = toNumber(-address);
  if (request.readOnly || (errno !== EPERM && errno !== EACCES)) {
    throw mapFailure(errno, request);
  }
  const again = { ...request, readOnly: true };
  const readable = mapAnywhere(again, placement.granule);
  if (readable >= 0n) return { address: readable, readOnly: true };
  throw mapFailure(toNumber(-readable), again);
}

function mapFailure(errno: number, { fd }: MapRequest): Failure {
  const readable = flagsOf(fd);
  const hint = errno === EINVAL && readable >= 0 &&
      (readable & O_ACCMODE) === O_RDONLY
    ? "a BPF map's descriptor that was opened with BPF_F_RDONLY cannot be mapped at all: open the map without it"
    : undefined;
  return new Failure(errno, "mmap", hint);
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
  const slack = granule > pageSize() ? toBigInt(granule) : 0n;
  for (let i = 0; i < ATTEMPTS; i++) {
    const free = freeRange(request.length + slack);
    if (free === MAP_FAILED) return toBigInt(-ENOMEM);
    const aligned = slack === 0n ? free : (free + slack - 1n) / slack * slack;
    const result = mmapSharedAt(aligned, request);
    if (result === 0) return aligned;
    if (result !== -EEXIST) return toBigInt(result);
  }
  return toBigInt(-EEXIST);
}

/** Addresses that nothing lies at just now; another thread may be faster. */
function freeRange(length: bigint): bigint {
  const address = mmapReserve(length);
  if (address !== MAP_FAILED) munmap(address, length);
  return address;
}
