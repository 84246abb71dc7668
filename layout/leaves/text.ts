/** UTF-8 in a fixed number of bytes, NUL-terminated or full. */

import { show } from "../../base/show.ts";
import { type Part, part, sharedPart } from "../../base/specialise.ts";
import { closed, type Region } from "../region/region.ts";
import type { Declarator, Fits, Leaf, Load, Store } from "./leaf.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Reads a text; bytes that are not UTF-8 become U+FFFD. */
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
  if (!ascii || length > 64) return decoder.decode(bytes.subarray(0, length));
  let text = "";
  for (let index = 0; index < length; index++) {
    text += String.fromCharCode(bytes[index]!);
  }
  return text;
}

/**
 * The bytes of a text, the rest of them zero.
 *
 * @throws {TypeError} If it is not a string.
 * @throws {RangeError} If it cannot be stored in so many bytes.
 */
function textBytes(value: unknown, size: number, path: string): Uint8Array {
  if (typeof value !== "string") {
    throw new TypeError(
      `Cannot store ${show(value)} as ${path}: must be a string`,
    );
  }
  if (!value.isWellFormed()) {
    throw new RangeError(
      `Cannot store ${show(value)} as ${path}: must not hold a lone surrogate`,
    );
  }
  const encoded = encoder.encode(value);
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
  const bytes = new Uint8Array(size);
  bytes.set(encoded);
  return bytes;
}

function loadText(size: number): Load {
  return (region, offset) => readText(region, offset, size);
}

function storeText(size: number): Store {
  return (region, offset, value) => {
    const bytes = textBytes(value, size, "text");
    if (region.u8[offset] === undefined) closed(region);
    region.u8.set(bytes, offset);
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
  readonly fits: Part<Fits> = part(fitsString);
  readonly isQuick = false;
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
    this.declarator = { base: "char", suffix: `[${size}]` };
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
