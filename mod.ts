/**
 * Typed pointers into memory that a program shares with the Linux kernel, or
 * with another process.
 *
 * `Memory` maps the memory of a BPF map, of a memfd or of a file; the layout
 * language says what is in it; `memory.pointer` checks type, alignment and
 * bounds once and gives an object whose properties are that memory.
 *
 * ```ts
 * import { array, atomic, HostLayout, Memory, struct, u16, u64 } from "@hostmem/hostmem";
 *
 * const Stats = struct("Stats", {
 *   _: HostLayout, // laid out as C lays it out on this host
 *   packets: atomic(u64),
 *   bytes: u64,
 *   ports: array(u16, 8),
 * });
 *
 * using memory = Memory.create(4096);
 * const stats = memory.pointer(Stats);
 * stats.packets.add(1n);
 * stats.bytes += 64n;
 * stats.ports[3] = 443;
 * ```
 *
 * Run with `--allow-ffi`, by Deno 2.2 or later.
 *
 * @module
 */

import "./ffi/require_deno.ts";

export * from "./layout/mod.ts";
export * from "./memory/mod.ts";
export { preload } from "./ffi/preload.ts";
export { SystemError, type SystemErrorInit } from "./errors.ts";
