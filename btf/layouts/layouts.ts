/** Makes types of the layout language of types of BTF. */

import { BtfError } from "../../errors.ts";
import { array } from "../../layout/language/array.ts";
import { structPlacedElsewhere } from "../../layout/model/placed_struct.ts";
import { flexibleTailOf, type Member } from "../../layout/model/types.ts";
import { text } from "../../layout/language/text.ts";
import type { Type } from "../../layout/static.ts";
import { declare } from "../format/c_text.ts";
import { decode } from "../format/decode.ts";
import type { Maker } from "./maker.ts";
import { MemberList } from "./members.ts";
import { variablesOf } from "./section_variables.ts";
import {
  hasLayout,
  MOST_DEPTH,
  placeOf,
  type Resolved,
  resolveType,
  sizeOfType,
  titleOf,
  tooDeep,
} from "../format/resolve.ts";
import {
  ANONYMOUS,
  isCharacter,
  layoutOfEnum,
  layoutOfFloat,
  layoutOfInt,
} from "./scalars.ts";
import type { TypeTable } from "../format/type_table.ts";
import { pointerType } from "../pointer_type.ts";
import type {
  BtfArray,
  BtfDatasec,
  BtfPtr,
  BtfStruct,
  BtfType,
} from "../types.ts";

/** As many as a struct of the layout language may have. */
const MOST_MEMBERS = 10_000;
/**
 * The number of members that one layout may take in all, those of nested types
 * too.
 */
const MOST_WORK = 200_000;

/**
 * The layouts of the types of one table, each made once.
 *
 * A struct that ends in a flexible array has two: with the array open, and, for
 * where something follows it, closed to a length of 0.
 */
export class Layouts {
  readonly #table: TypeTable;
  readonly #open = new Map<number, Type>();
  readonly #closed = new Map<number, Type>();
  /** The types that are being made, which must not be part of themselves. */
  readonly #under = new Set<number>();
  #work = 0;

  readonly #base: Layouts | undefined;

  readonly #recallOpen = (id: number) => this.#recall(id, true);
  readonly #recallClosed = (id: number) => this.#recall(id, false);

  readonly #maker: Maker;

