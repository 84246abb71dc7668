/** The members of structs and unions, as the layout language has them. */

import { bits } from "../../layout/language/bits.ts";
import type { AnyType, Member } from "../../layout/model/types.ts";
import {
  MOST_DEPTH,
  resolveType,
  sizeOfType,
  titleOf,
  tooDeep,
} from "../format/resolve.ts";
import type { BtfMember, BtfStruct } from "../types.ts";
import type { Maker } from "./maker.ts";
import { checkPlace, lastOf, wrongMember } from "./member_checks.ts";
import { MemberNames } from "./member_names.ts";
import { integerLike, type layoutOfEnum } from "./scalars.ts";

/** Gathers the members of one struct or union, those of anonymous members too. */
export class MemberList {
  /** The members so far. */
  readonly members: Member[] = [];
  readonly #names = new MemberNames();
  readonly #maker: Maker;

  /** Begins a list whose types this maker makes. */
  constructor(maker: Maker) {
    this.#maker = maker;
  }

  /**
   * Adds the members of a struct or union, and for anonymous ones theirs.
   *
   * @param type The struct or union.
   * @param base The offset in bits of its begin in the struct that gets them.
   * @param open True if it ends that struct, and may end in a flexible array.
   * @returns Its alignment in bytes.
   */
  add(
    type: BtfStruct,
    base: number,
    open: boolean,
    depth: number = 0,
  ): number {
    const { table } = this.#maker;
    if (depth > MOST_DEPTH) throw tooDeep(table, type.id);
    this.#maker.spend(type.members.length + 1, type.id);
    const last = type.kind === "struct" ? lastOf(table, type) : () => true;
    let align = 1;
    let packed = false;
    for (const [index, member] of type.members.entries()) {
      const own = this.#addMember(
        type,
        member,
        index,
        base,
        open && last(index),
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
    depth: number,
  ): number {
    const { table } = this.#maker;
    const { type } = resolveType(table, member.type);
    const width = member.bitSize ??
      (type.kind === "int" && type.bits < type.size * 8
        ? type.bits
        : undefined);
    if (width !== undefined) {
      return this.#addBits(owner, member, index, base, width);
    }
    const size = sizeOfType(table, member.type);
    if (size === undefined) {
      throw wrongMember(
        table,
        owner,
        index,
        `must have a size: ${titleOf(type)} has none`,
      );
    }
    checkPlace(table, owner, member, index, size * 8);
    if (member.bitOffset % 8 !== 0) {
      throw wrongMember(
        table,
        owner,
        index,
        `must begin at a byte: it begins at bit ${member.bitOffset}`,
      );
    }
    const offset = base + member.bitOffset;
    if (member.name !== "") {
      const made = this.#maker.make(member.type, open);
      this.members.push({
        name: this.#names.next(member.name),
        type: made as AnyType,
        offset: offset / 8,
        bit: undefined,
      });
      // As libbpf has it, no more than a pointer's: nobody aligns records and map
      // values for `__int128`, whose halves are reached one after the other.
      return Math.min(made.align, 8);
    }
    if (type.kind === "struct" || type.kind === "union") {
      return this.add(type, offset, open, depth + 1);
    }
    return 1; // Padding: C has no other members without a name.
  }

  #addBits(
    owner: BtfStruct,
    member: BtfMember,
    index: number,
    base: number,
    width: number,
  ): number {
    const { table } = this.#maker;
    const { type } = resolveType(table, member.type);
    if (
      type.kind !== "int" && type.kind !== "enum" && type.kind !== "enum64"
    ) {
      throw wrongMember(
        table,
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
    checkPlace(table, owner, member, index, shift + width);
    if (width === 0 || width > type.size * 8) {
      throw wrongMember(
        table,
        owner,
        index,
        `must have from 1 to ${type.size * 8} bits: it has ${width}`,
      );
    }
    const unit = type.kind === "int"
      ? integerLike(type)
      : this.#maker.make(member.type, false) as ReturnType<typeof layoutOfEnum>;
    // There are no bit-fields of `__int128` in the language: they are not reachable.
    const reachable = unit !== undefined && unit.kind !== "array" &&
      !(unit.kind === "bool" && width > 1);
    if (!reachable || member.name === "") return Math.min(type.size, 8);
    const bit = base + member.bitOffset + shift;
    this.members.push({
      name: this.#names.next(member.name),
      type: bits(unit, width),
      offset: Math.floor(bit / 8),
      bit,
    });
    return unit.align;
  }
}
