/** Mapping what a descriptor refers to: it is inspected, mapped, populated. */

import { roundUp } from "../../base/round.ts";
import { check, EINVAL, MADV_POPULATE_READ, madvise } from "../../ffi/mod.ts";
import {
  type DescriptorRange,
  inspectDescriptor,
} from "./inspect_descriptor.ts";
import { mapOverPages } from "./map_over_pages.ts";
import type { Mapping } from "./mapping.ts";

/** A mapping of what a descriptor refers to. */
export interface MappedDescriptor {
  /** The mapping. */
  readonly mapping: Mapping;
  /** The bytes to give access to. */
  readonly size: number;
  /** True where the memory can go away while it is mapped. */
  readonly truncatable: boolean;
}

/**
 * Maps what a descriptor refers to.
 *
 * @param forWorkers True for pages that Workers can share, if they are writable.
 * @throws as `inspectDescriptor` and `mapOverPages` do.
 * @throws {SystemError} if a page turns out not to be there.
 */
export function mapDescriptor(
  range: DescriptorRange,
  forWorkers: boolean,
): MappedDescriptor {
  const { size, granule, truncatable, sparse, unbounded } = inspectDescriptor(
    range,
  );
  const mapping = mapOverPages({
    fd: range.fd,
    offset: range.offset,
    length: roundUp(size, granule),
    granule,
    readOnly: range.readOnly,
    forWorkers,
  });
  if (sparse && mapping.readOnly) populate(mapping, 0, mapping.length, NO_ROOM);
  if (unbounded) {
    populate(mapping, 0, granule, BEYOND);
    populate(mapping, mapping.length - granule, granule, BEYOND);
  }
  return { mapping, size, truncatable };
}

const NO_ROOM =
  "the file has holes in the range, and its file system no room to fill them";
const BEYOND = "the descriptor's object does not have all of the range";

/**
 * Reads pages in whose first access could end the process: on a full tmpfs
 * those of a hole, which a descriptor for reading cannot fill otherwise; of a
 * device or a socket those that it does not have.
 */
function populate(
  mapping: Mapping,
  offset: number,
  length: number,
  hint: string,
): void {
  const pages = mapping.bytes().subarray(offset, offset + length);
  const result = madvise(pages, BigInt(length), MADV_POPULATE_READ);
  // Before Linux 5.14 the advice is unknown.
  if (result === 0 || result === -EINVAL) return;
  mapping.release();
  check(result, "madvise", hint);
}
