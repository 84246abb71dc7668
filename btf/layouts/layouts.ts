/** Makes types of the layout language of types of BTF. */

import { BtfError } from "../../errors.ts";
import { array } from "../../layout/language/array.ts";
import { bits } from "../../layout/language/bits.ts";
import { structPlacedElsewhere } from "../../layout/model/placed_struct.ts";
import {
  type AnyType,
  flexibleTailOf,
  type Member,
} from "../../layout/model/types.ts";
import { text } from "../../layout/language/text.ts";
import type { Type } from "../../layout/static.ts";
import { declare } from "../format/c_text.ts";
import { decode } from "../format/decode.ts";
import { checkPlace, lastOf, wrongMember } from "./member_checks.ts";
import { MemberNames } from "./member_names.ts";
import {
  hasLayout,
  MOST_DEPTH,
  placeOf,
  placeOfMember,
  type Resolved,
  resolveType,
  sizeOfType,
  titleOf,
  tooDeep,
} from "../format/resolve.ts";
import {
  ANONYMOUS,
  bytesOf,
  integerLike,
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
  BtfMember,
  BtfPtr,
  BtfStruct,
  BtfType,
} from "../types.ts";

/** As many as a struct of the layout language may have. */
const MOST_MEMBERS = 10_000;
/** How many members one layout may take in all, those of nested types too. */
const MOST_WORK = 200_000;

