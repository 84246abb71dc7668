/**
 * The checks of an object file's BTF that libbpf leaves out: up to 1.2 it
 * follows whatever id or name a type tells, and later ones do not look at all.
 *
 * As those of `elf.ts`, they go by nothing that a program can replace: not by
 * the class `Btf` either.
 */

import { decode } from "../../../btf/format/decode.ts";
import { TypeTable } from "../../../btf/format/type_table.ts";
import type { BtfArray, BtfType } from "../../../btf/types.ts";
import { BtfError, InvalidObjectError } from "../../../errors.ts";
import { type Elf, type ElfSection, SECTION } from "./elf.ts";
import { checkMaps } from "./maps.ts";

/** The depth to which types may nest: libbpf follows them so deep. */
const MOST_DEPTH = 32;

/** Sizes are an `int` to libbpf. */
const MOST_SIZE = 0x7fff_ffff;

const hasOwn = Object.hasOwn as <T extends object, N extends string>(
  object: T,
  name: N,
) => object is Extract<T, Record<N, unknown>>;

/**
 * Checks the sections `.BTF` and `.BTF.ext`.
 *
 * @throws {BtfError} if a type is not whole, or refers to what it cannot.
 * @throws {InvalidObjectError} if there is more than one of a section, what is
 * said of instructions does not lie within it, or a map is defined that libbpf
 * cannot take.
 */
export function checkBtf(elf: Elf): void {
  const types = onlySection(elf, ".BTF");
  const extension = onlySection(elf, ".BTF.ext");
  if (types === undefined) return;
  const bytes = copyOf(elf.bytesOf(types));
  const table = checkTypes(bytes);
  checkMaps(table);
  if (extension === undefined) return;
  const namesSize = new DataView(bytes.buffer).getUint32(20, true);
  new Extension(elf.bytesOf(extension), table.endId, namesSize).check();
}

/** At an address divisible by 4, which a section's need not be. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(
    new ArrayBuffer(bytes.length),
  );
  copy.set(bytes);
  return copy;
}

/**
 * Checks BTF, and what its types say of each other.
 *
 * @param bytes All of it, at an address divisible by 4.
 * @throws {BtfError} if a type is not whole, or refers to what it cannot.
 */
export function checkTypes(bytes: Uint8Array): TypeTable {
  const table = new TypeTable(bytes, undefined);
  const valued = new Set<number>();
  const arrays: BtfArray[] = [];
  for (let id = table.firstId; id < table.endId; id++) {
    const type = decode(table, id);
    for (const other of valuesIn(type)) valued.add(other);
    if (type.kind === "array") arrays.push(type);
    else checkType(table, type);
  }
  // The numbers of a map's definition are lengths of arrays that are nowhere:
  // `int (*max_entries)[N]`.
  for (const type of arrays) if (valued.has(type.id)) checkSize(table, type);
  return table;
}

/** The types of which a type's values have values in them. */
function valuesIn(type: BtfType): readonly number[] {
  switch (type.kind) {
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
    case "var":
      return [type.type];
    case "array":
      return [type.element];
    case "struct":
    case "union":
      return type.members.map((member) => member.type);
    default:
      return [];
  }
}

function onlySection(elf: Elf, name: string): ElfSection | undefined {
  const first = elf.only((s) => s.name === name, `section ${name}`);
  if (first !== undefined && first.type !== SECTION.progbits) {
    throw new InvalidObjectError(
      `The section ${name} must be of type ${SECTION.progbits}: it is of type ${first.type}`,
    );
  }
  return first;
}

function checkType(table: TypeTable, type: BtfType): void {
  switch (type.kind) {
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
    case "var":
      return checkSize(table, type);
    case "int":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
    case "float":
      if (type.size > MOST_SIZE) throw tooLarge(type);
      return;
    case "datasec":
      if (type.size > MOST_SIZE) throw tooLarge(type);
      for (let i = 0; i < type.variables.length; i++) {
        const { kind } = decode(table, type.variables[i]!.type);
        if (kind !== "var" && kind !== "func") {
          throw wrong(type, `must have variables: it has a ${kind}`);
        }
      }
      return;
    case "func":
      if (decode(table, type.type).kind !== "func_proto") {
        throw wrong(type, "must have a prototype: it has none");
      }
      return;
  }
}

/**
 * libbpf follows a chain of names for a type until it ends, and takes sizes from
 * 2^31 on, which are negative to it, for error numbers and these for addresses.
 */
