/** The checks of the definitions of maps that libbpf leaves out. */

import { decode } from "../../../btf/format/decode.ts";
import { resolveType } from "../../../btf/format/resolve.ts";
import type { TypeTable } from "../../../btf/format/type_table.ts";
import type { BtfStruct } from "../../../btf/types.ts";
import { InvalidObjectError } from "../../../errors.ts";

/** `linux/bpf.h` */
const BPF_MAP_TYPE_STRUCT_OPS = 26;

/**
 * Checks the maps of the section `.maps`. For each map of struct_ops libbpf goes
 * to the functions that it found in `.struct_ops`, also if the map was defined
 * elsewhere and has none.
 *
 * @param table Types that were checked.
 * @throws {InvalidObjectError} if a map is defined as one of struct_ops.
 */
export function checkMaps(table: TypeTable): void {
  for (let id = table.firstId; id < table.endId; id++) {
    const section = decode(table, id);
    if (section.kind !== "datasec" || section.name !== ".maps") continue;
    for (const { type } of section.variables) checkMap(table, type);
  }
}

function checkMap(table: TypeTable, id: number): void {
  const variable = decode(table, id);
  const definition = resolveType(table, id).type;
  if (definition.kind !== "struct") return; // libbpf refuses it.
  if (typesOf(table, definition).includes(BPF_MAP_TYPE_STRUCT_OPS)) {
    throw new InvalidObjectError(
      `The map ${variable.name} must be defined in section ".struct_ops" or ".struct_ops.link" to be of type struct_ops: it is in ".maps"`,
    );
  }
}

/** The numbers `N` of `__uint(type, N)`, which is `int (*type)[N]`. */
function typesOf(table: TypeTable, { members }: BtfStruct): number[] {
  return members.filter(({ name }) => name === "type").map((member) => {
    const pointer = resolveType(table, member.type).type;
    const array = pointer.kind === "ptr"
      ? decode(table, pointer.type)
      : pointer;
    return array.kind === "array" ? array.length : 0;
  });
}