/** What a struct is made of while it is being made. */
interface Parts {
  readonly members: Member[];
  readonly names: MemberNames;
}

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

  /** Makes layouts of the types of this table; its base's types are its base's. */
  constructor(table: TypeTable, base: Layouts | undefined) {
    this.#table = table;
    this.#base = base;
  }

  /**
   * The layout of a type.
   *
   * @throws {BtfError} If it has none.
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
      case "float":
        return layoutOfFloat(type.size);
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
    const { parts, align } = this.#partsOf(type, open);
    if (parts.members.length > MOST_MEMBERS) {
      throw new BtfError(
        `A struct must have at most ${MOST_MEMBERS} members, those of anonymous members too: ${
          titleOf(type)
        } has ${parts.members.length}`,
        placeOf(this.#table, type.id),
      );
    }
    return structPlacedElsewhere({
      kind: type.kind,
      name,
      members: parts.members,
      recall: open ? this.#recallOpen : this.#recallClosed,
      id: type.id,
      size: type.size,
      align,
    });
  }

  #partsOf(
    type: BtfStruct,
    open: boolean,
  ): { readonly parts: Parts; readonly align: number } {
    const parts: Parts = { members: [], names: new MemberNames() };
    const align = this.#addMembers(type, 0, open, parts, 0);
    return { parts, align };
  }

  /** The members of a struct or union that was made before. */
  #recall(id: number, open: boolean): readonly Member[] {
    this.#begin();
    const type = decode(this.#table, id) as BtfStruct;
    // Without the room for more that adding one by one has left.
    return this.#partsOf(type, open).parts.members.slice();
  }

  /**
   * Adds the members of a struct or union, and for anonymous ones theirs.
   *
   * @param base Where it begins in the struct that they are added to, in bits.
   * @param open Whether it is the end of that struct, and may have one.
   * @returns Its alignment in bytes.
   */
  #addMembers(
    type: BtfStruct,
    base: number,
    open: boolean,
    parts: Parts,
    depth: number,
  ): number {
    if (depth > MOST_DEPTH) throw tooDeep(this.#table, type.id);
    this.#spend(type.members.length + 1, type.id);
    const last = type.kind === "struct"
      ? lastOf(this.#table, type)
      : () => true;
    let align = 1;
    let packed = false;
    for (const [index, member] of type.members.entries()) {
      const own = this.#addMember(
        type,
        member,
        index,
        base,
        open && last(index),
        parts,
        depth,
      );
      align = Math.max(align, own);
      packed ||= member.bitSize === undefined &&
        member.bitOffset % (own * 8) !== 0;
    }
    // As libbpf has it (btf__align_of): a compiler that was not told to pack
    // aligns all members, and the size.
    return packed || type.size % align !== 0 ? 1 : align;
  }

  /** Adds a member; returns its alignment in bytes. */
  #addMember(
    owner: BtfStruct,
    member: BtfMember,
    index: number,
    base: number,
    open: boolean,
    parts: Parts,
    depth: number,
  ): number {
    const { type } = resolveType(this.#table, member.type);
    const width = member.bitSize ??
      (type.kind === "int" && type.bits < type.size * 8
        ? type.bits
        : undefined);
    if (width !== undefined) {
      return this.#addBits(owner, member, index, base, width, parts);
    }
    const size = sizeOfType(this.#table, member.type);
    if (size === undefined) {
      throw wrongMember(
        this.#table,
        owner,
        index,
        `must have a size: ${titleOf(type)} has none`,
      );
    }
    checkPlace(this.#table, owner, member, index, size * 8);
    if (member.bitOffset % 8 !== 0) {
      throw wrongMember(
        this.#table,
        owner,
        index,
        `must begin at a byte: it begins at bit ${member.bitOffset}`,
      );
    }
    const offset = base + member.bitOffset;
    if (member.name !== "") {
      const made = this.#make(member.type, open);
      parts.members.push({
        name: parts.names.next(member.name),
        type: made as AnyType,
        offset: offset / 8,
        bit: undefined,
      });
      return made.align;
    }
    if (type.kind === "struct" || type.kind === "union") {
      return this.#addMembers(type, offset, open, parts, depth + 1);
    }
    return 1; // Padding: C has no other members without a name.
  }

  #addBits(
    owner: BtfStruct,
    member: BtfMember,
    index: number,
    base: number,
    width: number,
    parts: Parts,
  ): number {
    const { type } = resolveType(this.#table, member.type);
    if (
      type.kind !== "int" && type.kind !== "enum" && type.kind !== "enum64"
    ) {
      throw wrongMember(
        this.#table,
        owner,
        index,
        `must be of an integer or enumeration, as a bit-field: ${
          titleOf(type)
        } is none`,
      );
    }
    const shift = type.kind === "int" && member.bitSize === undefined
      ? type.bitOffset
      : 0;
    checkPlace(this.#table, owner, member, index, shift + width);
    if (width === 0 || width > type.size * 8) {
      throw wrongMember(
        this.#table,
        owner,
        index,
        `must have from 1 to ${type.size * 8} bits: it has ${width}`,
      );
    }
    const unit = type.kind === "int"
      ? integerLike(type)
      : this.#make(member.type, false) as ReturnType<typeof layoutOfEnum>;
    // Nothing in the language is 16 bytes wide: such bits are not reachable.
    const reachable = unit !== undefined && unit.kind !== "array" &&
      !(unit.kind === "bool" && width > 1);
    if (!reachable || member.name === "") return Math.min(type.size, 8);
    const bit = base + member.bitOffset + shift;
    parts.members.push({
      name: parts.names.next(member.name),
      type: bits(unit, width),
      offset: Math.floor(bit / 8),
      bit,
    });
    return unit.align;
  }

  readonly #recallSection = (id: number): readonly Member[] => {
    this.#begin();
    return this.#variables(decode(this.#table, id) as BtfDatasec).members;
  };

  /** The variables of a section, as a struct. */
  #section(type: BtfDatasec): Type {
    const { members, align } = this.#variables(type);
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

  #variables(
    type: BtfDatasec,
  ): { readonly members: Member[]; readonly align: number } {
    this.#spend(type.variables.length + 1, type.id);
    const names = new MemberNames();
    const members: Member[] = [];
    let align = 1;
    for (const [index, variable] of type.variables.entries()) {
      const { name } = decode(this.#table, variable.type);
      const target = resolveType(this.#table, variable.type).type;
      const size = sizeOfType(this.#table, variable.type);
      if (name === "" || size === undefined) continue; // A function, or extern.
      if (variable.offset + size > type.size) {
        throw new BtfError(
          `The variable ${name} of ${
            titleOf(type)
          } must end within its ${type.size} bytes: it has ${size} bytes from ${variable.offset} on${
            type.size === 0 ? "; sections have no sizes before linking" : ""
          }`,
          placeOfMember(this.#table, type.id, index),
        );
      }
      const made = hasLayout(target)
        ? this.#make(variable.type, false)
        : bytesOf(size);
      if (variable.offset % made.align === 0) {
        align = Math.max(align, made.align);
      }
      members.push({
        name: names.next(name),
        type: made as AnyType,
        offset: variable.offset,
        bit: undefined,
      });
    }
    return { members, align };
  }
}
