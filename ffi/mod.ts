/**
 * Everything that touches native code, for the rooms above this one. Not an
 * entry point of the package.
 *
 * @module
 */

export { addressOf } from "./block.ts";
export { bpf } from "./bpf/bpf.ts";
export * from "./constants.ts";
export * from "./calls/descriptors.ts";
export * from "./calls/epoll.ts";
export { type ErrnoEntry, errnoEntry } from "./errno/errno_table.ts";
export * from "./calls/events.ts";
export * from "./calls/network.ts";
export { interfaceIndex, interfaceName } from "./calls/interfaces.ts";
export { pageSize } from "./calls/page_size.ts";
export * from "./calls/pages.ts";
export { check, systemError } from "./errno/system_error.ts";
