/**
 * The functions of programs and libraries, by the symbols in their ELF files:
 * `.symtab`, which may be stripped, and `.dynsym` with its versions (System V
 * ABI, chapter 4; the GNU extensions to it: `elf.h`).
 */

import { NotSupportedError } from "../../../../errors.ts";
import { ENOENT, systemError } from "../../../../ffi/mod.ts";

/** `elf.h`, section types. */
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SHT_GNU_VERDEF = 0x6fff_fffd;
const SHT_GNU_VERSYM = 0x6fff_ffff;
/** `elf.h`, symbol types and bindings. */
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
/** `elf.h`: a symbol that another file defines. */
const SHN_UNDEF = 0;
/** `elf.h`: sections from this index on are not sections. */
const SHN_LORESERVE = 0xff00;
/** In a version of a symbol: it is not the default one. */
const VERSION_HIDDEN = 0x8000;

/** The symbol of a function. */
interface FunctionSymbol {
  /** The version of it that its name was given; undefined where it has none. */
  readonly version: string | undefined;
  /** True for the version that a program is linked to without naming one. */
  readonly isDefault: boolean;
  readonly isLocal: boolean;
  /** True if a resolver chooses the function when the program is loaded. */
  readonly isIndirect: boolean;
  readonly isImported: boolean;
  /** The offset in the file. */
  readonly offset: number;
}

interface Section {
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly entrySize: number;
}

/** Reads an ELF file, section by section: some are large. */
class ElfFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #is64: boolean;
  readonly sections: readonly Section[];

  constructor(path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path);
    try {
      const head = this.#read(0, 64);
      const isElf = head.byteLength >= 52 &&
        head.getUint32(0) === 0x7f45_4c46 && head.getUint8(5) === 1;
      if (!isElf) throw this.#refusal("it is not an ELF file of this machine");
      this.#is64 = head.getUint8(4) === 2;
      this.sections = this.#readSections(head);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  /** The bytes of a section. */
  bytesOf({ offset, size }: Section): DataView {
    const bytes = this.#read(offset, size);
    if (bytes.byteLength < size) {
      throw this.#refusal("the file ends before one of its sections does");
    }
    return bytes;
  }

  /** The symbols of a section, as `visit` is told of them. */
  forEachSymbol(section: Section, visit: (symbol: RawSymbol) => void): void {
    const bytes = this.bytesOf(section);
    const step = this.#is64 ? 24 : 16;
    for (let i = 0; (i + 1) * step <= bytes.byteLength; i++) {
      const at = i * step;
      const [info, index, value] = this.#is64 ? [4, 6, 8] : [12, 14, 4];
      visit({
        number: i,
        name: bytes.getUint32(at, true),
        type: bytes.getUint8(at + info) & 15,
        binding: bytes.getUint8(at + info) >> 4,
        section: bytes.getUint16(at + index, true),
        value: this.#word(bytes, at + value),
      });
    }
  }

  #readSections(head: DataView): Section[] {
    const at = this.#word(head, this.#is64 ? 40 : 32);
    const step = this.#is64 ? 64 : 40;
    let count = head.getUint16(this.#is64 ? 60 : 48, true);
    if (at === 0) return [];
    // A file with many of them has the number in the first.
    if (count === 0) count = this.#section(this.#read(at, step), 0).size;
    const table = this.#read(at, Math.min(count * step, TABLE_MAX));
    const sections: Section[] = [];
    for (let i = 0; (i + 1) * step <= table.byteLength; i++) {
      sections.push(this.#section(table, i * step));
    }
    return sections;
  }

  #section(table: DataView, at: number): Section {
    const [address, offset, size, link, entry] = this.#is64
      ? [16, 24, 32, 40, 56]
      : [12, 16, 20, 24, 36];
    return {
      type: table.getUint32(at + 4, true),
      address: this.#word(table, at + address),
      offset: this.#word(table, at + offset),
      size: this.#word(table, at + size),
      link: table.getUint32(at + link, true),
      entrySize: this.#word(table, at + entry),
    };
  }

  /** An address or offset: 64 bits, or 32. */
  #word(bytes: DataView, at: number): number {
    return this.#is64
      ? Number(bytes.getBigUint64(at, true))
      : bytes.getUint32(at, true);
  }

  /** The bytes at an offset, fewer at the end of the file. */
  #read(offset: number, length: number): DataView {
    if (!(length <= TABLE_MAX && offset + length <= Number.MAX_SAFE_INTEGER)) {
      throw this.#refusal(`a section of it has ${length} bytes`);
    }
    const bytes = new Uint8Array(length);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < length) {
      const read = this.#file.readSync(bytes.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    return new DataView(bytes.buffer, 0, filled);
  }

  #refusal(reason: string): NotSupportedError {
    return new NotSupportedError(
      `Cannot find functions in "${this.#path}": ${reason}`,
    );
  }
}

