/** The cache lines of a ring that its producer is about to fill. */

import type { Region } from "../../layout/region/region.ts";
import type { Placed } from "../shared/structure.ts";
import { CONTENTS } from "./fields.ts";

/** The size of a cache line in bytes; longer ones are taken twice. */
const LINE = 64;

/** The size of what is taken at once, in bytes. */
const PIECE = 32 * LINE;

/**
 * The cache lines of free slots: the consumer's processor has them, as it read them
 * a lap before.
 *
 * A store waits until its line has come, and a processor keeps only some fifty stores
 * waiting: those of four messages. So lines would come four at a time. One store for
 * each of 32 lines has all of them come at once. A ring of 64-byte messages between two
 * processes is twice as fast with it, in C and in Deno (`deno task bench sync`). Every
 * byte keeps its value.
 */
export class FreeLines {
  readonly #region: Region;
  readonly #start: number;
  readonly #mask: number;
  readonly #size: number;
  readonly #countMax: number;
  /** The index up to which they were taken. */
  index: number;

  /**
   * @param ring The ring.
   * @param index The index that the producer goes on from.
   */
  constructor({ region, at, capacity, element }: Placed, index: number) {
    const { size } = element;
    this.#region = region;
    this.#start = at + CONTENTS;
    this.#mask = capacity - 1;
    this.#size = size;
    // A large slot is filled by copies, whose stores are few for each line.
    this.#countMax = size * 2 > PIECE ? 0 : Math.floor(PIECE / size);
    this.index = index;
  }

  /**
   * Takes some, unless those up to an index were taken.
   *
   * @param upTo An index up to which all is free.
   * @param end The index of the first that is not free.
   * @returns The index up to which they are taken now.
   */
  take(upTo: number, end: number): number {
    const from = this.index;
    if (((from - upTo) | 0) >= 0) return from;
    const size = this.#size;
    const first = from & this.#mask;
    const count = Math.min(
      this.#countMax,
      (end - from) >>> 0,
      this.#mask + 1 - first,
    );
    const begin = this.#start + first * size;
    const behind = begin + count * size;
    const { u8 } = this.#region;
    for (let at = begin; at < behind; at += LINE) u8[at] = u8[at]!;
    const taken = (from + count) | 0;
    return this.index = ((taken - upTo) | 0) >= 0 ? taken : upTo | 0;
  }
}
