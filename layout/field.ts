/** Pointers to fields. */

import { InvalidTypeError } from "../errors.ts";
import { type Make, maker } from "./access/make_pointer.ts";
import { variantOf } from "./access/plan.ts";
import { resolve } from "./model/field_path.ts";
import { titleOf, whereIs } from "./access/private_fields.ts";
import { originOf, requireType } from "./model/types.ts";
import { show } from "../base/show.ts";
import type {
  At,
  Path,
  Pointer,
  PointerTo,
  Type,
  View,
  ViewOf,
} from "./static.ts";

/**
 * A field of a struct type: where it lies, and how to point to it.
 *
 * All its pointers to one kind of value have one class, whatever struct they
 * point into. So code that serves many struct types stays fast with them; with
 * the same property of many classes it would not.
 */
export interface Field<T extends Type, F extends Type> {
  /** The field's type. */
  readonly type: F;
  /** The field's offset in bytes. */
  readonly offset: number;
  /**
   * C's `&p->field`: a pointer to the field, or a view where given a view.
   *
   * @throws {TypeError} if it is not a pointer to, or a view of, the struct.
   */
  of(pointer: PointerTo<T>): Pointer<F>;
  /** A view of the field. */
  of(view: ViewOf<T>): View<F>;
}

/**
 * The field at a path of a struct or union.
 *
 * @param type A struct or union.
 * @param path The field, with dots between the names of nested ones.
 * @throws {InvalidTypeError} if there is no such field, or it is a bit-field,
 * which has no address.
 *
 * @example One helper for many structs
 * ```ts
 * import { field, HostLayout, pointer, struct, u16, u64 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * function increment(counter: { value: bigint }): void {
 *   counter.value += 1n;
 * }
 *
 * const Rx = struct("Rx", { _: HostLayout, queue: u16, packets: u64 });
 * const packets = field(Rx, "packets");
 * const rx = pointer(Rx, new ArrayBuffer(16));
 * increment(packets.of(rx));
 * assertEquals(rx.packets, 1n);
 * ```
 */
export function field<T extends Type, const P extends string>(
  type: T,
  path: Path<T, P>,
): Field<T, At<T, P>> {
  const owner = requireType(type, "field()");
  const found = resolve(owner, path);
  if (found.bit !== undefined) {
    throw new InvalidTypeError(
      `${type.name}.${path}: A bit-field has no address`,
    );
  }
  const { type: target, offset } = found;
  const name = `${owner.name}.${path}`;
  const origin = originOf(owner);
  const makers = new Map<number, Make>();

  function of(pointer: unknown): object {
    const located = whereIs(pointer);
    if (
      located === undefined || originOf(located.pointerClass.type) !== origin
    ) {
      throw new TypeError(
        `Cannot take ${name} of ${
          located === undefined
            ? show(pointer)
            : `a pointer to ${titleOf(located)}`
        }: must be a pointer to ${owner.name}`,
      );
    }
    const { pointerClass: { mode }, root, absolute, extent } = located;
    const variant = variantOf(mode);
    let make = makers.get(variant);
    if (make === undefined) {
      const aligned = mode.aligned && found.aligned;
      makers.set(variant, make = maker(target, { ...mode, aligned }, name));
    }
    return make(root, absolute + offset, extent - offset);
  }

  return Object.freeze({ type: target, offset, of }) as unknown as Field<
    T,
    At<T, P>
  >;
}
