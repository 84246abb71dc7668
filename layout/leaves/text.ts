/** Text in a fixed number of bytes, NUL-terminated or full: UTF-8 and UTF-16. */

import { show } from "../../base/show.ts";
import { type Part, part, sharedPart } from "../../base/specialise.ts";
import { closed, type Region } from "../region/region.ts";
import type { Declarator, Fits, Leaf, Load, Store } from "./leaf.ts";

// A byte that is not UTF-8 is a lone surrogate in the string, U+DC80 for 0x80 and
// so on, as Python's "surrogateescape" has it (PEP 383): no byte is lost.

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** The number that is added to a byte that is not UTF-8. */
const ESCAPE = 0xdc00;
const REPLACEMENT = "\ufffd";

/** The encoding of a text that takes so many bytes. */
export interface Encoding {
  /** The size of the text in bytes. */
  readonly size: number;
  /** The size of a code unit in bytes. */
  readonly unit: 1 | 2;
  /** The name of a code unit in C. */
  readonly cName: string;
  /** Reads a text up to its NUL. */
  read(region: Region, offset: number): string;
  /**
   * The bytes of a text, without a NUL behind them.
   *
   * @throws {RangeError} if some of it cannot be stored.
   */
  encode(value: string, path: string): Uint8Array;
  /** The words that say how large a text is, for error messages. */
  describe(bytes: number): string;
}

/** Reads UTF-8. */
function readUtf8(region: Region, offset: number, size: number): string {
  const { u8 } = region;
  if (u8[offset] === undefined) closed(region);
  // One copy first: what another writes meanwhile must not move the end.
  const bytes = new Uint8Array(size);
  let length = 0;
  let ascii = true;
  for (; length < size; length++) {
    const byte = u8[offset + length]!;
    if (byte === 0) break;
    bytes[length] = byte;
    ascii &&= byte < 0x80;
  }
  if (!ascii || length > 64) return decode(bytes.subarray(0, length));
  let text = "";
  for (let index = 0; index < length; index++) {
    text += String.fromCharCode(bytes[index]!);
  }
  return text;
}

/** The string of bytes, without loss. */
export function decode(bytes: Uint8Array<ArrayBuffer>): string {
  const text = decoder.decode(bytes);
  return text.includes(REPLACEMENT) ? decodeEscaped(bytes) : text;
}

/** Decodes one character after the other. */
function decodeEscaped(bytes: Uint8Array<ArrayBuffer>): string {
  let text = "";
  for (let index = 0; index < bytes.length;) {
    const byte = bytes[index]!;
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const sequence = bytes.subarray(index, index + length);
    const character = decoder.decode(sequence);
    const isUtf8 = !character.includes(REPLACEMENT) ||
      isReplacement(sequence);
    text += isUtf8 ? character : String.fromCharCode(ESCAPE + byte);
    index += isUtf8 ? length : 1;
  }
  return text;
}

/** Tests whether this is U+FFFD itself. */
function isReplacement([first, second, third]: Uint8Array): boolean {
  return first === 0xef && second === 0xbf && third === 0xbd;
}

/** The bytes of a string; undefined where it has surrogates that are no bytes. */
export function encode(value: string): Uint8Array | undefined {
  if (value.isWellFormed()) return encoder.encode(value);
  const bytes: number[] = [];
  for (const character of value) {
    const code = character.codePointAt(0)!;
    if (character.isWellFormed()) bytes.push(...encoder.encode(character));
    else if (code < ESCAPE + 0x80 || code > ESCAPE + 0xff) return undefined;
    else bytes.push(code - ESCAPE);
  }
  return new Uint8Array(bytes);
}

/**
 * The bytes of a text, without a NUL behind them.
 *
 * @throws {TypeError} if it is not a string.
 * @throws {RangeError} if it cannot be stored there.
 */
