/** The pieces of types, for languages that have to be told every byte. */

import { InvalidTypeError } from "../../errors.ts";
import { bitsOf } from "../../layout/model/extents.ts";
import {
  aggregateOf,
  type AnyType,
  type Member,
  originOf,
} from "../../layout/model/types.ts";
import type {
  Bits,
  Enumeration,
  StructType,
  Type,
  UnionType,
} from "../../layout/mod.ts";

/** A type that other languages know by its name. */
export type NamedType = StructType | UnionType | Enumeration;

/** Tests whether it is known by its name. */
export function isNamed(type: AnyType): type is NamedType {
  const { kind } = type;
  return kind === "struct" || kind === "union" || kind === "enumeration";
}

/**
 * The structs, unions and enumerations that types are made of, each once and
 * behind those that it is made of.
 */
export function namedTypesIn(types: Iterable<Type>): readonly NamedType[] {
  const seen = new Set<AnyType>();
  const found: NamedType[] = [];
  function visit(type: Type): void {
    const origin = originOf(type);
    if (seen.has(origin)) return;
    seen.add(origin);
    switch (origin.kind) {
      case "array":
        return visit(origin.element);
      case "atomic":
      case "bits":
        return visit(origin.base);
      case "enumeration":
        found.push(origin);
        return;
      case "struct":
      case "union":
        for (const { type } of aggregateOf(origin).members) visit(type);
        found.push(origin);
    }
  }
  for (const type of types) visit(type);
  return found;
}

/** A bit-field within some bytes. */
export interface PieceBits {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: Bits;
  /** Its first bit, from the first of the bytes. */
  readonly shift: number;
}

/** A stretch of a struct, or a member of a union. */
export interface Piece {
  /** Its name; one that no field has where it is no field. */
  readonly name: string;
  /** Its offset in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly size: number;
  /** The field's type; undefined for bytes that are no field, or bit-fields. */
  readonly type: AnyType | undefined;
  /** The bit-fields in it. */
  readonly bits: readonly PieceBits[];
}

/**
 * A struct as pieces that follow each other without a gap, or a union as its
 * members, with one for all of its size. Bit-fields are pieces of bytes, with
 * those whose bytes they share.
 *
 * @throws {InvalidTypeError} if fields of a struct share bytes, or a member of a
 * union is not at its begin.
 */
export function piecesOf(type: StructType | UnionType): readonly Piece[] {
  const { members } = aggregateOf(type);
  return type.kind === "struct"
    ? new StructPieces(type, members).pieces
    : unionPieces(type, members);
}

/** A name that ends like this and nothing has yet. */
export function unusedName(
  wanted: string,
  taken: readonly { readonly name: string }[],
): string {
  let name = wanted;
  while (taken.some((other) => other.name === name)) name = `_${name}`;
  return name;
}

class StructPieces {
  readonly pieces: Piece[] = [];
  readonly #type: StructType;
  readonly #members: readonly Member[];
  /** The offset of the next piece, in bytes. */
  #end = 0;

  constructor(type: StructType, members: readonly Member[]) {
    this.#type = type;
    this.#members = members;
    for (let index = 0; index < members.length;) index += this.#add(index);
    this.#fill(type.size);
  }

  /** Adds the piece that a member is in; returns how many members are. */
  #add(index: number): number {
    const member = this.#members[index]!;
    if (member.bit !== undefined) return this.#addBits(index);
    const { name, type, offset } = member;
    if (type.kind === "padding") return 1;
    this.#fill(offset, name);
    this.pieces.push({ name, offset, size: type.size, type, bits: [] });
    this.#end = offset + type.size;
    return 1;
  }

  /** Adds the bit-fields that follow each other up to one that begins a byte. */
  #addBits(index: number): number {
    const run: Member[] = [];
    let end = 0;
    for (const member of this.#members.slice(index)) {
      const { bit } = member;
      if (bit === undefined) break;
      if (run.length > 0 && (bit < end || bit % 8 === 0)) break;
      run.push(member);
      [, end] = bitsOf(member);
    }
    const named = run.filter(({ type }) => type.kind !== "padding");
    if (named.length === 0) return run.length;
    const offset = Math.floor(named[0]!.bit! / 8);
    const [, last] = bitsOf(named.at(-1)!);
    const size = Math.ceil(last / 8) - offset;
    this.#fill(offset, named[0]!.name);
    this.pieces.push({
      name: this.#name("_bits"),
      offset,
      size,
      type: undefined,
      bits: named.map((member) => placedBits(member, offset)),
    });
    this.#end = offset + size;
    return run.length;
  }

  /** Fills up to an offset in bytes. */
  #fill(offset: number, next?: string): void {
    const size = offset - this.#end;
    if (size < 0) {
      throw new InvalidTypeError(
        `${this.#type.name}.${next}: A field that shares bytes with another cannot be written in other languages: it must be in a union`,
      );
    }
    if (size === 0) return;
    const name = this.#name("_gap");
    this.pieces.push({
      name,
      offset: this.#end,
      size,
      type: undefined,
      bits: [],
    });
  }

  #name(begin: string): string {
    const taken = [...this.#members, ...this.pieces];
    const count = this.pieces.filter(({ name }) => name.startsWith(begin));
    return unusedName(`${begin}${count.length}`, taken);
  }
}

function placedBits({ name, type, bit }: Member, offset: number): PieceBits {
  return { name, type: type as Bits, shift: bit! - offset * 8 };
}

function unionPieces(type: UnionType, members: readonly Member[]): Piece[] {
  const named = members.filter(({ type }) => type.kind !== "padding");
  const pieces = named.map((member, index): Piece => {
    const { name, offset, type: own } = member;
    const [start, end] = bitsOf(member);
    if (start >= 8) {
      throw new InvalidTypeError(
        `${type.name}.${name}: A member of a union that does not begin where the union does cannot be written in other languages`,
      );
    }
    if (member.bit === undefined) {
      return { name, offset, size: own.size, type: own, bits: [] };
    }
    return {
      name: unusedName(`_bits${index}`, members),
      offset: 0,
      size: Math.ceil(end / 8),
      type: undefined,
      bits: [placedBits(member, 0)],
    };
  });
  const name = unusedName("_all", members);
  const { size } = type;
  return [...pieces, { name, offset: 0, size, type: undefined, bits: [] }];
}