/** The largest section that is read, in bytes. */
const TABLE_MAX = 2 ** 30;

interface RawSymbol {
  readonly number: number;
  readonly name: number;
  readonly type: number;
  readonly binding: number;
  readonly section: number;
  readonly value: number;
}

const decoder = new TextDecoder();

/** The text at an offset of a string table. */
function textIn(strings: Uint8Array, offset: number): string {
  const end = strings.indexOf(0, offset);
  return decoder.decode(strings.subarray(offset, end < 0 ? undefined : end));
}

/** The bytes of the section that another one refers to. */
function linked(elf: ElfFile, { link }: Section): Uint8Array {
  const section = elf.sections[link];
  if (section === undefined) return new Uint8Array(0);
  const { buffer, byteLength } = elf.bytesOf(section);
  return new Uint8Array(buffer, 0, byteLength);
}

/** The names of the versions that a file defines, by their numbers. */
function versionNames(elf: ElfFile): Map<number, string> {
  const names = new Map<number, string>();
  const section = elf.sections.find(({ type }) => type === SHT_GNU_VERDEF);
  if (section === undefined) return names;
  const strings = linked(elf, section);
  const bytes = elf.bytesOf(section);
  for (let at = 0; at + 20 <= bytes.byteLength;) {
    const first = at + bytes.getUint32(at + 12, true);
    if (first + 8 > bytes.byteLength) break;
    const name = textIn(strings, bytes.getUint32(first, true));
    names.set(bytes.getUint16(at + 4, true), name);
    const next = bytes.getUint32(at + 16, true);
    if (next === 0) break;
    at += next;
  }
  return names;
}

/** The symbols of functions of a name, in both tables of symbols. */
function symbolsOf(elf: ElfFile, name: string): FunctionSymbol[] {
  const found: FunctionSymbol[] = [];
  const versions = versionNames(elf);
  const versym = elf.sections.find(({ type }) => type === SHT_GNU_VERSYM);
  const numbers = versym && elf.bytesOf(versym);
  const wanted = new TextEncoder().encode(name);
  for (const section of elf.sections) {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) continue;
    const strings = linked(elf, section);
    elf.forEachSymbol(section, (symbol) => {
      if (symbol.type !== STT_FUNC && symbol.type !== STT_GNU_IFUNC) return;
      if (!wanted.every((byte, i) => strings[symbol.name + i] === byte)) return;
      // In .symtab a version is part of the name: `name@VERSION`.
      const rest = textIn(strings, symbol.name + wanted.length);
      if (rest !== "" && !rest.startsWith("@")) return;
      let version: string | undefined;
      let isDefault = true;
      if (rest !== "") {
        version = rest.replace(/^@@?/, "");
        isDefault = rest.startsWith("@@");
      } else if (section.type === SHT_DYNSYM && numbers !== undefined) {
        const at = 2 * symbol.number;
        const number = at + 2 <= numbers.byteLength
          ? numbers.getUint16(at, true)
          : 0;
        version = versions.get(number & ~VERSION_HIDDEN);
        isDefault = (number & VERSION_HIDDEN) === 0;
      }
      const home = symbol.section < SHN_LORESERVE
        ? elf.sections[symbol.section]
        : undefined;
      found.push({
        version,
        isDefault,
        isLocal: symbol.binding === STB_LOCAL,
        isIndirect: symbol.type === STT_GNU_IFUNC,
        isImported: symbol.section === SHN_UNDEF,
        offset: home === undefined
          ? -1
          : symbol.value - home.address + home.offset,
      });
    });
  }
  return found;
}

/**
 * The offsets in a file at which functions begin.
 *
 * @param path An absolute path, which the program may read.
 * @param symbols The names of the functions, or `name@VERSION`.
 * @throws {SystemError} with ENOENT, if there is no such function.
 * @throws {NotSupportedError} if the file is not an ELF file, or a name does not
 * tell one function: it is imported, indirect, or there are several.
 */
