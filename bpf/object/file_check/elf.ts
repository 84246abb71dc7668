/**
 * The parts of an object file: ELF for BPF, as clang writes it
 * (elf(5); `linux/elf.h`).
 *
 * libbpf parses the same bytes, in C and in this process. It trusts more of them
 * than it should, so nothing gets there whose parts do not lie where they say.
 * Hence no check goes by what a program can replace, such as the iteration and
 * the methods of arrays.
 */

import { InvalidObjectError } from "../../../errors.ts";
import { decodeText } from "../../../ffi/c_text.ts";

/** `linux/elf.h`: the types of sections that matter here. */
export const SECTION = {
  progbits: 1,
  symtab: 2,
  strtab: 3,
  rela: 4,
  nobits: 8,
  rel: 9,
  symtabShndx: 18,
} as const;

/** A section of an ELF file. */
export interface ElfSection {
  /** Its number. */
  readonly index: number;
  /** Its name. */
  readonly name: string;
  /** Its type (`SHT_*`). */
  readonly type: number;
  /** Its flags (`SHF_*`). */
  readonly flags: number;
  /** Its offset in the file, in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly size: number;
  /** The section that it refers to, by its type. */
  readonly link: number;
  /** A further reference; its type says to what. */
  readonly info: number;
  /** The size of its entries in bytes. */
  readonly entrySize: number;
}

/** A section whose name is not known yet. */
interface RawSection extends Omit<ElfSection, "name"> {
  /** The offset of its name in the names of sections, in bytes. */
  readonly nameAt: number;
}

/** A symbol of an ELF file. */
export interface ElfSymbol {
  /** Its name; may be empty. */
  readonly name: string;
  /** Its offset in its section, in bytes. */
  readonly value: number;
  /** Its size in bytes. */
  readonly size: number;
  /** The number of its section; 0 for none, from 0xff00 on with another meaning. */
  readonly section: number;
  /** Its binding: 0 local, 1 global, 2 weak. */
  readonly binding: number;
  /** Its kind: 1 data, 2 a function, 3 a section. */
  readonly kind: number;
  /** Its visibility once it is linked: 0 as its binding says. */
  readonly visibility: number;
}

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELOCATION_SIZE = 16;
/** `linux/elf.h`: from here on, numbers of sections have another meaning. */
const SHN_LORESERVE = 0xff00;
const EM_NONE = 0;
const EM_BPF = 247;

/** The kernel has no larger values of arrays. */
const MOST_SIZE = 0x7fff_ffff;

/** An object file whose parts lie where they say. */
export class Elf {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #buffer: ArrayBuffer;
  readonly #view: DataView;
  /** Its sections, each at its number. */
  readonly sections: readonly ElfSection[];
  /** Its symbols, each at its number; none without a table of them. */
  readonly symbols: readonly ElfSymbol[];

  /**
   * Finds sections and symbols, and checks where they lie.
   *
   * @throws {InvalidObjectError} if it is not an object file for BPF of this
   * host's byte order, or something does not lie within it.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#buffer = bytes.buffer as ArrayBuffer;
    this.#view = new DataView(this.#buffer);
    this.#checkHeader();
    const sections = this.#readSections();
    this.sections = sections;
    const table = this.only(
      ({ type }) => type === SECTION.symtab,
      "table of symbols",
    );
    this.symbols = table === undefined ? [] : this.#readSymbols(table);
    for (let i = 0; i < sections.length; i++) {
      if (sections[i]!.type === SECTION.rel) {
        this.#checkRelocations(sections[i]!, table);
      }
    }
  }

  /**
   * The section of a kind; undefined without one.
   *
   * @param what The name of the section's kind, for the error.
   * @throws {InvalidObjectError} if there are several.
   */
  only(
    isMeant: (section: ElfSection) => boolean,
    what: string,
  ): ElfSection | undefined {
    let found: ElfSection | undefined;
    for (let i = 0; i < this.sections.length; i++) {
      const section = this.sections[i]!;
      if (!isMeant(section)) continue;
      if (found !== undefined) {
        throw new InvalidObjectError(
          `An object file must have one ${what}: it has several`,
        );
      }
      found = section;
    }
    return found;
  }

