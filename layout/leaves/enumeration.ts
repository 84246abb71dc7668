/** Integers with names. */

import { cName } from "./c_name.ts";
import type { IntegerLeaf } from "./integers.ts";
import { LaneLeaf } from "./leaf.ts";

/** C's `enum name`: values are those of the integer in memory. */
export function enumerationLeaf(base: IntegerLeaf, name: string): LaneLeaf {
  return new LaneLeaf({
    ...base.conversion,
    isNative: false,
    declarator: { base: `enum ${cName(name)}`, suffix: "" },
    zero: undefined,
  });
}
