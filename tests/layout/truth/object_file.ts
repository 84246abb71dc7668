/** Data in relocatable ELF object files. */

const SECTION_SYMBOLS = 2; // SHT_SYMTAB, elf(5)
const SECTION_WITHOUT_BYTES = 8; // SHT_NOBITS

interface Section {
  type: number;
  offset: number;
  size: number;
  link: number;
}

interface Place {
  section: Section;
  offset: number;
  size: number;
}

/** A 64-bit little-endian object file, as elf(5) describes it. */
export class ObjectFile {
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #symbols = new Map<string, Place>();

  /** Reads the symbols of an object file. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const sections = this.#sections();
    for (const table of sections) {
      if (table.type !== SECTION_SYMBOLS) continue;
      const names = sections[table.link]!;
      for (let at = 0; at < table.size; at += 24) { // Elf64_Sym
        const symbol = table.offset + at;
        const section = sections[this.#data.getUint16(symbol + 6, true)];
        if (section === undefined) continue;
        const name = this.#text(
          names.offset + this.#data.getUint32(symbol, true),
        );
        this.#symbols.set(name, {
          section,
          offset: this.#word(symbol + 8),
          size: this.#word(symbol + 16),
        });
      }
    }
  }

  /** The bytes of an object with static storage. */
  bytesOf(name: string): Uint8Array {
    const place = this.#symbols.get(name);
    if (place === undefined) throw new Error(`There is no symbol ${name}`);
    const { section, offset, size } = place;
    if (section.type === SECTION_WITHOUT_BYTES) return new Uint8Array(size);
    const start = section.offset + offset;
    return this.#bytes.subarray(start, start + size);
  }

  #sections(): Section[] {
    const table = this.#word(40); // e_shoff
    const count = this.#data.getUint16(60, true); // e_shnum
    return Array.from({ length: count }, (_, index) => {
      const header = table + index * 64; // Elf64_Shdr
      return {
        type: this.#data.getUint32(header + 4, true),
        offset: this.#word(header + 24),
        size: this.#word(header + 32),
        link: this.#data.getUint32(header + 40, true),
      };
    });
  }

  #word(at: number): number {
    return Number(this.#data.getBigUint64(at, true));
  }

  #text(at: number): string {
    const end = this.#bytes.indexOf(0, at);
    return new TextDecoder().decode(this.#bytes.subarray(at, end));
  }
}
