import { libc } from "../libc/functions.ts";

let known: number | undefined;

/**
 * The size of a page of memory in bytes, as the running kernel has it: 4096 on
 * x86-64, and 4096, 16384 or 65536 on aarch64. Sizes and offsets given to
 * `Memory.map` are multiples of it.
 *
 * @returns The size in bytes.
 * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example Rounding a size up to whole pages
 * ```ts
 * import { pageSize } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const size = Math.ceil(5000 / pageSize()) * pageSize();
 * assertEquals(size % pageSize(), 0);
 * ```
 */
export function pageSize(): number {
  return known ??= libc().getpagesize();
}
