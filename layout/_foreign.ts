/**
 * Structs and unions whose fields were placed by someone else: a compiler that
 * wrote down where it put them.
 */

import { HostLayout } from "./host_layout.ts";
import { type Member, register } from "./_registry.ts";
import type { Fields, StructType, Type, UnionType } from "./types.ts";

/** What is known of a struct or union. */
export interface ForeignAggregate {
  /** Which of the two it is. */
  readonly kind: "struct" | "union";
  /** Its name; not empty. */
  readonly name: string;
  /**
   * Its fields: within its size, no more than a struct may have, and with names
   * that differ and that a struct may use.
   */
  readonly members: readonly Member[];
  /** Its size in bytes. */
  readonly size: number;
  /** Its alignment in bytes; a power of two. */
  readonly align: number;
}

/** The name of the marker's field: no property, so that any name will do. */
const MARKER = "HostLayout";

/**
 * Makes a struct or union as it was told, without placing anything. It counts
 * as marked with `HostLayout`: its layout is a fact, not a wish.
 *
 * @throws {InvalidTypeError} If types nest too deep in it.
 */
export function foreignAggregate(
  { kind, name, members, size, align }: ForeignAggregate,
): StructType | UnionType {
  const fields: [string, Type][] = members.map((member) => [
    member.name,
    member.type,
  ]);
  if (!members.some((member) => member.name === MARKER)) {
    fields.unshift([MARKER, HostLayout]);
  }
  return register<StructType | UnionType>({
    kind,
    name,
    size,
    align,
    fields: Object.freeze(Object.fromEntries(fields)) as Fields,
  }, { aggregate: { members, marked: true, packed: false } });
}
