/** All that pahole says of a file, against the layouts of its BTF. */

import type { Btf } from "../../btf/mod.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { countMembers, differences, type PaholeStruct } from "./_pahole.ts";

/** The findings of a comparison. */
export interface Comparison {
  /** The number of structs and unions that were compared. */
  readonly structs: number;
  /** The number of their members. */
  readonly members: number;
  /** The differences between the two. */
  readonly disagreements: readonly string[];
}

/** Compares what pahole printed with what BTF gives. */
export function compare(btf: Btf, told: readonly PaholeStruct[]): Comparison {
  const disagreements: string[] = [];
  let members = 0;
  for (const struct of told) {
    members += countMembers(struct.members);
    // Types of one name may differ; pahole does not say which it means.
    const found = btf.findAll(struct.name, struct.kind).map(({ id }) =>
      differences(btf.layout(id) as AnyType, struct)
    );
    if (found.length === 0) disagreements.push(`${struct.name}: not found`);
    else if (found.every((list) => list.length > 0)) {
      disagreements.push(...found[0]!);
    }
  }
  return { structs: told.length, members, disagreements };
}
