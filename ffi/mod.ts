/**
 * Everything that touches native code, for the rooms above this one. Not an
 * entry point of the package.
 *
 * @module
 */

export { addressOf } from "./address.ts";
export { bpf } from "./bpf.ts";
export { encode, toBigInt, toNumber } from "./captured.ts";
export * from "./constants.ts";
export * from "./descriptors.ts";
export * from "./epoll.ts";
export { type ErrnoEntry, errnoEntry } from "./errno_table.ts";
export { pageSize } from "./page_size.ts";
export * from "./pages.ts";
export { openPerfEvent } from "./perf_event.ts";
export { check, systemError } from "./system_error.ts";
