/** Plain data of the bytes of a key or a value, and the reverse. */

import { isDeepStrictEqual } from "node:util";
import { readValue } from "../../../layout/access/read_whole.ts";
import { type Reader, readerOf } from "../../../layout/access/reader.ts";
import { Region } from "../../../layout/region/region.ts";
import type { AnyType } from "../../../layout/model/types.ts";
import { Block } from "../../../ffi/block.ts";
import { show } from "../../../base/show.ts";
import { writeValue } from "../../../layout/access/write_whole.ts";
import type { Type } from "../../../layout/mod.ts";
import { requireBytesOf, requireU32 } from "../../../base/arguments.ts";
import type { EntryTypes } from "../types_from_btf.ts";
import { type Copy, ownCopy } from "./copies.ts";
import type { EntryLayout } from "./layout.ts";
import { type HasUntold, untoldIn } from "./untold.ts";
import { requireKeyKind } from "./commands.ts";
import { requireTypeOfSize } from "../../../layout/model/open_ended.ts";

/** The part of an entry that a codec is for. */
export type Part = "keys" | "values";

/** The conversion between keys or values in bytes and plain data. */
export interface Codec {
  /**
   * Reads the one at an offset of a region; there are all of its bytes.
   *
   * @param copy The way to copy bytes that nobody knows the type of.
   */
  read(region: Region, offset: number, copy: Copy): unknown;
  /**
   * The bytes of a value, in a buffer of their own.
   *
   * @throws {TypeError | RangeError} if it is not of its kind, or does not fit.
   */
  write(value: unknown): Uint8Array<ArrayBuffer>;
}

/** A block that codecs read from. */
export class ReadBlock extends Block {
  /** All of its bytes as a region. */
  readonly region: Region = new Region(
    this.buffer,
    0,
    this.bytes.length,
    "buffer",
  );
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
}

function titleOf(part: Part): string {
  return part === "keys" ? "Key" : "Value";
}

/** Bytes as they are, where nobody knows what they mean. */
class Bytes implements Codec {
  readonly #part: Part;
  readonly #size: number;

  constructor(part: Part, size: number) {
    this.#part = part;
    this.#size = size;
  }

