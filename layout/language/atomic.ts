/** Values that are read and written atomically. */

import { InvalidTypeError } from "../../errors.ts";
import { once } from "../model/once.ts";
import { isInteger, register, requireType } from "../model/types.ts";
import type { AtomicBase, AtomicType } from "../static.ts";

/** The same atomic every time, so that all of one kind share a class. */
const atomics = new WeakMap<object, AtomicType>();

/**
 * `_Atomic T`, and what BPF's and GCC's `__sync_*` built-ins work on. Through a
 * pointer it is an object of atomic operations, sequentially consistent across
 * threads, processes and BPF programs.
 *
 * @param type An integer, `uintptr`, `bool` or an enumeration.
 * @throws {InvalidTypeError} for any other type.
 *
 * @example A counter that others count too
 * ```ts
 * import { atomic, HostLayout, pointer, struct, u64 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Stats = struct("Stats", { _: HostLayout, packets: atomic(u64) });
 * const stats = pointer(Stats, new ArrayBuffer(8));
 * assertEquals(stats.packets.add(2n), 0n); // the value before
 * assertEquals(stats.packets.load(), 2n);
 * ```
 */
export function atomic<T extends AtomicBase>(type: T): AtomicType<T> {
  const base = requireType(type, "atomic()");
  if (
    !isInteger(base) && base.kind !== "uintptr" && base.kind !== "bool" &&
    base.kind !== "enumeration"
  ) {
    throw new InvalidTypeError(
      `atomic() must be of an integer, uintptr, bool or enumeration: received ${base.name}`,
    );
  }
  const made = once(atomics, base, () =>
    register<AtomicType>({
      kind: "atomic",
      name: `atomic(${base.name})`,
      size: base.size,
      align: Math.max(base.size, base.align),
      base,
    }, { atomicAlign: base.size }));
  return made as unknown as AtomicType<T>;
}
