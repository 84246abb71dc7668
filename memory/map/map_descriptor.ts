/**
 * From a descriptor to a mapping: look at what it refers to, map it, and see to
 * it that its pages are there.
 */

import {
  check,
  EINVAL,
  MADV_POPULATE_READ,
  madvise,
  pageSize,
  toBigInt,
} from "../../ffi/mod.ts";
import { NativeUint8Array } from "../../layout/intrinsics.ts";
import { requireHugePages } from "../ranges.ts";
import { roundUp } from "../../base/round.ts";
import type { Mapping } from "./mapping.ts";
import { place } from "./map_over_pages.ts";
import {
  inspectSource,
  type Source,
  type SourceRequest,
} from "./inspect_descriptor.ts";

/** A mapping, and what it is of. */
export interface MappedSource extends Source {
  /** The mapping. */
  readonly mapping: Mapping;
}

/**
 * Maps what a descriptor refers to, after all checks.
 *
 * @param request What to map.
 * @param shared Whether Workers shall be able to share its pages.
 * @throws as {@linkcode inspectSource} and {@linkcode place} do.
 */
export function mapSource(
  request: SourceRequest,
  shared: boolean,
): MappedSource {
  const source = inspectSource(request);
  const { size, granule } = source;
  if (granule > pageSize()) {
    requireHugePages(request.name, granule, request.offset, size);
  }
  const mapping = place({
    fd: request.fd,
    offset: request.offset,
    length: roundUp(size, granule),
    granule,
    readOnly: request.readOnly,
    shared,
  });
  if (source.sparse && mapping.readOnly) {
    populate(mapping, 0, mapping.length, NO_ROOM);
  }
  if (source.unbounded) {
    populate(mapping, 0, granule, BEYOND);
    populate(mapping, mapping.length - granule, granule, BEYOND);
  }
  return { ...source, mapping };
}

const NO_ROOM =
  "the file has holes in the range, and its file system no room to fill them";
const BEYOND = "the device does not have all of the range";

/**
 * Reads pages in whose first access could end the process: on a full tmpfs
 * those of a hole, which a descriptor for reading cannot fill otherwise; of a
 * device those that it does not have.
 */
function populate(
  mapping: Mapping,
  offset: number,
  length: number,
  hint: string,
): void {
  const { start } = mapping;
  const result = madvise(
    new NativeUint8Array(mapping.buffer(), start + offset, length),
    toBigInt(length),
    MADV_POPULATE_READ,
  );
  // Before Linux 5.14 the advice is unknown.
  if (result === 0 || result === -EINVAL) return;
  mapping.release();
  check(result, "madvise", hint);
}
