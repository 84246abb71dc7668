/** Asks the kernel whether maps of a type can be made. */

import { EOPNOTSUPP } from "../../ffi/constants.ts";
import { pageSize } from "../../ffi/mod.ts";
import { SystemError } from "../../errors.ts";
import { libbpfProbes } from "../libbpf/probe_functions.ts";
import { createMap, type MapRequest } from "../map/commands.ts";
import { mapFlagBits } from "../map/flag.ts";
import { isKeyless, type MapType, mapTypeNumber } from "../map/type.ts";

/** The request for the smallest map of a type. */
function requestFor(type: MapType, valueSize: number): MapRequest {
  return {
    type: mapTypeNumber(type),
    keySize: isKeyless(type) ? 0 : 4,
    valueSize: type === "arena" ? 0 : valueSize,
    maxEntries: type.endsWith("ringbuf") ? pageSize() : 1,
    flagBits: mapFlagBits(type === "arena" ? ["mmapable"] : 0),
    name: "",
    mapExtra: 0n,
  };
}

/** More descriptors than any question has open at once, which is two. */
const MAPS_AT_ONCE = 4;

/**
 * Makes some maps for a moment: where that fails, no other refusal would say
 * anything of the kernel.
 *
 * @throws {SystemError} with the kernel's reason.
 */
export function requireBpf(): void {
  using maps = new DisposableStack();
  for (let i = 0; i < MAPS_AT_ONCE; i++) {
    const map = createMap(requestFor("array", 8));
    maps.defer(() => map.close());
  }
}

function makeMap(type: MapType, valueSize: number): boolean {
  try {
    createMap(requestFor(type, valueSize)).close();
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/**
 * Tests whether maps of a type can be made. libbpf knows what each takes, of
 * types as old as itself: of others it says that it does not.
 *
 * @param valueSize The size to try it with, and no other.
 */
export function canMakeMap(type: MapType, valueSize?: number): boolean {
  if (valueSize !== undefined) return makeMap(type, valueSize);
  const { libbpf_probe_bpf_map_type: probe } = libbpfProbes();
  const answer = probe(mapTypeNumber(type), 0n);
  return answer === -EOPNOTSUPP ? makeMap(type, 4) : answer === 1;
}
