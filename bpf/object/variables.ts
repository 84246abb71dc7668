/** The variables of an object file. */

import type { Btf } from "../../btf/btf.ts";
import { InvalidObjectError } from "../../errors.ts";
import { array } from "../../layout/language/array.ts";
import { u8 } from "../../layout/language/scalars.ts";
import type { Type } from "../../layout/static.ts";
import { Declaration, declarationsOf } from "../variable/declarations.ts";
import { VariableNames } from "../variable/names.ts";
import type { Elf } from "./file_check/elf.ts";

/** A section whose variables are wanted. */
export interface Section {
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
}

type SectionSizes = ReadonlyMap<string, number>;

/**
 * The variables of sections, by BTF; by the table of symbols, which knows of no
 * types, without.
 *
 * @throws {InvalidObjectError} if one does not lie within its section.
 */
export function variablesIn(
  elf: Elf,
  btf: Btf | undefined,
  sections: readonly Section[],
): VariableNames {
  const sizes = new Map(sections.map(({ name, size }) => [name, size]));
  const found = btf === undefined
    ? fromSymbols(elf, sizes)
    : [...btf].flatMap((section) =>
      section.kind === "datasec" && sizes.has(section.name)
        ? declarationsOf(btf, section)
        : []
    );
  for (const { name, section, offset, size } of found) {
    const room = sizes.get(section)!;
    if (offset + size > room) {
      throw new InvalidObjectError(
        `The variable ${name} must lie within the ${room} bytes of ${section}: it takes ${size} bytes from ${offset} on`,
      );
    }
  }
  return new VariableNames(found);
}

/** `linux/elf.h` */
const STT_OBJECT = 1;
const STB_LOCAL = 0;

function fromSymbols(elf: Elf, sizes: SectionSizes): Declaration[] {
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
    .filter(({ section }) => sizes.has(section));
}
