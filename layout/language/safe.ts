/** 64-bit integers as numbers. */

import { InvalidTypeError } from "../../errors.ts";
import { once } from "../model/once.ts";
import { register, requireType } from "../model/types.ts";
import type { I64, Safe, U64 } from "../static.ts";

const types = new WeakMap<object, Safe>();

/**
 * A 64-bit integer whose value is a number. Reading one beyond ±(2^53 − 1)
 * throws a RangeError; so does storing one.
 *
 * @param type `u64` or `i64`.
 * @throws {InvalidTypeError} for any other type.
 *
 * @example A counter without bigints
 * ```ts
 * import { HostLayout, pointer, safe, struct, u64 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Counter = struct("Counter", { _: HostLayout, hits: safe(u64) });
 * const counter = pointer(Counter, new ArrayBuffer(8));
 * counter.hits += 2 ** 40;
 * assertEquals(counter.hits, 1099511627776);
 * ```
 */
export function safe<T extends U64 | I64>(type: T): Safe<T> {
  const base = requireType(type, "safe()");
  if (base.kind !== "u64" && base.kind !== "i64") {
    throw new InvalidTypeError(
      `safe() must be of u64 or i64: received ${base.name}`,
    );
  }
  const made = once(types, base, () =>
    register<Safe>({
      kind: "safe",
      name: `safe(${base.name})`,
      size: base.size,
      align: base.align,
      base,
    }));
  return made as unknown as Safe<T>;
}
