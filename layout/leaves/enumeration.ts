/** Integers with names. */

import { show } from "../../base/show.ts";
import type { Enumeration } from "../static.ts";
import { cName } from "./c_name.ts";
import type { Check } from "./checks.ts";
import type { IntegerLeaf } from "./integers.ts";
import { LaneLeaf } from "./leaf.ts";

/** The most members that an error message names. */
const NAMED_MAX = 8;

/** C's `enum name`: values are those of the integer in memory. */
export function enumerationLeaf(
  base: IntegerLeaf,
  { name, members }: Pick<Enumeration, "name" | "members">,
): LaneLeaf {
  return new LaneLeaf({
    ...base.conversion,
    check: checkMember(name, members, base.conversion.check),
    isNative: false,
    declarator: { base: `enum ${cName(name)}`, suffix: "" },
    zero: undefined,
  });
}

/** A check that tells who stores a member's name what the members are. */
function checkMember(
  name: string,
  members: Enumeration["members"],
  checkInteger: Check,
): Check {
  return (value, path) => {
    if (typeof value !== "string") return checkInteger(value, path);
    const all = Object.entries(members)
      .map(([member, number]) => `${member} = ${show(number)}`);
    const named = all.slice(0, NAMED_MAX).join(", ");
    throw new TypeError(
      `Cannot store ${
        show(value)
      } as ${path}: must be the number of a member of ${name}: ${named}${
        all.length > NAMED_MAX ? " and so on" : ""
      }`,
    );
  };
}
