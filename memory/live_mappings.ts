/** The mappings that this thread made and that are not known to be gone. */

import { uncurry } from "../layout/intrinsics.ts";
import type { Mapping } from "./map/mapping.ts";

let mappings = 0;
let bytes = 0;

function forget(length: number): void {
  mappings--;
  bytes -= length;
}

// For counting alone: what is collected here the engine has unmapped by itself.
const registry = new FinalizationRegistry<number>(forget);
// Buffers of read-only memory pass through, so no method is looked up later.
const register = uncurry(registry.register) as (
  self: FinalizationRegistry<number>,
  target: object,
  length: number,
  token: object,
) => void;
const unregister = uncurry(registry.unregister);

/** Counts a mapping until it is released, or its buffer is collected. */
export function countIn(mapping: Mapping): void {
  mappings++;
  bytes += mapping.length;
  // Whatever reaches the mapping in this thread reaches its buffer.
  register(registry, mapping.buffer(), mapping.length, mapping);
}

/** Counts a mapping no more. Once more does nothing. */
export function countOut(mapping: Mapping): void {
  if (unregister(registry, mapping)) forget(mapping.length);
}

/** How many there are. */
export function liveMappings(): { mappings: number; bytes: number } {
  return { mappings, bytes };
}
