import { libc } from "./libc/functions.ts";

/**
 * The address of a buffer's first byte.
 *
 * An address does not keep its buffer alive, and a small typed array made
 * without a buffer lies in the engine's own heap, where it moves. So this is
 * for two kinds of buffer alone: an explicit `new ArrayBuffer(…)` that a module
 * holds for as long as it lives, into which structures with addresses are
 * written; and the pages of a WebAssembly.Memory, whose address is compared and
 * rounded, never followed.
 */
export function addressOf(buffer: Uint8Array): bigint {
  return libc().addressOf(
    buffer as BufferSource,
    buffer as BufferSource,
    0n,
  );
}
