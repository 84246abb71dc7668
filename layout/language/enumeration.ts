/** Enumerations. */

import { InvalidTypeError } from "../../errors.ts";
import { isInteger, register, requireType } from "../model/types.ts";
import { show } from "../../base/show.ts";
import { i32, i64, u32, u64 } from "./scalars.ts";
import { integers } from "../leaves/integers.ts";
import type {
  Enumeration,
  I32,
  IntegerType,
  Type,
  U32,
  Value,
} from "../static.ts";

/**
 * `enum name`: integers with names. Its value is a number, or a bigint over a
 * 64-bit base. Values without a name may be read and stored, as in C.
 *
 * @param name Its name.
 * @param members The value of each name.
 * @param base The integer in memory. Without it: `u32`, or `i32` where a member
 * is negative; for bigints `u64` or `i64`.
 * @throws {InvalidTypeError} if a member does not fit the base.
 *
 * @example Names for what a field holds
 * ```ts
 * import { enumeration, pointer } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const State = enumeration("state", { IDLE: 0, BUSY: 1 });
 * const state = pointer(State, new ArrayBuffer(4));
 * state.value = State.members.BUSY;
 * assertEquals(State.nameOf(state.value), "BUSY");
 * assertEquals(State.nameOf(7), undefined);
 * ```
 */
export function enumeration<
  const M extends Readonly<Record<string, Value<B>>>,
  B extends IntegerType = U32 | I32,
>(name: string, members: M, base?: B): Enumeration<M, B> {
  if (typeof name !== "string" || name === "") {
    throw new InvalidTypeError(
      `The name of an enumeration must be a string that is not empty: received ${
        show(name)
      }`,
    );
  }
  if (typeof members !== "object" || members === null) {
    throw new InvalidTypeError(
      `${name}: The members of an enumeration must be an object: received ${
        show(members)
      }`,
    );
  }
  const entries = Object.entries<unknown>(members);
  const type = base === undefined
    ? baseFor(entries.map(([, value]) => value))
    : integerBase(name, base);
  const { range: [minimum, maximum], isBig } = integers[type.kind];
  const names = new Map<unknown, string>();
  for (const [member, value] of entries) {
    const isWhole = isBig ? typeof value === "bigint" : Number.isInteger(value);
    if (!isWhole || value as number < minimum || value as number > maximum) {
      throw new InvalidTypeError(
        `${name}.${member}: A member of ${type.name} must be ${
          isBig ? "a bigint" : "an integer"
        } from ${minimum} to ${maximum}: received ${show(value)}`,
      );
    }
    if (!names.has(value)) names.set(value, member);
  }
  return register<Enumeration>({
    kind: "enumeration",
    name,
    size: type.size,
    align: type.align,
    base: type,
    members: Object.freeze(Object.fromEntries(entries)) as Readonly<
      Record<string, number | bigint>
    >,
    nameOf: (value: number | bigint) => names.get(value),
  }) as unknown as Enumeration<M, B>;
}

function baseFor(values: unknown[]): IntegerType {
  const negative = values.some((value) =>
    (typeof value === "number" || typeof value === "bigint") && value < 0
  );
  if (values.some((value) => typeof value === "bigint")) {
    return negative ? i64 : u64;
  }
  return negative ? i32 : u32;
}

function integerBase(name: string, base: Type): IntegerType {
  const type = requireType(base, name);
  if (isInteger(type)) return type;
  throw new InvalidTypeError(
    `${name}: The base of an enumeration must be an integer: received ${type.name}`,
  );
}
