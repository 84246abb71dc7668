/** The bytes of BTF, as they are put together: `Documentation/bpf/btf.rst`. */

import { InvalidTypeError } from "../../errors.ts";
import { KIND } from "../format/type_table.ts";

const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_SIZE = 24;
/** The most members that a type has room for, before Linux 7. */
const MOST_MEMBERS = 0xffff;

/** A kind of type. */
export type Kind = keyof typeof KIND;

/** Types and names, to which more are added. */
export class Blob {
  readonly #words: number[] = [];
  readonly #names = new Map<string, number>([["", 0]]);
  readonly #encoder = new TextEncoder();
  readonly #strings: Uint8Array[] = [new Uint8Array(1)];
  #stringsSize = 1;
  #types = 0;

  /**
   * Finds the offset of a name among the strings; `""` is for a type without a
   * name.
   */
  name(name: string): number {
    let offset = this.#names.get(name);
    if (offset === undefined) {
      offset = this.#stringsSize;
      const bytes = this.#encoder.encode(`${name}\0`);
      this.#strings.push(bytes);
      this.#stringsSize += bytes.length;
      this.#names.set(name, offset);
    }
    return offset;
  }

  /**
   * Adds a type: its id.
   *
   * @param kind Its kind.
   * @param name Its name.
   * @param sizeOrType Its size in bytes, or the id of what it builds on.
   * @param rest The words behind that.
   * @param members The number of members that they tell of.
   * @param flag The flag, whose meaning depends on the kind.
   * @throws {InvalidTypeError} if there is no room for so many members.
   */
  add(
    kind: Kind,
    name: string,
    sizeOrType: number,
    rest: readonly number[] = [],
    members: number = 0,
    flag: boolean = false,
  ): number {
    if (members > MOST_MEMBERS) {
      throw new InvalidTypeError(
        `BTF has room for ${MOST_MEMBERS} members of a type: ${name} has ${members}`,
      );
    }
    const info = (flag ? 1 << 31 : 0) | KIND[kind] << 24 | members;
    this.#words.push(this.name(name), info >>> 0, sizeOrType);
    // One by one: as arguments of one call they could be too many.
    for (const word of rest) this.#words.push(word);
    return ++this.#types;
  }

  /** All of it. */
  bytes(): Uint8Array<ArrayBuffer> {
    const typesSize = this.#words.length * 4;
    const bytes = new Uint8Array(
      new ArrayBuffer(HEADER_SIZE + typesSize + this.#stringsSize),
    );
    const view = new DataView(bytes.buffer);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, VERSION);
    view.setUint32(4, HEADER_SIZE, true);
    view.setUint32(12, typesSize, true);
    view.setUint32(16, typesSize, true);
    view.setUint32(20, this.#stringsSize, true);
    this.#words.forEach((word, i) =>
      view.setUint32(HEADER_SIZE + i * 4, word, true)
    );
    let at = HEADER_SIZE + typesSize;
    for (const string of this.#strings) {
      bytes.set(string, at);
      at += string.length;
    }
    return bytes;
  }
}
