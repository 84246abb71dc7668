/** Plain data as JSON has it. */

/**
 * Plain data as JSON can carry it: bigints as decimal strings, bytes as
 * arrays of numbers, all else as it is.
 *
 * `JSON.stringify` writes pointers and views in this way by itself. Plain data,
 * such as that of `snapshot` and `decode`, needs this function: a bigint in it
 * makes `JSON.stringify` throw.
 *
 * @param value Plain data, as `snapshot` or `decode` return it.
 *
 * @example The same text, of a view and of its snapshot
 * ```ts
 * import { HostLayout, jsonValue, snapshot, struct, u64, view } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Stats = struct("Stats", { _: HostLayout, bytes: u64 });
 * const stats = view(Stats, new ArrayBuffer(8));
 * assertEquals(JSON.stringify(stats), '{"bytes":"0"}');
 * assertEquals(JSON.stringify(jsonValue(snapshot(stats))), '{"bytes":"0"}');
 * ```
 */
export function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value instanceof Uint8Array) return Array.from(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, jsonValue(field)]),
  );
}
