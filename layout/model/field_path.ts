/** Paths to the fields of structs: `"inner.x"`. */

import { InvalidTypeError } from "../../errors.ts";
import { unitEndsWithin } from "../leaves/bits.ts";
import {
  aggregateOf,
  type AnyType,
  isAggregate,
  type Member,
} from "./types.ts";
import { show } from "../../base/show.ts";

/** A field found at a path. */
export interface Found {
  /** The field. */
  readonly type: AnyType;
  /** Its offset in bytes from the outermost struct. */
  readonly offset: number;
  /** A bit-field's offset in bits from the struct that it is a field of. */
  readonly bit: number | undefined;
  /** That struct's offset in bytes. */
  readonly owner: number;
  /** True if every struct on the way is aligned in the one around it. */
  readonly aligned: boolean;
}

/**
 * Finds the field at a path.
 *
 * @throws {InvalidTypeError} if the type has no such field.
 */
export function resolve(type: AnyType, path: unknown): Found {
  if (typeof path !== "string") {
    throw new InvalidTypeError(
      `${type.name}: A path must be a string: received ${show(path)}`,
    );
  }
  let found: Found = {
    type,
    offset: 0,
    bit: undefined,
    owner: 0,
    aligned: true,
  };
  for (const name of path.split(".")) {
    const owner = found.type;
    const member = memberOf(owner, name);
    if (member === undefined) {
      throw new InvalidTypeError(
        `${type.name} has no field ${
          show(path)
        }: ${owner.name} has none named ${show(name)}`,
      );
    }
    const { bit } = member;
    const needed = bit === undefined ? member.type.align : member.type.size;
    found = {
      type: member.type,
      offset: found.offset + member.offset,
      bit,
      owner: found.offset,
      aligned: found.aligned && needed <= owner.align &&
        (bit === undefined
          ? member.offset % needed === 0
          : unitEndsWithin(member.type.size, bit, owner.size)),
    };
  }
  return found;
}

function memberOf(type: AnyType, name: string): Member | undefined {
  if (!isAggregate(type)) return undefined;
  return aggregateOf(type).members.find((member) =>
    member.name === name && member.type.kind !== "padding"
  );
}
