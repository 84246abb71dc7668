/** Bytes without further meaning, whose value is all of them. */

import { isBytes, lengthOf } from "../../base/bytes.ts";
import { show } from "../../base/show.ts";
import { type Part, sharedPart } from "../../base/specialise.ts";
import { closed } from "../region/region.ts";
import type { Declarator, Fits, Leaf, Load, Store } from "./leaf.ts";

function loadBytes(size: number): Load {
  return (region, offset) => {
    const { u8 } = region;
    if (u8[offset] === undefined) closed(region);
    return u8.slice(offset, offset + size);
  };
}

// Another thread may have made a growable array longer since it was checked:
// `set` then throws, where there is no room for more than the bytes.

function storeBytes(size: number): Store {
  return (region, offset, value: Uint8Array) => {
    const { u8 } = region;
    if (u8[offset] === undefined) closed(region);
    u8.subarray(offset, offset + size).set(value);
  };
}

function fitsBytes(size: number): Fits {
  return (a) => isBytes(a) && lengthOf(a) === size;
}

/** `uint8_t[size]`, read and written as a whole: it can tear. */
export class BytesLeaf implements Leaf {
  readonly #size: number;
  readonly #load: Part<Load>;
  readonly #store: Part<Store>;
  readonly fits: Part<Fits>;
  readonly isQuick = false;
  readonly alignment = 1;
  readonly lane = undefined;
  readonly isNative = false;
  readonly namesErrors = false;
  readonly declarator: Declarator;
  readonly zero = undefined;

  /** So many bytes. */
  constructor(size: number) {
    this.#size = size;
    this.#load = sharedPart(loadBytes, size);
    this.#store = sharedPart(storeBytes, size);
    this.fits = sharedPart(fitsBytes, size);
    this.declarator = { base: "uint8_t", suffix: `[${size}]` };
  }

  /** Each of the bytes counts. */
  isVague(): boolean {
    return false;
  }

  /** The bytes as they are now: those given may be a part of what is written. */
  capture(value: unknown): unknown {
    const bytes = new Uint8Array(this.#size);
    bytes.set(value as Uint8Array);
    return bytes;
  }

  /** See {@linkcode Leaf.readsAs}. */
  readsAs(value: unknown, read: unknown): boolean {
    const bytes = read as Uint8Array;
    return (value as Uint8Array).every((byte, index) => byte === bytes[index]);
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
    if (!isBytes(value)) {
      throw new TypeError(
        `Cannot store ${show(value)} as ${path}: must be a Uint8Array`,
      );
    }
    const length = lengthOf(value);
    if (length !== this.#size) {
      throw new RangeError(
        `Cannot store ${length} bytes as ${path}: must be ${this.#size}`,
      );
    }
  }
}
