/** Makes BTF, right and wrong. */

/** The numbers of kinds (`linux/btf.h`). */
export const K = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

export const SIGNED = 1 << 24;
export const BOOL = 4 << 24;

/** A member: name, type, offset in bits. */
export type BuiltMember = readonly [string, number, number];

export class Builder {
  readonly words: number[] = [];
  strings: number[];
  #offsets = new Map<string, number>([["", 0]]);
  #id: number;
  #firstString: number;

  /** Begins BTF, or split BTF behind so many types and bytes of names. */
  constructor(firstId = 1, firstString = 0) {
    this.#id = firstId;
    this.#firstString = firstString;
    this.strings = firstString === 0 ? [0] : [];
  }

  name(text: string): number {
    let offset = this.#offsets.get(text);
    if (offset === undefined) {
      offset = this.#firstString + this.strings.length;
      this.strings.push(...new TextEncoder().encode(text), 0);
      this.#offsets.set(text, offset);
    }
    return offset;
  }

  /** Adds a type; returns its id. */
  add(
    kind: number,
    name: string,
    sizeOrType: number,
    rest: readonly number[] = [],
    count = 0,
    flag = false,
  ): number {
    const info = (flag ? 0x80000000 : 0) | kind << 24 | count;
    this.words.push(this.name(name), info >>> 0, sizeOrType);
    for (const word of rest) this.words.push(word);
    return this.#id++;
  }

  int(name: string, size: number, encoding = 0, bits = size * 8): number {
    return this.add(K.INT, name, size, [encoding | bits]);
  }

  ptr(type: number): number {
    return this.add(K.PTR, "", type);
  }

  array(element: number, length: number): number {
    return this.add(K.ARRAY, "", 0, [element, element, length]);
  }

  composite(
    kind: number,
    name: string,
    size: number,
    members: readonly BuiltMember[],
    flag = false,
  ): number {
    const rest = members.flatMap(([member, type, offset]) => [
      this.name(member),
      type,
      offset,
    ]);
    return this.add(kind, name, size, rest, members.length, flag);
  }

  struct(
    name: string,
    size: number,
    members: readonly BuiltMember[],
    flag = false,
  ): number {
    return this.composite(K.STRUCT, name, size, members, flag);
  }

  union(name: string, size: number, members: readonly BuiltMember[]): number {
    return this.composite(K.UNION, name, size, members);
  }

  /** A member that is a bit-field, in a struct with the flag. */
  static bits(
    name: string,
    type: number,
    bit: number,
    width: number,
  ): BuiltMember {
    return [name, type, width * 0x1000000 + bit];
  }

  /** The bytes. */
  bytes(headerLength = 24, bigEndian = false): Uint8Array<ArrayBuffer> {
    const typesSize = this.words.length * 4;
    const bytes = new Uint8Array(
      headerLength + typesSize + this.strings.length,
    );
    const view = new DataView(bytes.buffer);
    const little = !bigEndian;
    view.setUint16(0, 0xeb9f, little);
    view.setUint8(2, 1);
    [headerLength, 0, typesSize, typesSize, this.strings.length]
      .forEach((word, index) => view.setUint32(4 + index * 4, word, little));
    this.words.forEach((word, index) =>
      view.setUint32(headerLength + index * 4, word, little)
    );
    bytes.set(this.strings, headerLength + typesSize);
    return bytes;
  }
}
