/** Checks of the members of a struct. */

import { BtfError } from "../../errors.ts";
import { placeOfMember, sizeOfType, titleOf } from "../format/resolve.ts";
import type { TypeTable } from "../format/type_table.ts";
import type { BtfMember, BtfStruct } from "../types.ts";

/** Tells of each member of a struct, by index, whether nothing lies behind it. */
export function lastOf(
  table: TypeTable,
  { members }: BtfStruct,
): (index: number) => boolean {
  if (members.length < 2) return () => true;
  let [end, whose, other] = [0, -1, 0];
  for (const [index, member] of members.entries()) {
    const size = member.bitSize ?? (sizeOfType(table, member.type) ?? 0) * 8;
    if (size === 0) continue;
    const ends = member.bitOffset + size;
    if (ends > end) [end, whose, other] = [ends, index, end];
    else other = Math.max(other, ends);
  }
  return (index) =>
    (index === whose ? other : end) <= members[index]!.bitOffset;
}

/**
 * Checks that so many bits of a member lie within the struct.
 *
 * @throws {BtfError} if they do not.
 */
export function checkPlace(
  table: TypeTable,
  owner: BtfStruct,
  { bitOffset }: BtfMember,
  index: number,
  size: number,
): void {
  if (bitOffset + size > owner.size * 8) {
    throw wrongMember(
      table,
      owner,
      index,
      `must end within its ${owner.size} bytes: it has ${size} bits from bit ${bitOffset} on`,
    );
  }
}

/** The error for a member that cannot be. */
export function wrongMember(
  table: TypeTable,
  owner: BtfStruct,
  index: number,
  problem: string,
): BtfError {
  const name = owner.members[index]!.name || `number ${index + 1}`;
  return new BtfError(
    `The member ${name} of ${titleOf(owner)} ${problem}`,
    placeOfMember(table, owner.id, index),
  );
}
