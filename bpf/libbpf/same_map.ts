/** Whether a map can be used in the place of one that an object defines. */

import { BPF_F_MMAPABLE } from "../../ffi/mod.ts";
import type { MapInfo } from "../map/info.ts";
import { mapTypeName } from "../map/type.ts";
import type { NativeMap } from "./map.ts";

/**
 * libbpf takes any map for any other, and the kernel checks programs against
 * what it is given: nothing would say that it is not the map of the definition.
 * And a section it unmaps by the size of the map in its place.
 *
 * @throws {RangeError} unless the map is like the definition.
 */
export function requireSame(map: NativeMap, info: MapInfo): void {
  // A section that cannot be mapped is read and written by bpf(2).
  const ignored = map.isSection ? BPF_F_MMAPABLE : 0;
  const { name } = map;
  requireEqual(name, "type", map.type, info.typeNumber, mapTypeName);
  requireEqual(name, "keySize", map.keySize, info.keySize);
  requireEqual(name, "valueSize", map.valueSize, info.valueSize);
  requireEqual(name, "maxEntries", map.maxEntries, info.maxEntries);
  requireEqual(
    name,
    "flagBits",
    map.flagBits & ~ignored,
    info.flagBits & ~ignored,
  );
}

function requireEqual(
  name: string,
  what: string,
  wanted: number,
  given: number,
  nameOf: (value: number) => string | undefined = () => undefined,
): void {
  if (wanted === given) return;
  throw new RangeError(
    `The map to reuse for ${name} must have the ${what} ${
      nameOf(wanted) ?? wanted
    }: it has ${nameOf(given) ?? given}`,
  );
}
