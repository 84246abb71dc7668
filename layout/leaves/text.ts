/** UTF-8 in a fixed number of bytes, NUL-terminated or full. */

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

/** Reads a text. */
function readText(region: Region, offset: number, size: number): string {
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
 * @throws {RangeError} if it cannot be stored in so many bytes.
 */
function textBytes(value: unknown, size: number, path: string): Uint8Array {
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot store ${show(value)} as ${path}: must be a string`,
    );
  }
  const encoded = encode(value);
  if (encoded === undefined) {
    throw new RangeError(
      `Cannot store ${
        show(value)
      } as ${path}: must not hold a lone surrogate, but for U+DC80 to U+DCFF`,
    );
  }
  if (encoded.length > size) {
    throw new RangeError(
      `Cannot store ${
        show(value.length > 80 ? `${value.slice(0, 80)}…` : value)
      } as ${path}: must take at most ${size} bytes in UTF-8 and takes ${encoded.length}`,
    );
  }
  if (encoded.includes(0)) {
    throw new RangeError(
      `Cannot store ${show(value)} as ${path}: must not hold a NUL`,
    );
  }
  return encoded;
}

/** Writes a text and zeros behind it, unless it is there already. */
function writeText(
  region: Region,
  offset: number,
  size: number,
  bytes: Uint8Array,
): void {
  const { u8 } = region;
  if (u8[offset] === undefined) closed(region);
  const isThere = bytes.every((byte, index) => u8[offset + index] === byte) &&
    (bytes.length === size || u8[offset + bytes.length] === 0);
  if (isThere) return;
  u8.set(bytes, offset);
  u8.fill(0, offset + bytes.length, offset + size);
}

function loadText(size: number): Load {
  return (region, offset) => readText(region, offset, size);
}

function storeText(size: number): Store {
  return (region, offset, value) => {
    writeText(region, offset, size, textBytes(value, size, "text"));
  };
}

function fitsString(): Fits {
  return (a) => typeof a === "string";
}

/** `char[size]`. */
export class TextLeaf implements Leaf {
  readonly #size: number;
  readonly #load: Part<Load>;
  readonly #store: Part<Store>;
  readonly storeOverZeros: Store;
  readonly fits: Part<Fits> = part(fitsString);
  readonly isQuick = false;
  readonly alignment = 1;
  readonly lane = undefined;
  readonly isNative = false;
  readonly namesErrors = false;
  readonly declarator: Declarator;
  readonly zero = undefined;

  /** Text in so many bytes. */
  constructor(size: number) {
    this.#size = size;
    this.#load = sharedPart(loadText, size);
    this.#store = sharedPart(storeText, size);
    this.storeOverZeros = (region, offset, value) => {
      const bytes = textBytes(value, size, "text");
      region.u8.set(bytes, offset);
      if (bytes.length < size) region.u8[offset + bytes.length] = 0;
    };
    this.declarator = { base: "char", suffix: `[${size}]` };
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
    textBytes(value, this.#size, path);
  }
}
