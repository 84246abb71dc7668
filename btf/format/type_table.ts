/** The offsets and the names of the types of BTF. */

import { BtfError } from "../../errors.ts";
import { hashOf, NameIndex } from "./name_index.ts";
import { readSections, type Sections } from "./sections.ts";

/** The number of each kind (`linux/btf.h`). */
export const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const;

/** The number of words that follow the three of every type, by kind. */
const FIXED = [0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
/** The number of words that each of its members takes, by kind. */
const EACH = [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3];

/** Reads the kind from the second word of a type. */
export function kindIn(info: number): number {
  // Seven bits since Linux 7; five before, when the others were zero.
  return info >>> 24 & 0x7f;
}

/** Reads the number of members from the second word of a type. */
export function countIn(info: number): number {
  // 24 bits since Linux 7; 16 before, when the others were zero.
  return info & 0xffffff;
}

/**
 * Reads a flag, whose meaning depends on the kind, from the second word of a
 * type.
 */
export function flagIn(info: number): boolean {
  return info >>> 31 === 1;
}

/** Names longer than this are no names: the kernel takes 511 bytes. */
const LONGEST_NAME = 1024;

/** The types and names of one file of BTF, behind those that it builds on. */
export class TypeTable {
  /** The table that this one builds on. */
  readonly base: TypeTable | undefined;
  /** The id of its first type. */
  readonly firstId: number;
  /** The id after its last type. */
  readonly endId: number;
  readonly #firstString: number;
  readonly #endString: number;
  readonly #sections: Sections;
  /** The offset of each of its types, in words. */
  readonly #starts: Uint32Array;
  #functionNames: NameIndex | undefined;
  #otherNames: NameIndex | undefined;

  /** Finds all types, and checks that each is whole. */
  constructor(bytes: Uint8Array, base: TypeTable | undefined) {
    this.base = base;
    this.#sections = readSections(bytes, base !== undefined);
    this.#starts = startsIn(this.#sections);
    this.firstId = base?.endId ?? 1;
    this.endId = this.firstId + this.#starts.length;
    this.#firstString = base === undefined ? 0 : base.#endString;
    this.#endString = this.#firstString +
      this.#sections.strings.length;
  }

  /** The table that a type is in: this one, or one that it builds on. */
  ownerOf(id: number): TypeTable {
    // deno-lint-ignore no-this-alias
    let table: TypeTable = this;
    while (id < table.firstId) table = table.base!;
    return table;
  }

  /** Finds the offset of a type of this table, in words. */
  startOf(id: number): number {
    return this.#starts[id - this.firstId]!;
  }

  /** A word of the types of this table. */
  word(at: number): number {
    return this.#sections.words[at]!;
  }

  /** The offset in bytes of a word, for errors. */
  offsetOf(at: number): number {
    return this.#sections.wordsAt + at * 4;
  }

  /**
   * A word that is a type's id.
   *
   * @throws {BtfError} if there is no such type.
   */
  idAt(at: number): number {
    const id = this.word(at);
    if (id >= this.endId) {
      throw new BtfError(
        `The id of a type must be less than ${this.endId}: it is ${id}`,
        this.offsetOf(at),
      );
    }
    return id;
  }

  /**
   * The name whose offset a word holds.
   *
   * @throws {BtfError} if there is no such name.
   */
  nameAt(at: number): string {
    const offset = this.word(at);
    if (offset === 0) return "";
    if (offset >= this.#endString) {
      throw new BtfError(
        `A name must begin within the ${this.#endString} bytes of names: it begins at ${offset}`,
        this.offsetOf(at),
      );
    }
    // deno-lint-ignore no-this-alias
    let table: TypeTable = this;
    while (offset < table.#firstString) table = table.base!;
    const { strings, stringsAt } = table.#sections;
    return textAt(strings, offset - table.#firstString, stringsAt);
  }

  /**
   * The ids of the types of a name, those that it builds on first. Functions
   * are looked up apart: half of the names of a kernel are theirs, and who asks
   * for a struct need not wait until they are indexed.
   */
  idsNamed(name: string, functions: boolean): number[] {
    const tables: TypeTable[] = [];
    for (
      // deno-lint-ignore no-this-alias
      let table: TypeTable | undefined = this;
      table !== undefined;
      table = table.base
    ) tables.push(table);
    return tables.reverse().flatMap((table) =>
      table.#ownIdsNamed(name, functions)
    );
  }

  #ownIdsNamed(name: string, functions: boolean): number[] {
    const names = functions
      ? this.#functionNames ??= new NameIndex(this.#hashes(true))
      : this.#otherNames ??= new NameIndex(this.#hashes(false));
    return names.candidates(name)
      .filter((index) => this.nameAt(this.#starts[index]!) === name)
      .map((index) => index + this.firstId);
  }

  /** The hash of each name of a function, or of another type; 0 for the rest. */
  #hashes(functions: boolean): Int32Array {
    const { words, strings } = this.#sections;
    const starts = this.#starts;
    const firstString = this.#firstString;
    const hashes = new Int32Array(starts.length);
    for (let index = 0; index < starts.length; index++) {
      const start = starts[index]!;
      const offset = words[start]!;
      const isFunction = kindIn(words[start + 1]!) === KIND.func;
      if (offset === 0 || isFunction !== functions) continue;
      hashes[index] = offset >= firstString
        ? hashOf(strings, offset - firstString)
        : this.base!.#hashAt(offset);
    }
    return hashes;
  }

  #hashAt(offset: number): number {
    // deno-lint-ignore no-this-alias
    let table: TypeTable = this;
    while (offset < table.#firstString) table = table.base!;
    return hashOf(table.#sections.strings, offset - table.#firstString);
  }
}

/** Finds the offset of each type, in words. */
function startsIn({ words, wordsAt }: Sections): Uint32Array {
  const length = words.length;
  const starts = new Uint32Array(Math.floor(length / 3));
  let count = 0;
  let at = 0;
  while (at + 3 <= length) {
    const info = words[at + 1]!;
    const kind = info >>> 24 & 0x7f;
    const each = EACH[kind];
    if (each === undefined || kind === 0) {
      throw new BtfError(
        `The kind of a type must be from 1 to ${
          EACH.length - 1
        }: that of type ${count + 1} of this BTF is ${kind}`,
        wordsAt + (at + 1) * 4,
      );
    }
    starts[count++] = at;
    at += 3 + FIXED[kind]! + each * (info & 0xffffff);
  }
  if (at !== length) {
    throw new BtfError(
      `The last type must end with the types, at ${
        length * 4
      } bytes: it ends at ${Math.max(at, length) * 4}`,
      wordsAt + Math.min(at, starts[count - 1] ?? 0) * 4,
    );
  }
  return new Uint32Array(starts.buffer, 0, count);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Up to this length one call on plain bytes is faster than a decoder. */
const SHORT_NAME = 64;

function textAt(
  strings: Uint8Array,
  start: number,
  stringsAt: number,
): string {
  let end = start;
  let all = 0;
  for (let byte = strings[end]!; byte !== 0; byte = strings[++end]!) {
    all |= byte;
    if (end - start > LONGEST_NAME) break;
  }
  if (end - start > LONGEST_NAME) {
    throw new BtfError(
      `A name must have at most ${LONGEST_NAME} bytes: this one has more`,
      stringsAt + start,
    );
  }
  const bytes = strings.subarray(start, end);
  return all < 0x80 && bytes.length <= SHORT_NAME
    ? String.fromCharCode.apply(undefined, bytes as unknown as number[])
    : decoder.decode(bytes);
}
