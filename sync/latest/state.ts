/**
 * The owners of the buffers, in one word of 32 bits: so that it changes hands
 * as a whole, and whoever takes over after a death knows what is free.
 *
 * - Bits 0 and 1: the buffer that the reader has.
 * - Bits 2 and 3: the buffer between the two, exclusive-or 1.
 * - Bits 4 and 5: the buffer that the writer has, exclusive-or 2.
 * - Bit 6: whether the one between the two is newer than the reader's.
 * - Bit 7: whether anything was ever submitted.
 * - From bit 8: how many were submitted, modulo 2^24.
 *
 * Memory that reads as zeros is the beginning: reader 0, between 1, writer 2.
 */

import { CorruptError } from "../../errors.ts";
import type { SharedWord } from "../shared/order.ts";

const FRESH = 1 << 6;
const EVER = 1 << 7;
const COUNT = 1 << 8;

/** A state, taken apart. */
export interface State {
  /** The word. */
  readonly word: number;
  /** The buffer that the reader has. */
  readonly front: number;
  /** The buffer between the two. */
  readonly middle: number;
  /** The buffer that the writer has. */
  readonly back: number;
  /** True if the one between the two is newer than the reader's. */
  readonly fresh: boolean;
  /** True if anything was ever submitted. */
  readonly ever: boolean;
}

/**
 * Reads the state.
 *
 * @param name The name of the structure in error messages.
 * @throws {CorruptError} if a buffer is in two hands.
 */
export function stateOf(state: SharedWord, name: string): State {
  const word = state.load();
  const front = word & 3;
  const middle = (word >> 2 & 3) ^ 1;
  const back = (word >> 4 & 3) ^ 2;
  if ((1 << front | 1 << middle | 1 << back) !== 7) {
    throw new CorruptError(
      `${name}: The buffers are ${front}, ${middle} and ${back}: they must be 0, 1 and 2 in some order`,
    );
  }
  const fresh = (word & FRESH) !== 0;
  return { word, front, middle, back, fresh, ever: (word & EVER) !== 0 };
}

function wordOf(front: number, middle: number, back: number): number {
  return front | (middle ^ 1) << 2 | (back ^ 2) << 4;
}

/** The word after the writer has submitted its buffer. */
export function submitted({ word, front, middle, back }: State): number {
  const count = (word & -COUNT) + COUNT;
  return count | EVER | FRESH | wordOf(front, back, middle);
}

/** The word after the reader has taken the newest. */
export function taken({ word, front, middle, back }: State): number {
  return word & (-COUNT | EVER) | wordOf(middle, front, back);
}
