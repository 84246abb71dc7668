/** Rings whose definition says what their records are. */

import type { NativeMap } from "../libbpf/map.ts";
import { mapTypeName } from "../map/type.ts";

/**
 * Leaves the size of records out of the definitions of rings: `__type(value,
 * struct event)` says what their records are to whoever reads the object file,
 * and the kernel takes rings without sizes alone.
 */
export function dropRecordSizes(maps: readonly NativeMap[]): void {
  for (const map of maps) {
    const type = mapTypeName(map.type);
    const isRing = type === "ringbuf" || type === "user_ringbuf";
    if (isRing && map.fd < 0 && map.valueSize !== 0) map.setValueSize(0);
  }
}