function textBytes(
  value: unknown,
  encoding: Encoding,
  path: string,
): Uint8Array {
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot store ${show(value)} as ${path}: must be a string`,
    );
  }
  const bytes = encoding.encode(value, path);
  const { size } = encoding;
  if (bytes.length > size) {
    throw new RangeError(
      `Cannot store ${
        show(value.length > 80 ? `${value.slice(0, 80)}…` : value)
      } as ${path}: must take at most ${encoding.describe(size)} and takes ${
        bytes.length / encoding.unit
      }`,
    );
  }
  if (value.includes("\0")) {
    throw new RangeError(
      `Cannot store ${show(value)} as ${path}: must not hold a NUL`,
    );
  }
  return bytes;
}

/** UTF-8 in so many bytes. */
export function utf8(size: number): Encoding {
  return {
    size,
    unit: 1,
    cName: "char",
    read: (region, offset) => readUtf8(region, offset, size),
    encode(value, path) {
      const bytes = encode(value);
      if (bytes !== undefined) return bytes;
      throw new RangeError(
        `Cannot store ${
          show(value)
        } as ${path}: must not hold a lone surrogate, but for U+DC80 to U+DCFF`,
      );
    },
    describe: (bytes) => `${bytes} bytes in UTF-8`,
  };
}

/** UTF-16 in so many code units: a string as it is, lone surrogates as well. */
export function utf16(length: number): Encoding {
  return {
    size: length * 2,
    unit: 2,
    cName: "char16_t",
    read: (region, offset) => readUtf16(region, offset, length),
    encode(value) {
      const units = new Uint16Array(value.length);
      for (let i = 0; i < units.length; i++) units[i] = value.charCodeAt(i);
      return new Uint8Array(units.buffer);
    },
    describe: (bytes) => `${bytes / 2} code units in UTF-16`,
  };
}

/** Reads UTF-16. */
function readUtf16(region: Region, offset: number, length: number): string {
  const { u8, u16, dv } = region;
  if (u8[offset] === undefined) closed(region);
  const units: number[] = [];
  const isAligned = offset % 2 === 0;
  while (units.length < length) {
    const at = offset + units.length * 2;
    // An aligned code unit is read in one piece, as a number is.
    const unit = isAligned ? u16[at / 2]! : dv.getUint16(at, true);
    if (unit === 0) break;
    units.push(unit);
  }
  let text = "";
  // As many arguments as every engine takes.
  for (let from = 0; from < units.length; from += 4096) {
    text += String.fromCharCode(...units.slice(from, from + 4096));
  }
  return text;
}

/** Writes a text and zeros behind it, unless it is there already. */
function writeText(
  region: Region,
  offset: number,
  { size, unit }: Encoding,
  bytes: Uint8Array,
): void {
  const { u8 } = region;
  if (u8[offset] === undefined) closed(region);
  const end = offset + bytes.length;
  const isThere = bytes.every((byte, index) => u8[offset + index] === byte) &&
    (bytes.length === size || u8[end] === 0 && u8[end + unit - 1] === 0);
  if (isThere) return;
  u8.set(bytes, offset);
  u8.fill(0, end, offset + size);
}

function loadText(encoding: Encoding): Load {
  return (region, offset) => encoding.read(region, offset);
}

function storeText(encoding: Encoding): Store {
  return (region, offset, value) => {
    writeText(region, offset, encoding, textBytes(value, encoding, "text"));
  };
}

function fitsString(): Fits {
  return (a) => typeof a === "string";
}

/** `char[size]` or `char16_t[length]`. */
export class TextLeaf implements Leaf {
  readonly #encoding: Encoding;
  readonly #load: Part<Load>;
  readonly #store: Part<Store>;
  readonly storeOverZeros: Store;
  readonly fits: Part<Fits> = part(fitsString);
  readonly isQuick = false;
  readonly alignment: number;
  readonly lane = undefined;
  readonly isNative = false;
  readonly namesErrors = false;
  readonly declarator: Declarator;
  readonly zero = undefined;

  /** Text of an encoding. */
  constructor(encoding: Encoding) {
    const { size, unit, cName } = encoding;
    this.#encoding = encoding;
    this.alignment = unit;
    this.#load = sharedPart(loadText, encoding);
    this.#store = sharedPart(storeText, encoding);
    this.storeOverZeros = (region, offset, value) => {
      const bytes = textBytes(value, encoding, "text");
      const end = offset + bytes.length;
      region.u8.set(bytes, offset);
      if (bytes.length < size) region.u8.fill(0, end, end + unit);
    };
    this.declarator = { base: cName, suffix: `[${size / unit}]` };
  }

  /** True: what follows the NUL is not read. */
  isVague(): boolean {
    return true;
  }

  /** See {@linkcode Leaf.readsAs}. */
  readsAs(value: unknown, read: unknown): boolean {
    return value === read;
  }

  /** See {@linkcode Leaf.load}. */
  load(): Part<Load> {
    return this.#load;
  }

  /** See {@linkcode Leaf.store}. */
  store(): Part<Store> {
    return this.#store;
  }

  /** See {@linkcode Leaf.check}. */
  check(value: unknown, path: string): void {
    textBytes(value, this.#encoding, path);
  }
}
