/** Types of BTF, whatever they are called and qualified by. */

import type { Btf } from "../../btf/btf.ts";
import type { BtfType } from "../../btf/types.ts";

/** A type without typedefs and qualifiers. */
export function plainType(btf: Btf, id: number): BtfType {
  let type = btf.type(id);
  while (
    type.kind === "typedef" || type.kind === "const" ||
    type.kind === "volatile" || type.kind === "restrict" ||
    type.kind === "type_tag"
  ) {
    type = btf.type(type.type);
  }
  return type;
}
