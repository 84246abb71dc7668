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
} from "../ffi/mod.ts";
import { requireHugePages } from "./_arguments.ts";
import { writeControl } from "./_control.ts";
import type { Mapping } from "./_mapping.ts";
import { place } from "./_placement.ts";
import { inspectSource, type Source, type SourceRequest } from "./_source.ts";

/** A mapping, and what it is of. */
export interface MappedSource extends Source {
  /** The mapping. */
  readonly mapping: Mapping;
}

/**
 * Maps what a descriptor refers to, after all checks.
 *
 * @param request What to map.
 * @param shared Whether Workers shall be able to share it.
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
  if (source.sparse && mapping.readOnly) populate(mapping);
  if (shared) writeControl(mapping, size);
  return { ...source, mapping };
}

/** A size in bytes as whole pages. */
export function roundUp(size: number, granule: number): number {
  const past = size % granule;
  return past === 0 ? size : size + (granule - past);
}

/**
 * Reads every page in: on a full tmpfs the first access to a hole would end the
 * process, and a descriptor for reading cannot fill it otherwise.
 */
function populate(mapping: Mapping): void {
  const result = madvise(
    mapping.bytes(),
    toBigInt(mapping.length),
    MADV_POPULATE_READ,
  );
  // Before Linux 5.14 the advice is unknown.
  if (result === 0 || result === -EINVAL) return;
  mapping.release();
  check(
    result,
    "madvise",
    "the file has holes in the range, and its file system no room to fill them",
  );
}
