/** Comparison of a map with the definition that it is used in place of. */

import { roundUp } from "../../base/round.ts";
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, pageSize } from "../../ffi/mod.ts";
import type { MapInfo } from "../map/info.ts";
import { possibleCpus } from "../../ffi/calls/cpus.ts";
import { mapTypeName } from "../map/type.ts";

/** A map's definition, in the kernel's numbers. */
interface Definition {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flagBits: number;
  /** True for the map of a section of variables. */
  readonly isSection: boolean;
}

/** `linux/bpf.h`: lists of one LRU map for each CPU. */
const BPF_F_NO_COMMON_LRU = 2;

/**
 * libbpf takes any map for any other, and the kernel checks programs against
 * what it is given: nothing would say that it is not the map of the definition.
 * And a section it unmaps by the size of the map in its place.
 *
 * @param kind The name of the map in error messages: `"map to reuse"`.
 * @throws {RangeError} unless the map is what libbpf and the kernel make of the
 * definition.
 */
export function requireSame(
  map: Definition,
  info: MapInfo,
  kind: string,
): void {
  const names = { name: map.name, kind };
  const type = mapTypeName(map.type);
  // A section that cannot be mapped is read and written by bpf(2).
  let ignored = map.isSection ? BPF_F_MMAPABLE : 0;
  // The kernel adds it (`dev_map_init_map`).
  if (type === "devmap" || type === "devmap_hash") ignored |= BPF_F_RDONLY_PROG;
  requireEqual(names, "type", map.type, info.typeNumber, mapTypeName);
  requireEqual(names, "keySize", map.keySize, info.keySize);
  requireEqual(names, "valueSize", map.valueSize, info.valueSize);
  const entries = entriesOf(map);
  if (entries !== undefined) {
    requireEqual(names, "maxEntries", entries, info.maxEntries);
  }
  requireEqual(
    names,
    "flagBits",
    map.flagBits & ~ignored,
    info.flagBits & ~ignored,
  );
}

/**
 * Reads the number of entries from the definition; undefined where it does not
 * say.
 */
function entriesOf(
  { type, maxEntries, flagBits }: Definition,
): number | undefined {
  switch (mapTypeName(type)) {
    case "perf_event_array": // libbpf takes the number of CPUs then.
      return maxEntries === 0 ? undefined : maxEntries;
    case "ringbuf":
    case "user_ringbuf":
      return ringSize(maxEntries);
    case "lru_hash":
    case "lru_percpu_hash":
      return (flagBits & BPF_F_NO_COMMON_LRU) === 0
        ? maxEntries
        : roundUp(maxEntries, possibleCpus().length);
    default:
      return maxEntries;
  }
}

/** A ring has whole pages, as many as a power of two (`adjust_ringbuf_sz`). */
function ringSize(bytes: number): number {
  if (bytes === 0) return 0;
  let size = pageSize();
  while (size < bytes) size *= 2;
  return size;
}

function requireEqual(
  { name, kind }: { readonly name: string; readonly kind: string },
  what: string,
  wanted: number,
  given: number,
  nameOf: (value: number) => string | undefined = () => undefined,
): void {
  if (wanted === given) return;
  throw new RangeError(
    `The ${kind} for ${name} must have the ${what} ${
      nameOf(wanted) ?? wanted
    }: it has ${nameOf(given) ?? given}`,
  );
}
