/** The variables of a section, as the members of a struct. */

import { BtfError } from "../../errors.ts";
import type { AnyType, Member } from "../../layout/model/types.ts";
import { decode } from "../format/decode.ts";
import {
  hasLayout,
  placeOfMember,
  resolveType,
  sizeOfType,
  titleOf,
} from "../format/resolve.ts";
import type { BtfDatasec } from "../types.ts";
import type { Maker } from "./maker.ts";
import { MemberNames } from "./member_names.ts";
import { bytesOf } from "./scalars.ts";

/**
 * The variables of a section that have a size, and its alignment in bytes.
 *
 * @throws {BtfError} if one does not lie within the section.
 */
export function variablesOf(
  maker: Maker,
  type: BtfDatasec,
): { readonly members: Member[]; readonly align: number } {
  const { table } = maker;
  maker.spend(type.variables.length + 1, type.id);
  const names = new MemberNames();
  const members: Member[] = [];
  let align = 1;
  for (const [index, variable] of type.variables.entries()) {
    const { name } = decode(table, variable.type);
    const target = resolveType(table, variable.type).type;
    const size = sizeOfType(table, variable.type);
    if (name === "" || size === undefined) continue; // A function, or extern.
    if (variable.offset + size > type.size) {
      throw new BtfError(
        `The variable ${name} of ${
          titleOf(type)
        } must end within its ${type.size} bytes: it has ${size} bytes from ${variable.offset} on${
          type.size === 0 ? "; sections have no sizes before linking" : ""
        }`,
        placeOfMember(table, type.id, index),
      );
    }
    const made = hasLayout(target)
      ? maker.make(variable.type, false)
      : bytesOf(size);
    if (variable.offset % made.align === 0) {
      align = Math.max(align, made.align);
    }
    members.push({
      name: names.next(name),
      type: made as AnyType,
      offset: variable.offset,
      bit: undefined,
    });
  }
  return { members, align };
}
