/** Which variables an object has, and where they lie. */

import type { Btf } from "../../../btf/btf.ts";
import type { BtfVar } from "../../../btf/types.ts";
import { BtfError, InvalidObjectError } from "../../../errors.ts";
import { flexibleTailOf } from "../../../layout/model/types.ts";
import { array } from "../../../layout/language/array.ts";
import { u8 } from "../../../layout/language/scalars.ts";
import type { Type } from "../../../layout/static.ts";
import type { Elf } from "../file_check/elf.ts";

/** A variable, as the object file tells of it. */
export interface Declaration {
  /** Its name in C. */
  readonly name: string;
  /** The section that it is in: `".bss"`. */
  readonly section: string;
  /** Where in the section it begins, in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly size: number;
  /** Whether other files can see it: no `static`. */
  readonly global: boolean;
  /** Its type; bytes where nothing tells. @throws {BtfError} if it has none. */
  type(): Type;
}

/** A section whose variables are wanted, and its size in bytes. */
export type SectionSizes = ReadonlyMap<string, number>;

/**
 * The variables of sections, by BTF; by the table of symbols, which knows of no
 * types, without.
 *
 * @throws {InvalidObjectError} if one does not lie within its section.
 */
export function declarationsIn(
  elf: Elf,
  btf: Btf | undefined,
  sections: SectionSizes,
): Declaration[] {
  const found = btf === undefined
    ? fromSymbols(elf, sections)
    : fromBtf(btf, sections);
  for (const { name, section, offset, size } of found) {
    const room = sections.get(section)!;
    if (offset + size > room) {
      throw new InvalidObjectError(
        `The variable ${name} must lie within the ${room} bytes of ${section}: it takes ${size} bytes from ${offset} on`,
      );
    }
  }
  return found;
}

function fromBtf(btf: Btf, sections: SectionSizes): Declaration[] {
  const found: Declaration[] = [];
  for (const section of btf) {
    if (section.kind !== "datasec" || !sections.has(section.name)) continue;
    for (const { type: id, offset, size } of section.variables) {
      const variable = btf.type(id);
      if (variable.kind !== "var") continue;
      found.push({
        name: variable.name,
        section: section.name,
        offset,
        size,
        global: variable.linkage !== "static",
        type: () => typeOf(btf, variable, size),
      });
    }
  }
  return found;
}

function typeOf(btf: Btf, { id, name }: BtfVar, size: number): Type {
  const type = btf.layout(id);
  // A flexible array that is initialized makes a variable larger than its type.
  if (
    type.size > size ||
    (type.size < size && flexibleTailOf(type) === undefined)
  ) {
    throw new BtfError(
      `The variable ${name} must have the ${type.size} bytes of its type: it has ${size}`,
    );
  }
  return type;
}

/** `linux/elf.h` */
const STT_OBJECT = 1;
const STB_LOCAL = 0;

function fromSymbols(elf: Elf, sections: SectionSizes): Declaration[] {
  return elf.symbols
    .filter(({ kind, size, name }) =>
      kind === STT_OBJECT && size > 0 && name !== ""
    )
    .map(({ name, section, value, size, binding }) => ({
      name,
      section: elf.sections[section]?.name ?? "",
      offset: value,
      size,
      global: binding !== STB_LOCAL,
      type: () => array(u8, size) as unknown as Type,
    }))
    .filter(({ section }) => sections.has(section));
}
