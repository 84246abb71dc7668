/**
 * The types of the layout benches: a record of 64 bytes, the same record
 * written by hand, and fifty other types that a program may also have used.
 *
 * @module
 */

import {
  array,
  f32,
  f64,
  HostLayout,
  i16,
  i32,
  pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../layout/mod.ts";

/** Two levels in. */
export const Deep = struct("Deep", { _: HostLayout, x: i32, y: i32 });
/** One level in. */
export const Nested = struct("Nested", {
  _: HostLayout,
  small: i16,
  ratio: f32,
  deep: Deep,
});
/** The record: 64 bytes. */
export const Record = struct("Record", {
  _: HostLayout,
  tag: u8,
  count: i32,
  bytes: u64,
  load: f64,
  port: u16,
  flags: u32,
  nested: Nested,
  words: array(u32, 3),
  last: u32,
});

/** The size of a record in bytes. */
export const SIZE = Record.size;

/** Typed arrays over the same bytes, as a hand-written class would have them. */
export class Views {
  declare readonly u8: Uint8Array;
  declare readonly i32: Int32Array;
  declare readonly u32: Uint32Array;
  declare readonly u16: Uint16Array;
  declare readonly i16: Int16Array;
  declare readonly u64: BigUint64Array;
  declare readonly f32: Float32Array;
  declare readonly f64: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}

function closed(): never {
  throw new Error("The memory is closed");
}

function refuse(name: string, value: unknown): never {
  throw new RangeError(`Cannot store ${value} as ${name}`);
}

/**
 * A pointer to a record as one would write it by hand for this record alone:
 * the same two private fields, typed arrays, and the same checks.
 */
export class HandWritten {
  #v: Views;
  #o: number;

  constructor(views: Views, offset: number) {
    this.#v = views;
    this.#o = offset;
  }

  get tag(): number {
    return this.#v.u8[this.#o] ?? closed();
  }
  get count(): number {
    return this.#v.i32[this.#o + 4 >> 2] ?? closed();
  }
  set count(value: number) {
    const lane = this.#v.i32;
    const index = this.#o + 4 >> 2;
    if ((value | 0) !== value) refuse("count", value);
    if (lane[index] === undefined) closed();
    lane[index] = value;
  }
  get bytes(): bigint {
    return this.#v.u64[this.#o + 8 >> 3] ?? closed();
  }
  get load(): number {
    return this.#v.f64[this.#o + 16 >> 3] ?? closed();
  }
  get port(): number {
    return this.#v.u16[this.#o + 24 >> 1] ?? closed();
  }
  get flags(): number {
    return this.#v.u32[this.#o + 28 >> 2] ?? closed();
  }
  get small(): number {
    return this.#v.i16[this.#o + 32 >> 1] ?? closed();
  }
  get ratio(): number {
    return this.#v.f32[this.#o + 36 >> 2] ?? closed();
  }
  get x(): number {
    return this.#v.i32[this.#o + 40 >> 2] ?? closed();
  }
  get last(): number {
    return this.#v.u32[this.#o + 60 >> 2] ?? closed();
  }
}

/** Memory in an engine-owned buffer whose address never moves. */
export function memory(bytes: number): ArrayBuffer {
  const pages = Math.ceil(bytes / 65536);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  // Pages that were never written are all one page of zeros, always in cache.
  const words = new Uint32Array(buffer as ArrayBuffer);
  for (let index = 0; index < words.length; index++) words[index] = index & 511;
  return buffer as ArrayBuffer;
}

/** Fifty types of a few fields each, that differ in all offsets and names. */
export const others = Array.from(
  { length: 50 },
  (_, index) =>
    struct(`Other${index}`, {
      _: HostLayout,
      before: array(u32, index % 7 + 1),
      x: i32,
      [`n${index}`]: u64,
      ratio: f64,
      y: u32,
    }),
);

/** Uses every other type over three memories, as a real program might have. */
export function warmOthers(): number {
  let sum = 0;
  for (let round = 0; round < 3; round++) {
    const buffer = memory(65536);
    for (const type of others) {
      for (let index = 0; index < 200; index++) {
        const other = pointer(type, buffer, index * 8);
        other.x = index;
        other.y += 1;
        other.ratio = index / 2;
        sum += other.x + other.y + other.ratio;
      }
    }
  }
  return sum;
}
