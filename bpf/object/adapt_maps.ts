/** The maps of an object, made such as libbpf would not make them. */

import { BPF_F_MMAPABLE } from "../../ffi/mod.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { mapTypeName } from "../map/type.ts";

/** Changes what is to be made; a map that is used in place of a new one stays. */
export function adaptMaps(maps: readonly NativeMap[]): void {
  for (const map of maps) {
    if (map.fd >= 0) continue;
    if (map.isSection) makeMappable(map);
    else dropRecordTypes(map);
  }
}

/**
 * Has the map of a section made mmap-able: libbpf leaves those out of which all
 * variables are static, and all of objects without BTF.
 */
function makeMappable(map: NativeMap): void {
  const { flagBits } = map;
  if ((flagBits & BPF_F_MMAPABLE) === 0) {
    map.configure({ flagBits: flagBits | BPF_F_MMAPABLE });
  }
}

/**
 * Has a ring made whose definition names a type of records, as many do: the
 * kernel takes none.
 */
function dropRecordTypes(map: NativeMap): void {
  const type = mapTypeName(map.type);
  const isRing = type === "ringbuf" || type === "user_ringbuf";
  if (isRing && (map.keySize > 0 || map.valueSize > 0)) map.setNoEntries();
}