function checkSize(table: TypeTable, type: BtfType): void {
  let next = type;
  let count = 1;
  for (let depth = 0; depth <= MOST_DEPTH; depth++) {
    switch (next.kind) {
      case "typedef":
      case "const":
      case "volatile":
      case "restrict":
      case "type_tag":
      case "var":
        next = decode(table, next.type);
        break;
      case "array":
        count *= next.length;
        next = decode(table, next.element);
        break;
      default:
        if (count * (hasOwn(next, "size") ? next.size : 8) > MOST_SIZE) {
          throw tooLarge(type);
        }
        return;
    }
  }
  throw wrong(type, `must be a type within ${MOST_DEPTH} levels: it is not`);
}

function tooLarge(type: BtfType): BtfError {
  return wrong(type, `must have at most ${MOST_SIZE} bytes: it has more`);
}

function wrong({ kind, name, id }: BtfType, what: string): BtfError {
  return new BtfError(
    `The ${kind} ${name === "" ? `of id ${id}` : name} ${what}`,
  );
}

/** Numbers of `linux/btf.h` and libbpf's `btf_ext_header`. */
const EXTENSION_MAGIC = 0xeb9f;
const LEAST_HEADER = 24;

/** The form of one kind of record. */
interface RecordKind {
  /** Its name in errors. */
  readonly what: string;
  /** The offset in the header of its place, in bytes. */
  readonly at: number;
  /** The least size of a record in bytes. */
  readonly least: number;
  /** The offsets of types' ids in a record, in bytes. */
  readonly types: readonly number[];
  /** The offsets of names in a record, in bytes. */
  readonly names: readonly number[];
}

const FUNCTIONS: RecordKind = {
  what: "functions",
  at: 8,
  least: 8,
  types: [4],
  names: [],
};
const LINES: RecordKind = {
  what: "lines",
  at: 16,
  least: 16,
  types: [],
  names: [4, 8],
};
const RELOCATIONS: RecordKind = {
  what: "relocations",
  at: 24,
  least: 16,
  types: [4],
  names: [8],
};

/** The section `.BTF.ext`: what functions, lines and fields instructions are of. */
class Extension {
  readonly #view: DataView;
  readonly #length: number;
  readonly #typesEnd: number;
  readonly #namesEnd: number;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    typesEnd: number,
    namesEnd: number,
  ) {
    this.#length = bytes.length;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      this.#length,
    );
    this.#typesEnd = typesEnd;
    this.#namesEnd = namesEnd;
  }

  check(): void {
    this.#require(this.#length >= LEAST_HEADER, "have a header");
    this.#require(
      this.#view.getUint16(0, true) === EXTENSION_MAGIC,
      "begin with BTF's number",
    );
    const header = this.#word(4);
    this.#require(
      header >= LEAST_HEADER && header <= this.#length,
      "have a header within it",
    );
    this.#checkRecords(FUNCTIONS, header);
    this.#checkRecords(LINES, header);
    this.#checkRecords(RELOCATIONS, header);
  }

  #checkRecords(kind: RecordKind, header: number): void {
    if (kind.at + 8 > header) return;
    const size = this.#word(kind.at + 4);
    if (size === 0) return;
    let at = header + this.#word(kind.at);
    const end = at + size;
    const within = `have its ${kind.what} within its ${this.#length} bytes`;
    this.#require(at % 4 === 0 && size >= 4 && end <= this.#length, within);
    const recordSize = this.#word(at);
    this.#require(
      recordSize >= kind.least && recordSize % 4 === 0,
      `have records of at least ${kind.least} bytes for its ${kind.what}`,
    );
    at += 4;
    while (at < end) {
      this.#require(at + 8 <= end, within);
      this.#requireName(this.#word(at));
      const count = this.#word(at + 4);
      at += 8;
      this.#require(at + count * recordSize <= end, within);
      for (let i = 0; i < count; i++, at += recordSize) {
        this.#checkRecord(kind, at);
      }
    }
  }

  #checkRecord({ types, names }: RecordKind, at: number): void {
    for (let i = 0; i < types.length; i++) {
      this.#require(
        this.#word(at + types[i]!) < this.#typesEnd,
        `refer to one of ${this.#typesEnd} types`,
      );
    }
    for (let i = 0; i < names.length; i++) {
      this.#requireName(this.#word(at + names[i]!));
    }
  }

  #requireName(at: number): void {
    this.#require(
      at < this.#namesEnd,
      `have its names within the ${this.#namesEnd} bytes of BTF's`,
    );
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #require(condition: boolean, what: string): void {
    if (!condition) {
      throw new InvalidObjectError(
        `The section .BTF.ext must ${what}: it does not`,
      );
    }
  }
}
