/** Checks whether a type can be pointed to. */

import { InvalidTypeError } from "../../errors.ts";
import {
  aggregateOf,
  type AnyType,
  isAggregate,
  isOnlyField,
  requireType,
} from "./types.ts";
import type { Type } from "../static.ts";

const checked = new WeakSet<object>();

/**
 * Checks that pointers to a type can be made: that it, and every type in it, was
 * made by this package, and that every struct and union in it has the
 * `HostLayout` marker.
 *
 * @param type The type, or anything else.
 * @throws {InvalidTypeError} if pointers cannot be made, with the path to the
 * culprit.
 *
 * @example A marker that is missing further in
 * ```ts
 * import { checkType, HostLayout, struct, u32 } from "@hostmem/hostmem";
 * import { assertThrows } from "@std/assert";
 *
 * const Inner = struct("Inner", { x: u32 });
 * const Outer = struct("Outer", { _: HostLayout, inner: Inner });
 * assertThrows(() => checkType(Outer), TypeError, "Outer.inner");
 * ```
 */
export function checkType(type: unknown): asserts type is Type {
  const root = requireType(type, "");
  if (isOnlyField(root)) {
    throw new InvalidTypeError(
      `${root.name}: There is no pointer to this type: it can only be a field`,
    );
  }
  check(root, root.name);
}

function check(type: AnyType, path: string): void {
  if (checked.has(type)) return;
  if (type.kind === "array") {
    check(type.element as AnyType, `${path}[]`);
  } else if (isAggregate(type)) {
    const { marked, members } = aggregateOf(type);
    if (!marked) {
      throw new InvalidTypeError(
        `${path}: The ${type.kind} ${type.name} must have a field of type HostLayout`,
      );
    }
    for (const member of members) check(member.type, `${path}.${member.name}`);
  }
  checked.add(type);
}
