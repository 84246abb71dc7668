import { BUDGET, countMappings } from "./map/mapping_limit.ts";

/** A mapping, as far as counting it takes. */
interface Counted {
  /** The length in bytes. */
  readonly length: number;
  /** The buffer that everything in this thread reaches the mapping through. */
  buffer(): ArrayBufferLike;
}

let mappings = 0;
let bytes = 0;

function forget(length: number): void {
  mappings--;
  bytes -= length;
}

// For counting alone: what is collected here the engine has unmapped by itself.
const registry = new FinalizationRegistry<number>(forget);

/** Counts a mapping until it is released, or its buffer is collected. */
export function countIn(mapping: Counted): void {
  mappings++;
  bytes += mapping.length;
  registry.register(mapping.buffer(), mapping.length, mapping);
}

/** Counts a mapping no more. A second call does nothing. */
export function countOut(mapping: Counted): void {
  if (registry.unregister(mapping)) forget(mapping.length);
}

/** Counts of mappings, as {@linkcode mappingStats} gives them. */
export interface MappingStats {
  /**
   * The number of mappings that this thread has made and that are neither closed
   * nor seen to be collected. A mapping that was dropped without `close` is
   * counted until the garbage collector has found it and said so, which it does
   * between two jobs of the event loop and not soon: rising numbers mean that
   * something is not closed, not that it is still needed. Writable memory that
   * a Worker attached is counted only in the thread that made it.
   */
  readonly mappings: number;
  /** The size of these mappings in bytes, in whole pages. Few of the pages may be occupied. */
  readonly bytes: number;
  /**
   * The number of mappings of the whole process now, whoever made them: the lines
   * of `/proc/self/maps`. It is exact, also for mappings that were dropped. A
   * memory takes one or two, the engine some hundreds. Undefined where there is
   * no such file.
   */
  readonly processMappings: number | undefined;
  /** The number of mappings of the process from which on this package refuses to map more. */
  readonly processMappingsMax: number;
}

/**
 * Counts the mappings, for a service that watches itself.
 *
 * Counting those of the process reads `/proc/self/maps`, which takes some
 * microseconds for each of them, and needs no permission but `--allow-ffi`.
 *
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example Nothing is left open
 * ```ts
 * import { mappingStats, Memory, pageSize } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const before = mappingStats();
 * {
 *   using _memory = Memory.create(3 * pageSize());
 *   assertEquals(mappingStats().mappings, before.mappings + 1);
 *   assertEquals(mappingStats().bytes, before.bytes + 3 * pageSize());
 * }
 * assertEquals(mappingStats().mappings, before.mappings);
 * ```
 */
export function mappingStats(): MappingStats {
  return {
    mappings,
    bytes,
    processMappings: countMappings(),
    processMappingsMax: BUDGET,
  };
}
