/** Finds types by name without making strings of all names. */

/**
 * The most bytes of a name that are hashed: names may overlap, and be megabytes
 * long.
 */
const HASHED = 64;

/**
 * The hash of the name that begins there and ends at a NUL or with the bytes
 * (FNV-1a); never 0.
 */
export function hashOf(bytes: Uint8Array, start: number): number {
  let hash = 0x811c9dc5;
  const end = Math.min(start + HASHED, bytes.length);
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash ^ hash >>> 15 || 1;
}

const encoder = new TextEncoder();

/** A hash table over the names of types: three integers a type. */
export class NameIndex {
  /** For each bucket the first type and one, 0 for none. */
  readonly #first: Uint32Array;
  /** For each type the next of its bucket and one, 0 for none. */
  readonly #next: Uint32Array;
  readonly #hashes: Int32Array;

  /** Takes the hash of each type's name, 0 for those without. */
  constructor(hashes: Int32Array) {
    const { length } = hashes;
    const mask = 2 ** Math.ceil(Math.log2(length + 1)) - 1;
    const first = new Uint32Array(mask + 1);
    const next = new Uint32Array(length);
    // From the last to the first, as each is put before those already there.
    for (let index = length - 1; index >= 0; index--) {
      const hash = hashes[index]!;
      if (hash === 0) continue;
      next[index] = first[hash & mask]!;
      first[hash & mask] = index + 1;
    }
    this.#first = first;
    this.#next = next;
    this.#hashes = hashes;
  }

  /** The types that may have a name, by index, in ascending order. */
  candidates(name: string): number[] {
    const hash = hashOf(encoder.encode(name), 0);
    const found: number[] = [];
    let entry = this.#first[hash & this.#first.length - 1]!;
    for (; entry !== 0; entry = this.#next[entry - 1]!) {
      if (this.#hashes[entry - 1] === hash) found.push(entry - 1);
    }
    return found;
  }
}
