/** Types of the layout language as BTF, the reverse of `btf/layouts/`. */

import { InvalidTypeError } from "../../errors.ts";
import { bitsOf } from "../../layout/model/extents.ts";
import {
  aggregateOf,
  type AnyType,
  type Member,
  originOf,
} from "../../layout/model/types.ts";
import type {
  ArrayType,
  Enumeration,
  StructType,
  Type,
  UnionType,
} from "../../layout/static.ts";
import { Blob } from "./blob.ts";

/** `linux/btf.h`, `BTF_INT_ENCODING` */
const SIGNED = 1 << 24;
const BOOL = 4 << 24;

/** The names of integers in C, and their encodings in BTF. */
const INTEGERS = {
  u8: ["unsigned char", 0],
  i8: ["signed char", SIGNED],
  u16: ["unsigned short", 0],
  i16: ["short", SIGNED],
  u32: ["unsigned int", 0],
  i32: ["int", SIGNED],
  u64: ["unsigned long long", 0],
  i64: ["long long", SIGNED],
  u128: ["unsigned __int128", 0],
  i128: ["__int128", SIGNED],
  uintptr: ["unsigned long", 0],
  bool: ["_Bool", BOOL],
} as const satisfies Readonly<Record<string, readonly [string, number]>>;

type IntegerKind = keyof typeof INTEGERS;

/** C has a name for some of them alone, and for no order of bytes. */
const BIG_ENDIAN = {
  be16: ["__be16", "u16"],
  be32: ["__be32", "u32"],
  be64: ["__be64", "u64"],
  bei16: ["bei16", "i16"],
  bei32: ["bei32", "i32"],
  bei64: ["bei64", "i64"],
  bef32: ["bef32", "f32"],
  bef64: ["bef64", "f64"],
} as const;

const FLOATS = { f16: "_Float16", f32: "float", f64: "double" } as const;

type FloatKind = keyof typeof FLOATS;

function isFloat(kind: IntegerKind | FloatKind): kind is FloatKind {
  return Object.hasOwn(FLOATS, kind);
}

/** The longest name that the kernel takes is 127 bytes (`KSYM_NAME_LEN`). */
const NAME = /^[A-Za-z_]\w{0,126}$/;

/** A name that C can have; none where it cannot. */
function nameOf(name: string): string {
  return NAME.test(name) ? name : "";
}

/** The most bits that the offset of a bit-field has room for. */
const MOST_BIT_OFFSET = 0xff_ffff;

/** Types that are written as BTF, each once. */
export class TypeWriter {
  readonly #blob = new Blob();
  readonly #ids = new Map<string | AnyType, number>();

  /**
   * Writes a type, and what it is made of: its id.
   *
   * @throws {InvalidTypeError} if BTF has no room for it.
   */
  write(type: Type): number {
    return this.#once(originOf(type), () => this.#write(originOf(type)));
  }

  /** All that was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#blob.bytes();
  }

  #once(key: string | AnyType, write: () => number): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = write();
      this.#ids.set(key, id);
    }
    return id;
  }

  #write(type: AnyType): number {
    switch (type.kind) {
      case "atomic":
      case "safe":
      case "bits":
        return this.write(type.base);
      case "be16":
      case "be32":
      case "be64":
      case "bei16":
      case "bei32":
      case "bei64":
      case "bef32":
      case "bef64": {
        const [name, native] = BIG_ENDIAN[type.kind];
        return this.#blob.add("typedef", name, this.#scalar(native, type.size));
      }
      case "bytes":
        return this.#array(this.#integer("u8", 1), type.size);
      case "text16":
        return this.#array(this.#integer("u16", 2), type.length);
      case "text":
        return this.#array(this.#char(), type.length);
      case "enumeration":
        return this.#enumeration(type);
      case "array":
        return this.#array(
          this.write(type.element),
          (type as ArrayType).length,
        );
      case "struct":
      case "union":
        return this.#aggregate(type);
      case "padding":
      case "marker":
        throw new InvalidTypeError(`${type.name} is no type of a value`);
      default:
        return this.#scalar(type.kind, type.size);
    }
  }

  #scalar(kind: IntegerKind | FloatKind, size: number): number {
    if (!isFloat(kind)) return this.#integer(kind, size);
    const name = FLOATS[kind];
    return this.#once(name, () => this.#blob.add("float", name, size));
  }

  #integer(kind: IntegerKind, size: number): number {
    const [name, encoding] = INTEGERS[kind];
    return this.#once(name, () => {
      return this.#blob.add("int", name, size, [encoding | size * 8]);
    });
  }

  #char(): number {
    return this.#once(
      "char",
      () => this.#blob.add("int", "char", 1, [SIGNED | 8]),
    );
  }

  #array(element: number, length: number): number {
    return this.#blob.add("array", "", 0, [
      element,
      this.#integer("u32", 4),
      length,
    ]);
  }

  /** Members have 32 bits, and the names of C: without those, an integer. */
  #enumeration({ name, base, members, size }: Enumeration): number {
    const entries = Object.entries(members);
    if (size > 4 || entries.some(([name]) => nameOf(name) === "")) {
      return this.write(base);
    }
    const words = entries.flatMap(([name, value]) => [
      this.#blob.name(name),
      Number(value) >>> 0,
    ]);
    // Linux 6.0 says by a flag that values have a sign.
    const signed = entries.some(([, value]) => value < 0);
    const { length } = entries;
    return this.#blob.add("enum", nameOf(name), size, words, length, signed);
  }

  #aggregate(type: StructType | UnionType): number {
    const members = aggregateOf(type).members
      .filter(({ type }) => type.kind !== "padding")
      .toSorted((one, other) => bitsOf(one)[0] - bitsOf(other)[0]);
    const hasBits = members.some(({ bit }) => bit !== undefined);
    const words = members.flatMap((member) => [
      this.#blob.name(nameOf(member.name)),
      this.write(member.type),
      placeOf(member, hasBits),
    ]);
    const name = nameOf(type.name);
    const { length } = members;
    return this.#blob.add(type.kind, name, type.size, words, length, hasBits);
  }
}

/**
 * A member's offset in bits. Where there are bit-fields, it leaves eight bits
 * for the width of one.
 */
function placeOf(member: Member, hasBits: boolean): number {
  const [bit, end] = bitsOf(member);
  const { name } = member;
  const most = hasBits ? MOST_BIT_OFFSET : 0xffff_ffff;
  if (bit > most) {
    throw new InvalidTypeError(
      `${name}: BTF has room for offsets of ${most} bits: it begins at bit ${bit}`,
    );
  }
  const width = member.bit === undefined ? 0 : end - bit;
  return (width << 24 | bit) >>> 0;
}
