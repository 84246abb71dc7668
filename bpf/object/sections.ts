/** The maps of sections, made mmap-able where libbpf would not. */

import { BPF_F_MMAPABLE } from "../../ffi/mod.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { mapTypeName } from "../map/type.ts";

/**
 * Has the maps of sections made mmap-able: libbpf leaves those out of which all
 * variables are static, and all of objects without BTF.
 */
export function makeMappable(maps: readonly NativeMap[]): void {
  for (const map of maps) {
    // One that is used in place of a new one is what it is.
    if (!map.isSection || map.fd >= 0) continue;
    const { flagBits } = map;
    if ((flagBits & BPF_F_MMAPABLE) === 0) {
      map.configure({ flagBits: flagBits | BPF_F_MMAPABLE });
    }
  }
}

/** The sizes of sections in bytes, by their names. */
export function sectionSizes(
  maps: readonly NativeMap[],
): ReadonlyMap<string, number> {
  return new Map(
    maps.filter(({ isSection }) => isSection)
      .map(({ name, valueSize }) => [name, valueSize]),
  );
}

/**
 * Has rings made whose definition names a type of records, as many do: the
 * kernel takes none.
 */
export function dropRecordTypes(maps: readonly NativeMap[]): void {
  for (const map of maps) {
    const type = mapTypeName(map.type);
    const isRing = type === "ringbuf" || type === "user_ringbuf";
    if (isRing && map.fd < 0 && (map.keySize > 0 || map.valueSize > 0)) {
      map.setNoEntries();
    }
  }
}
