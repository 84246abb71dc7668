/** Many stores at once. */

import { ReadOnlyError } from "../errors.ts";
import { titleOf, whereIs } from "./access/private_fields.ts";
import { show } from "../base/show.ts";
import { write } from "./access/write_whole.ts";
import type {
  Input,
  Pointer,
  PointerTo,
  Type,
  View,
  ViewOf,
} from "./static.ts";

/**
 * Stores plain data where a pointer points: any part of a struct or union, the
 * first elements of an array. Everything is checked before anything is written.
 *
 * Only an object's own properties count. An object of a class that has none of
 * its own, such as a Map, is refused.
 *
 * If members share bytes, in a union or by `offsets`, values that are there
 * already are passed over, and two new values that differ are refused. So
 * `assign(p, { ...snapshot(p), x: 1 })` stores `x`.
 *
 * Another pointer or view of the same type copies its members, with zeros for
 * padding, and without what lies behind the struct in a flexible array.
 *
 * @param pointer The pointer to store to.
 * @param values The values to store.
 * @throws {TypeError} if a value is of the wrong kind, or a name is not that of a field.
 * @throws {RangeError} if a value does not fit, or two members that share bytes
 * say different things.
 * @throws {InvalidTypeError} if the values are a pointer or view of another
 * type.
 * @throws {ReadOnlyError} if the pointer is a view.
 * @throws {ClosedError} if the memory is closed.
 *
 * @example Part of a struct
 * ```ts
 * import { array, assign, HostLayout, pointer, struct, u16, u32 } from "@hostmem/hostmem";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const Ports = struct("Ports", { _: HostLayout, count: u32, list: array(u16, 2) });
 * const ports = pointer(Ports, new ArrayBuffer(8));
 * assign(ports, { list: [80, 443] });
 * assertEquals(ports.list[1], 443);
 * assertThrows(() => assign(ports, { count: 2, list: [70000] }), RangeError);
 * assertEquals(ports.count, 0);
 * ```
 */
export function assign<T extends Type>(
  pointer: PointerTo<T> | Pointer<T>,
  values: Input<T> | ViewOf<T> | View<T>,
): void {
  const located = whereIs(pointer);
  if (located === undefined) {
    throw new TypeError(`Cannot assign to ${show(pointer)}: must be a pointer`);
  }
  if (!located.pointerClass.mode.writable) {
    throw new ReadOnlyError(
      `Cannot assign to a view of ${titleOf(located)}: must be a pointer`,
    );
  }
  write(located, values);
}