  /** Makes layouts of the types of this table; its base's types are its base's. */
  constructor(table: TypeTable, base: Layouts | undefined) {
    this.#table = table;
    this.#base = base;
    this.#maker = {
      table,
      make: (id, open) => this.#make(id, open),
      spend: (work, id) => this.#spend(work, id),
    };
  }

  /**
   * The layout of a type.
   *
   * @throws {BtfError} if it has none.
   */
  of(id: number): Type {
    return this.#start(id, true);
  }

  #begin(): void {
    this.#work = 0;
    this.#under.clear();
  }

  #start(id: number, open: boolean): Type {
    this.#begin();
    return this.#make(id, open);
  }

  #make(id: number, open: boolean): Type {
    const resolved = resolveType(this.#table, id);
    const { type, typedefs } = resolved;
    if (type.kind === "int") return layoutOfInt(type, typedefs);
    if (type.kind === "float") return layoutOfFloat(type, typedefs);
    // What could have a name and has none goes by that of its typedef.
    const key = type.name === "" && type.kind !== "ptr" && type.kind !== "array"
      ? typedefs.at(-1)?.id ?? type.id
      : type.id;
    if (key < this.#table.firstId && this.#base !== undefined) {
      return this.#base.#start(key, open);
    }
    const made = this.#open.get(key) ?? this.#makeNew(resolved, true);
    this.#open.set(key, made);
    if (open || flexibleTailOf(made) === undefined) return made;
    const closed = this.#closed.get(key) ?? this.#makeNew(resolved, false);
    this.#closed.set(key, closed);
    return closed;
  }

  #makeNew(resolved: Resolved, open: boolean): Type {
    const { type } = resolved;
    if (this.#under.has(type.id)) {
      throw new BtfError(
        `A type must not contain itself: ${titleOf(type)} does`,
        placeOf(this.#table, type.id),
      );
    }
    if (this.#under.size > MOST_DEPTH) throw tooDeep(this.#table, type.id);
    this.#under.add(type.id);
    const made = this.#translate(resolved, open);
    this.#under.delete(type.id);
    return made;
  }

  #translate({ type, typedefs }: Resolved, open: boolean): Type {
    const name = type.name || typedefs.at(-1)?.name || ANONYMOUS;
    switch (type.kind) {
      case "enum":
      case "enum64":
        this.#spend(type.members.length, type.id);
        return layoutOfEnum(type, name);
      case "ptr":
        return this.#pointer(type);
      case "array":
        return this.#array(type, open);
      case "struct":
      case "union":
        return this.#aggregate(type, name, open);
      case "datasec":
        return this.#section(type);
      default:
        throw this.#withoutSize(type);
    }
  }

  #withoutSize(type: BtfType): BtfError {
    return new BtfError(
      `A layout must be of something that has a size: ${
        titleOf(type)
      } has none`,
      placeOf(this.#table, type.id),
    );
  }

  #spend(work: number, id: number): void {
    this.#work += work;
    if (this.#work > MOST_WORK) {
      throw new BtfError(
        `A layout must have at most ${MOST_WORK} members, those of nested types too`,
        placeOf(this.#table, id),
      );
    }
  }

  #pointer({ id, type: target }: BtfPtr): Type {
    this.#spend(1, id);
    const name = declare(this.#table, id);
    return pointerType(name, target, () => {
      const { type } = resolveType(this.#table, target);
      return hasLayout(type) ? this.of(target) : undefined;
    });
  }

  #array(type: BtfArray, open: boolean): Type {
    const { id, length } = type;
    this.#spend(1, id);
    const element = resolveType(this.#table, type.element).type;
    if (sizeOfType(this.#table, id) === undefined) {
      throw this.#withoutSize(element);
    }
    if (element.kind === "int" && isCharacter(element) && length > 0) {
      return text(length);
    }
    const made = this.#make(type.element, false);
    // There is nothing to be had from values without a size, however many.
    if (made.size === 0) return array(made, 0);
    return open && length === 0 ? array(made) : array(made, length);
  }

  #aggregate(type: BtfStruct, name: string, open: boolean): Type {
    const list = new MemberList(this.#maker);
    const align = list.add(type, 0, open);
    const { members } = list;
    if (members.length > MOST_MEMBERS) {
      throw new BtfError(
        `A struct must have at most ${MOST_MEMBERS} members, those of anonymous members too: ${
          titleOf(type)
        } has ${members.length}`,
        placeOf(this.#table, type.id),
      );
    }
    return structPlacedElsewhere({
      kind: type.kind,
      name,
      members,
      recall: open ? this.#recallOpen : this.#recallClosed,
      id: type.id,
      size: type.size,
      align,
    });
  }

  /** The members of a struct or union that was made before. */
  #recall(id: number, open: boolean): readonly Member[] {
    this.#begin();
    const type = decode(this.#table, id) as BtfStruct;
    const list = new MemberList(this.#maker);
    list.add(type, 0, open);
    // Without the room for more that adding one by one has left.
    return list.members.slice();
  }

  readonly #recallSection = (id: number): readonly Member[] => {
    this.#begin();
    const section = decode(this.#table, id) as BtfDatasec;
    return variablesOf(this.#maker, section).members;
  };

  /** The variables of a section, as a struct. */
  #section(type: BtfDatasec): Type {
    const { members, align } = variablesOf(this.#maker, type);
    if (members.length > MOST_MEMBERS) {
      throw new BtfError(
        `A section must have at most ${MOST_MEMBERS} variables: ${
          titleOf(type)
        } has ${members.length}`,
        placeOf(this.#table, type.id),
      );
    }
    const { id, name, size } = type;
    return structPlacedElsewhere({
      kind: "struct",
      name: name || ANONYMOUS,
      members,
      recall: this.#recallSection,
      id,
      size,
      align,
    });
  }
}
