/** The checks of a map before it is mapped as an arena. */

import { NotSupportedError } from "../../errors.ts";
import { EPERM, flagsOf, O_ACCMODE, O_RDWR, pageSize } from "../../ffi/mod.ts";
import { requireU64 } from "../../base/arguments.ts";
import { mapInfoOf } from "../map/info.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";

/** `linux/bpf.h`: a page that the program has not allocated cannot be touched. */
const BPF_F_SEGV_ON_FAULT = 1 << 17;

/** An arena that can be mapped. */
export interface ArenaSource {
  /** The kernel's number of the map. */
  readonly id: number;
  /** The number of its bytes. */
  readonly size: number;
  /** The address that it was made with; 0 for none. */
  readonly address: bigint;
  /** True if touching a page that is not allocated ends the process. */
  readonly faulting: boolean;
  /** True if it can be mapped for reading alone, because it is frozen. */
  readonly frozen: boolean;
}

/**
 * Looks at the map of a descriptor. All of it is asked of the kernel.
 *
 * @throws {NotSupportedError} if it is no arena, or cannot be mapped by this
 * descriptor, or the danger of it was not accepted.
 */
export function inspectArena(
  fd: number,
  allowSegmentationFaults: boolean,
): ArenaSource {
  const info = mapInfoOf(fd, "the map");
  const { type, typeNumber, id, maxEntries, flagBits } = info;
  if (type !== "arena") {
    throw new NotSupportedError(
      `Cannot map a map of type ${
        type ?? typeNumber
      } as an arena: its type must be arena`,
    );
  }
  const faulting = (flagBits & BPF_F_SEGV_ON_FAULT) !== 0;
  if (faulting && !allowSegmentationFaults) {
    throw new NotSupportedError(
      "Cannot map the arena: it was made with the flag segv_on_fault (BPF_F_SEGV_ON_FAULT), so that touching a page which the BPF program has not allocated, or has freed, ends this process with SIGSEGV: pass allowSegmentationFaults: true to accept that",
    );
  }
  const flags = flagsOf(fd);
  if (flags >= 0 && (flags & O_ACCMODE) !== O_RDWR) {
    throw new NotSupportedError(
      "Cannot map the arena: its descriptor was opened for reading or for writing alone, and such a descriptor cannot be mapped at all: open the map for both",
    );
  }
  return {
    id,
    size: maxEntries * pageSize(),
    address: info.mapExtra,
    faulting,
    frozen: isFrozen(fd),
  };
}

/**
 * An arena has no elements to update, so the kernel refuses in any case; but the
 * first thing that it looks at is whether the map may be written.
 */
function isFrozen(fd: number): boolean {
  clearAttributes().element.mapFd = fd;
  return run("BPF_MAP_UPDATE_ELEM", SIZE.element) === -EPERM;
}

/**
 * The address that an arena shall have; 0 for any.
 *
 * @throws {TypeError | RangeError | NotSupportedError} if it cannot.
 */
export function addressIn(given: unknown, source: ArenaSource): bigint {
  if (given === undefined) return source.address;
  const address = requireU64("Option address", given);
  const last = address + BigInt(source.size) - 1n;
  if (
    address === 0n || address % BigInt(pageSize()) !== 0n ||
    address >> 32n !== last >> 32n
  ) {
    throw new RangeError(
      `Option address must be a multiple of the page size, ${pageSize()}, from which on ${source.size} bytes do not cross a multiple of 4 GiB: received ${
        hex(address)
      }`,
    );
  }
  if (source.address !== 0n && source.address !== address) {
    throw new NotSupportedError(
      `Cannot map the arena at the address ${hex(address)}: it was made for ${
        hex(source.address)
      }`,
    );
  }
  return address;
}

/** An address as it is shown. */
export function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
