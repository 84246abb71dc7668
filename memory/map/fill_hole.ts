/** Filling holes that a failed call may have left in the engine's pages. */

import { mmapPlug } from "../../ffi/mod.ts";

/** Memory whose pages may never be unmapped: something foreign lies there. */
let kept: { memory: WebAssembly.Memory; next: typeof kept } | undefined;

/**
 * After a refusal to put something over them the pages may be gone. Zeroed
 * memory takes their place at once; where something else was faster, or the
 * pages are still there, which looks the same, the engine must never unmap them.
 *
 * @param memory The pages.
 * @param target Those of them that were to be replaced.
 * @param length The length of the target in bytes.
 * @returns True if the pages are certainly the engine's. If not, nothing may be
 * put over them any more.
 */
export function fillHole(
  memory: WebAssembly.Memory,
  target: Uint8Array,
  length: bigint,
): boolean {
  if (mmapPlug(target, length) === 0) return true;
  kept = { memory, next: kept };
  return false;
}