  /** The bytes of a section, not copied; none of one that has none in the file. */
  bytesOf({ type, offset, size }: ElfSection): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      this.#buffer,
      offset,
      type === SECTION.nobits ? 0 : size,
    );
  }

  #checkHeader(): void {
    const bytes = this.#bytes;
    const length = bytes.length;
    if (length < HEADER_SIZE) {
      throw new InvalidObjectError(
        `An object file must have at least ${HEADER_SIZE} bytes: received ${length} bytes`,
      );
    }
    const magic = this.#view.getUint32(0, false);
    if (magic !== 0x7f454c46) {
      throw new InvalidObjectError(
        `An object file must be ELF, and begin with 7f454c46: it begins with ${
          magic.toString(16).padStart(8, "0")
        }`,
      );
    }
    if (bytes[4] !== 2) {
      throw new InvalidObjectError(
        "An object file must be 64-bit ELF: it is not",
      );
    }
    if (bytes[5] !== 1) {
      throw new InvalidObjectError(
        "An object file must be in this host's byte order, little-endian: it is big-endian; compile with -target bpf or -target bpfel",
      );
    }
    const type = this.#view.getUint16(16, true);
    const machine = this.#view.getUint16(18, true);
    if (machine !== EM_BPF && machine !== EM_NONE) {
      throw new InvalidObjectError(
        `An object file must be for the machine ${EM_BPF}, BPF: it is for ${machine}; compile with -target bpf`,
      );
    }
    if (type !== 1) {
      throw new InvalidObjectError(
        `An object file must be relocatable, of type 1: it is of type ${type}`,
      );
    }
  }

  #readSections(): ElfSection[] {
    const at = this.#number(40, "place of the section headers");
    const size = this.#view.getUint16(58, true);
    const count = this.#view.getUint16(60, true);
    const names = this.#view.getUint16(62, true);
    if (size !== SECTION_HEADER_SIZE || count === 0) {
      throw new InvalidObjectError(
        `An object file must have section headers of ${SECTION_HEADER_SIZE} bytes: it has ${count} of ${size}`,
      );
    }
    this.#requireWithin("section headers", at, count * size);
    const raw: RawSection[] = [];
    for (let i = 0; i < count; i++) {
      raw.push(this.#rawSection(at + i * size, i));
    }
    const strings = this.#strings(raw, names, "names of sections");
    const sections: ElfSection[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.#text(strings, raw[i]!.nameAt, "section");
      sections.push({ ...raw[i]!, name });
    }
    return sections;
  }

  #rawSection(at: number, index: number): RawSection {
    const view = this.#view;
    const section = {
      index,
      nameAt: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: this.#number(at + 8, `flags of section ${index}`),
      offset: this.#number(at + 24, `place of section ${index}`),
      size: this.#number(at + 32, `size of section ${index}`),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      entrySize: this.#number(at + 56, `entries of section ${index}`),
    };
    // The first section is none; what its header says has other meanings.
    if (index > 0 && section.type !== 0) {
      if (section.type === SECTION.nobits) {
        if (section.size > MOST_SIZE) {
          throw new InvalidObjectError(
            `Section ${index} must have at most ${MOST_SIZE} bytes: it has ${section.size}`,
          );
        }
      } else {
        this.#requireWithin(`section ${index}`, section.offset, section.size);
      }
    }
    return section;
  }

  /** A table of strings: each of them ends within it. */
  #strings(
    sections: readonly Omit<ElfSection, "name">[],
    index: number,
    what: string,
  ): Uint8Array<ArrayBuffer> {
    const section = sections[index];
    if (section === undefined || section.type !== SECTION.strtab) {
      throw new InvalidObjectError(
        `The ${what} must be in a section of strings: section ${index} is none`,
      );
    }
    const { offset, size } = section;
    const bytes = new Uint8Array(this.#buffer, offset, size);
    if (size === 0 || bytes[size - 1] !== 0) {
      throw new InvalidObjectError(`The ${what} must end in a NUL`);
    }
    return bytes;
  }

  #text(
    strings: Uint8Array<ArrayBuffer>,
    at: number,
    what: string,
  ): string {
    const length = strings.length;
    if (at >= length) {
      throw new InvalidObjectError(
        `The name of a ${what} must begin within the ${length} bytes of them: it begins at ${at}`,
      );
    }
    return decodeText(
      new Uint8Array(
        this.#buffer,
        strings.byteOffset + at,
        length - at,
      ),
    );
  }

  #readSymbols(table: ElfSection): ElfSymbol[] {
    const { offset, size } = table;
    this.#requireEntries(table, SYMBOL_SIZE);
    const strings = this.#strings(
      this.sections,
      table.link,
      "names of symbols",
    );
    const symbols: ElfSymbol[] = [];
    for (let at = offset; at < offset + size; at += SYMBOL_SIZE) {
      const info = this.#bytes[at + 4]!;
      const symbol = {
        name: this.#text(strings, this.#view.getUint32(at, true), "symbol"),
        binding: info >> 4,
        kind: info & 15,
        visibility: this.#bytes[at + 5]! & 3,
        section: this.#view.getUint16(at + 6, true),
        value: this.#number(at + 8, "place of a symbol"),
        size: this.#number(at + 16, "size of a symbol"),
      };
      this.#checkSymbol(symbol);
      symbols.push(symbol);
    }
    return symbols;
  }

  #checkSymbol({ name, section, value, size }: ElfSymbol): void {
    if (section === 0 || section >= SHN_LORESERVE) return;
    const home = this.sections[section];
    if (home === undefined) {
      throw new InvalidObjectError(
        `The symbol ${name} must be of one of ${this.sections.length} sections: it is of section ${section}`,
      );
    }
    if (value + size > home.size) {
      throw new InvalidObjectError(
        `The symbol ${name} must lie within the ${home.size} bytes of section ${home.name}: it takes ${size} bytes from ${value} on`,
      );
    }
  }

  #checkRelocations(section: ElfSection, table: ElfSection | undefined): void {
    const { name, offset, size, link, info } = section;
    this.#requireEntries(section, RELOCATION_SIZE);
    const target = this.sections[info];
    if (info === 0 || target === undefined || link !== table?.index) {
      throw new InvalidObjectError(
        `The relocations ${name} must be of a section by the table of symbols: they are of section ${info} by section ${link}`,
      );
    }
    for (let at = offset; at < offset + size; at += RELOCATION_SIZE) {
      const place = this.#number(at, `place of a relocation in ${name}`);
      const symbol = this.#view.getUint32(at + 12, true);
      if (place >= target.size || symbol >= this.symbols.length) {
        throw new InvalidObjectError(
          `A relocation in ${name} must be within ${target.size} bytes, by one of ${this.symbols.length} symbols: it is at ${place}, by symbol ${symbol}`,
        );
      }
    }
  }

  #requireEntries(section: ElfSection, entry: number): void {
    const { name, size, entrySize } = section;
    if (entrySize !== entry || size % entry !== 0) {
      throw new InvalidObjectError(
        `The section ${name} must have entries of ${entry} bytes: it has ${size} bytes of entries of ${entrySize}`,
      );
    }
  }

  #requireWithin(what: string, at: number, size: number): void {
    const length = this.#bytes.length;
    if (at + size > length) {
      throw new InvalidObjectError(
        `The ${what} must lie within the ${length} bytes of the file: ${size} bytes from ${at} on do not`,
      );
    }
  }

  /** A number of 64 bits that is small enough to reckon with. */
  #number(at: number, what: string): number {
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 0x10_0000) {
      throw new InvalidObjectError(
        `The ${what} must be less than 2^52: it is 0x${
          this.#view.getBigUint64(at, true).toString(16)
        }`,
      );
    }
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }
}
