/**
 * Memory that a program shares with the kernel, or with another process.
 *
 * @module
 */

export { pageSize } from "../ffi/calls/page_size.ts";
export type { MemoryHandle } from "./workers/handle.ts";
export { type MappingStats, mappingStats } from "./mapping_stats.ts";
export { Memory } from "./memory.ts";
export type {
  CreateOptions,
  MapOptions,
  OpenOptions,
  WorkerOptions,
} from "./options.ts";