  read(region: Region, offset: number, copy: Copy): unknown {
    return copy(region, offset, this.#size);
  }

  write(value: unknown): Uint8Array<ArrayBuffer> {
    const title = titleOf(this.#part);
    if (
      typeof value === "number" && this.#part === "keys" && this.#size === 4
    ) {
      const bytes = new Uint8Array(new ArrayBuffer(4));
      new Uint32Array(bytes.buffer)[0] = requireU32(title, value, 0);
      return bytes;
    }
    if (this.#part === "keys") requireKeyKind(value, this.#size);
    requireBytesOf(title, value, this.#size);
    const bytes = new Uint8Array(this.#size);
    bytes.set(value);
    return bytes;
  }
}

/** So many reads are not worth code of their own. */
const FEW = 16;
/** Generated code counts with 32 bits. */
const MOST_FOR_READERS = 2 ** 31;

function readWith(type: AnyType): Reader {
  return (region, offset, bytes) => readValue(type, region, offset, bytes);
}

/** The bytes that plain data was read of, where it does not tell all of them. */
const origins = new WeakMap<
  object,
  { readonly type: Type; readonly bytes: Uint8Array<ArrayBuffer> }
>();

/** Values of a type. */
class Typed implements Codec {
  readonly #type: Type;
  readonly #size: number;
  readonly #part: Part;
  readonly #isAligned: boolean;
  readonly #hasUntold: HasUntold | undefined;
  #scratch: ReadBlock | undefined;
  #reads = 0;
  #reader: Reader | undefined;

  constructor(type: Type, part: Part, size: number, stride: number) {
    requireTypeOfSize(type, `the map's ${part}`, size);
    this.#type = type;
    this.#size = size;
    this.#part = part;
    this.#isAligned = stride % type.align === 0;
    this.#hasUntold = untoldIn(type as AnyType, size);
  }

  read(region: Region, offset: number): unknown {
    const value = this.#plain(region, offset);
    if (this.#hasUntold?.(region.u8, offset)) {
      this.#remember(value, ownCopy(region, offset, this.#size));
    }
    return value;
  }

  /** Lets a key that was read find its own entry again, to the byte. */
  #remember(value: unknown, bytes: Uint8Array<ArrayBuffer>): void {
    if (typeof value === "object" && value !== null) {
      origins.set(value, { type: this.#type, bytes });
    } else if (this.#part === "keys") {
      throw new RangeError(
        `The key ${show(value)} has bytes that it does not tell, ${
          hexOf(bytes)
        }, and would not find its entry: pass array(u8, ${this.#size}) as keyType, or use keyBytes()`,
      );
    }
  }

  /** The bytes that a value was read of, if it is as it was. */
  #originOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
    const origin = origins.get(value as object);
    if (origin === undefined || origin.type !== this.#type) return undefined;
    const { bytes } = origin;
    if (bytes.length !== this.#size) return undefined;
    const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
    const unchanged = this.#plain(region, 0);
    return isDeepStrictEqual(value, unchanged) ? bytes.slice() : undefined;
  }

  #plain(region: Region, offset: number): unknown {
    if (this.#isAligned) return this.#readAt(region, offset);
    const scratch = this.#scratch ??= new ReadBlock(this.#size);
    scratch.put(new Uint8Array(region.buffer, offset, this.#size));
    return this.#readAt(scratch.region, 0);
  }

  write(value: unknown): Uint8Array<ArrayBuffer> {
    const origin = this.#originOf(value);
    if (origin !== undefined) return origin;
    const scratch = this.#scratch ?? new ReadBlock(this.#size);
    // Getters of the value may come back here meanwhile.
    this.#scratch = undefined;
    scratch.bytes.fill(0);
    writeValue(
      this.#type as AnyType,
      scratch.region,
      0,
      this.#size,
      value,
    );
    const bytes = new Uint8Array(scratch.bytes);
    this.#scratch = scratch;
    return bytes;
  }

  #readAt(region: Region, offset: number): unknown {
    const type = this.#type as AnyType;
    if (this.#reads < FEW) {
      this.#reads++;
      return readValue(type, region, offset, this.#size);
    }
    const reader = this.#reader ??= readerOf(type) ?? readWith(type);
    return region.size > MOST_FOR_READERS
      ? readValue(type, region, offset, this.#size)
      : reader(region, offset, this.#size);
  }
}

/** One value for each CPU, at strides of 8 bytes. */
class PerCpu implements Codec {
  readonly #codec: Codec;
  readonly #cpus: number;
  readonly #stride: number;

  constructor(codec: Codec, cpus: number, stride: number) {
    this.#codec = codec;
    this.#cpus = cpus;
    this.#stride = stride;
  }

  read(region: Region, offset: number, copy: Copy): unknown {
    const values: unknown[] = [];
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      values[cpu] = this.#codec.read(region, offset + cpu * this.#stride, copy);
    }
    return values;
  }

  write(values: unknown): Uint8Array<ArrayBuffer> {
    const cpus = this.#cpus;
    const { length } = (values ?? {}) as { length?: unknown };
    if (typeof values !== "object" || typeof length !== "number") {
      throw new TypeError(
        `Value must be an array of one for each of the ${cpus} CPUs: received ${
          show(values)
        }`,
      );
    }
    if (length !== cpus) {
      throw new RangeError(
        `Value must be an array of one for each of the ${cpus} CPUs: it has ${length}`,
      );
    }
    const bytes = new Uint8Array(cpus * this.#stride);
    for (let cpu = 0; cpu < cpus; cpu++) {
      const value = (values as ArrayLike<unknown>)[cpu];
      bytes.set(this.#codec.write(value), cpu * this.#stride);
    }
    return bytes;
  }
}

/**
 * The codec of keys or values.
 *
 * @param type The type of the keys or values; bytes where it is undefined.
 * @param size The size of one in bytes.
 * @param stride The distance between two of them in bytes, a multiple of 8 or
 * the size.
 * @throws {InvalidTypeError} if the type cannot be pointed to, or has another
 * size.
 */
export function codecOf(
  type: Type | undefined,
  part: Part,
  size: number,
  stride: number,
): Codec {
  return type === undefined
    ? new Bytes(part, size)
    : new Typed(type, part, size, stride);
}

/** The codecs of a map's keys and values. */
export interface EntryCodecs {
  readonly keys: Codec;
  /** That of the values of all CPUs, where each has one. */
  readonly values: Codec;
}

/**
 * The codecs of a map's entries; bytes where a type is undefined.
 *
 * @throws {InvalidTypeError} if a type cannot be pointed to, or has another size.
 */
export function entryCodecs(
  { keySize, valueSize, cpus, valueLength }: EntryLayout,
  { keyType, valueType }: EntryTypes,
): EntryCodecs {
  const stride = valueLength / (cpus ?? 1);
  const keys = codecOf(keyType, "keys", keySize, keySize);
  const one = codecOf(valueType, "values", valueSize, stride);
  const values = cpus === undefined ? one : new PerCpu(one, cpus, stride);
  return { keys, values };
}
