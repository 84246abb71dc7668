/** Random numbers in plenty, and what to draw of them. */

import { Random } from "../_support.ts";

/**
 * The same as {@linkcode Random}, without bigints in what is asked for most:
 * most of a run's time would go into those.
 */
export class FastRandom extends Random {
  #state: number;

  /** Starts from some numbers, all of which count. */
  constructor(...from: number[]) {
    super(0);
    this.#state = from.reduce((sum, next) => mix(sum ^ mix(next)), 0x9e3779b9);
  }

  override biguint64(): bigint {
    return BigInt(this.#next()) << 32n | BigInt(this.#next());
  }

  override float(): number {
    return (this.#next() * 2 ** 21 + (this.#next() >>> 11)) / 2 ** 53;
  }

  override int(limit: number): number {
    return Math.floor(this.#next() / 2 ** 32 * limit);
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.#next() < probability * 2 ** 32;
  }

  #next(): number {
    this.#state = this.#state + 0x9e3779b9 | 0;
    return mix(this.#state);
  }
}

/** Scrambles 32 bits: the finaliser of MurmurHash3, by Austin Appleby. */
function mix(bits: number): number {
  bits = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  bits = Math.imul(bits ^ bits >>> 13, 0xc2b2ae35);
  return (bits ^ bits >>> 16) >>> 0;
}

const STRANGE: readonly unknown[] = [
  NaN,
  1.5,
  -1,
  -0,
  255,
  256,
  -129,
  2 ** 31,
  2 ** 32,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 60),
  Infinity,
  0n,
  -1n,
  2n ** 63n,
  2n ** 64n,
  -(2n ** 63n) - 1n,
  "",
  "1",
  "a\0b",
  "\ud800",
  "far too long for any text that is there",
  true,
  null,
  undefined,
  Symbol("strange"),
  {},
  [],
  [1],
  () => 1,
];

/** A value of any kind. */
export function strangeValue(random: FastRandom): unknown {
  return random.pick(STRANGE);
}

/** Mostly an index of `length` elements, else something that is none. */
export function randomIndex(random: FastRandom, length: number): unknown {
  if (length > 0 && random.chance(0.85)) return random.int(length);
  return random.pick([
    length,
    -1,
    -length,
    length - 1,
    0,
    1.5,
    NaN,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    "0",
    undefined,
    null,
  ]);
}
