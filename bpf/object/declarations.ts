/** The variables of an object file. */

import type { Btf } from "../../btf/btf.ts";
import { InvalidObjectError } from "../../errors.ts";
import { array } from "../../layout/language/array.ts";
import { u8 } from "../../layout/language/scalars.ts";
import type { Type } from "../../layout/static.ts";
import { Declaration, declarationsOf } from "../variable/declarations.ts";
import type { Elf } from "./file_check/elf.ts";

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
    : [...btf].flatMap((section) =>
      section.kind === "datasec" && sections.has(section.name)
        ? declarationsOf(btf, section)
        : []
    );
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

/** `linux/elf.h` */
const STT_OBJECT = 1;
const STB_LOCAL = 0;

function fromSymbols(elf: Elf, sections: SectionSizes): Declaration[] {
  return elf.symbols
    .filter(({ kind, size, name }) =>
      kind === STT_OBJECT && size > 0 && name !== ""
    )
    .map(({ name, section, value, size, binding }) =>
      new Declaration({
        name,
        section: elf.sections[section]?.name ?? "",
        offset: value,
        size,
        global: binding !== STB_LOCAL,
        type: () => array(u8, size) as unknown as Type,
      })
    )
    .filter(({ section }) => sections.has(section));
}
