/** Plain copies of live values. */

import { whereIs } from "./access/private_fields.ts";
import { read } from "./access/read_whole.ts";
import { show } from "../base/show.ts";
import type { Pointer, Type, Value, View, ViewOf } from "./static.ts";

/**
 * Copies what a pointer or view points to into plain data: nested structs as
 * objects, arrays as arrays, all members of a union, atomics loaded.
 *
 * Pointers and views themselves cannot be copied by `{ ...pointer }` or
 * `structuredClone`: they have no properties of their own.
 *
 * Each value is read whole, but they are not all of one moment: some may be
 * older than a change of another process, others newer.
 *
 * @param pointer A pointer, a view, or an array of structs.
 * @throws {TypeError} if it is anything else.
 * @throws {RangeError} if a `safe` integer lies beyond ±(2^53 − 1).
 * @throws {ClosedError} if its memory is closed.
 *
 * @example A copy that no longer changes
 * ```ts
 * import { array, HostLayout, pointer, snapshot, struct, u16, u32 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Ports = struct("Ports", { _: HostLayout, count: u32, list: array(u16, 2) });
 * const ports = pointer(Ports, new ArrayBuffer(8));
 * ports.count = 1;
 * ports.list[0] = 443;
 * assertEquals(snapshot(ports), { count: 1, list: [443, 0] });
 * ```
 */
export function snapshot<T extends Type>(
  pointer: ViewOf<T> | View<T> | Pointer<T>,
): Value<T> {
  const located = whereIs(pointer);
  if (located === undefined) {
    if (ArrayBuffer.isView(pointer)) {
      throw new TypeError(
        "Cannot take a snapshot of a typed array, which is the engine's own: copy it with Array.from(…) or slice()",
      );
    }
    throw new TypeError(
      `Cannot take a snapshot of ${show(pointer)}: must be a pointer or a view`,
    );
  }
  return read(located) as Value<T>;
}