export function functionOffsets(
  path: string,
  symbols: readonly string[],
): number[] {
  using elf = new ElfFile(path);
  return symbols.map((symbol) => offsetIn(elf, path, symbol));
}

/** The offset of one function. @throws as {@linkcode functionOffsets} does. */
export function functionOffset(path: string, symbol: string): number {
  return functionOffsets(path, [symbol])[0]!;
}

/**
 * The offsets of all functions whose name matches a pattern, ascending. Imported
 * and indirect functions are left out.
 *
 * @param path An absolute path, which the program may read.
 * @param pattern A pattern in which `*` stands for any text and `?` for one
 * character.
 * @throws {NotSupportedError} if the file is not an ELF file.
 */
export function matchingOffsets(path: string, pattern: string): number[] {
  using elf = new ElfFile(path);
  const matches = globOf(pattern);
  const offsets = new Set<number>();
  for (const section of elf.sections) {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) continue;
    const strings = linked(elf, section);
    elf.forEachSymbol(section, ({ type, section: index, value, name }) => {
      const home = index === SHN_UNDEF || index >= SHN_LORESERVE
        ? undefined
        : elf.sections[index];
      if (type !== STT_FUNC || home === undefined) return;
      const [base] = textIn(strings, name).split("@", 1);
      if (matches.test(base!)) offsets.add(value - home.address + home.offset);
    });
  }
  return [...offsets].sort((a, b) => a - b);
}

/** A pattern with `*` and `?` as a regular expression. */
export function globOf(pattern: string): RegExp {
  const text = pattern.replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${text}$`);
}

function offsetIn(elf: ElfFile, path: string, symbol: string): number {
  const [name = "", wanted] = symbol.split(/@@?/, 2);
  const all = symbolsOf(elf, name);
  const named = wanted === undefined
    ? all
    : all.filter(({ version }) => version === wanted);
  const defined = named.filter(({ isImported, offset }) =>
    !isImported && offset >= 0
  );
  if (defined.length === 0) throw absence(path, symbol, all);
  const offset = onlyOffset(defined) ??
    onlyOffset(defined.filter(({ isDefault }) => isDefault)) ??
    onlyOffset(defined.filter(({ isLocal }) => !isLocal)) ??
    onlyOffset(
      defined.filter(({ isDefault, isLocal }) => isDefault && !isLocal),
    );
  if (offset === undefined) throw ambiguity(path, symbol, defined);
  if (defined.some((found) => found.isIndirect && found.offset === offset)) {
    throw new NotSupportedError(
      `Cannot attach to "${symbol}" of "${path}": it is an indirect function (STT_GNU_IFUNC), whose symbol is of the resolver that chooses one of several functions when the program is loaded: attach to one of those, by its own symbol or by offset`,
    );
  }
  return offset;
}

/** The offset that all of some symbols have; undefined if they differ. */
function onlyOffset(symbols: readonly FunctionSymbol[]): number | undefined {
  const offset = symbols[0]?.offset;
  return symbols.every((symbol) => symbol.offset === offset)
    ? offset
    : undefined;
}

function absence(
  path: string,
  symbol: string,
  all: readonly FunctionSymbol[],
): Error {
  if (all.some(({ isImported }) => isImported)) {
    return new NotSupportedError(
      `Cannot attach to "${symbol}" of "${path}": the file imports it; attach to the library that has it`,
    );
  }
  const versions = all.flatMap(({ version }) => version ?? []).sort();
  const others = versions.length === 0
    ? ""
    : `; there are the versions ${[...new Set(versions)].join(", ")}`;
  return systemError(
    ENOENT,
    "symbol look-up",
    `there is no function "${symbol}" in "${path}"${others}`,
  );
}

function ambiguity(
  path: string,
  symbol: string,
  defined: readonly FunctionSymbol[],
): Error {
  const choices = defined.map(({ version, offset }) =>
    version === undefined
      ? `offset 0x${offset.toString(16)}`
      : `"${symbol.split("@")[0]}@${version}"`
  );
  return new NotSupportedError(
    `Cannot attach to "${symbol}" of "${path}": there are several functions of that name: pass one of ${
      [...new Set(choices)].join(", ")
    }`,
  );
}
