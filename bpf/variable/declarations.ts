/** Variables of a section, and their places in it. */

import type { Btf } from "../../btf/btf.ts";
import type { BtfDatasec, BtfVar } from "../../btf/types.ts";
import { BtfError } from "../../errors.ts";
import { flexibleTailOf } from "../../layout/model/types.ts";
import type { Type } from "../../layout/static.ts";

/** Facts about a variable. */
interface Facts {
  readonly name: string;
  readonly section: string;
  readonly offset: number;
  readonly size: number;
  readonly global: boolean;
  readonly type: () => Type;
}

/** A variable, as BTF or an object file tells of it. */
export class Declaration {
  /** Its name in C. */
  readonly name: string;
  /** The section that it is in: `".bss"`. */
  readonly section: string;
  /** The offset in the section where it begins, in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly size: number;
  /** True if other files can see it: it is not `static`. */
  readonly global: boolean;
  /** Gives its type; bytes where nothing tells. @throws {BtfError} if it has none. */
  readonly type: () => Type;

  constructor({ name, section, offset, size, global, type }: Facts) {
    this.name = name;
    this.section = section;
    this.offset = offset;
    this.size = size;
    this.global = global;
    this.type = type;
  }
}

/**
 * The variables that a section of BTF has.
 *
 * @param section The section, a type of kind `datasec`.
 */
export function declarationsOf(btf: Btf, section: BtfDatasec): Declaration[] {
  return section.variables.flatMap(({ type: id, offset, size }) => {
    const variable = btf.type(id);
    if (variable.kind !== "var") return [];
    return new Declaration({
      name: variable.name,
      section: section.name,
      offset,
      size,
      global: variable.linkage !== "static",
      type: () => typeOf(btf, variable, size),
    });
  });
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
