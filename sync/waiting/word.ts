/** The word of memory that an atomic is, to be waited for. */

import {
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
} from "../../errors.ts";
import { show } from "../../base/show.ts";
import { addressOf } from "../../ffi/block.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import type { Region } from "../../layout/region/region.ts";

/** A word of 32 bits in memory that processes share. */
export class Word {
  readonly #region: Region;
  readonly #offset: number;
  readonly #lane: Int32Array;
  /** Its bytes, which do not move. */
  readonly bytes: Uint8Array;

  /** A word of a region, at an offset in bytes that is a multiple of 4. */
  constructor(region: Region, offset: number) {
    if (region.closed) throw closedMemory();
    this.#region = region;
    this.#offset = offset;
    const at = region.start + offset;
    this.bytes = new Uint8Array(region.buffer, at, 4);
    this.#lane = new Int32Array(region.buffer, at, 1);
  }

  /** Its address, for as long as this object is held. */
  get address(): bigint {
    return addressOf(this.bytes);
  }

  /** Its value, without sign. */
  load(): number {
    return Atomics.load(this.#lane, 0) >>> 0;
  }

  /** True if its memory is gone: closed by whichever thread, or detached. */
  get gone(): boolean {
    const region = this.#region;
    if (region.closed || this.bytes.length === 0) return true;
    // Who closes memory of several threads finds their pointers by asking.
    const { sleepers } = region;
    if (
      sleepers?.sleep(region.start + this.#offset, () => true) !== undefined
    ) {
      return false;
    }
    if (sleepers === undefined) return false;
    region.root.release();
    return true;
  }

  /** @throws {ClosedError} if its memory is gone. */
  requireThere(): void {
    if (this.gone) throw closedMemory();
  }
}

/** The error of a wait whose memory is gone. */
export function closedMemory(): ClosedError {
  return new ClosedError("Cannot wait: the memory is closed or detached");
}

/** A word that can be waited for, and its expected value. */
export interface Awaited {
  /** The word. */
  readonly word: Word;
  /** True if its values have a sign. */
  readonly signed: boolean;
}

/**
 * Finds the word that an atomic is.
 *
 * @throws {TypeError} if it is not a pointer to, or a view of, an atomic.
 * @throws {InvalidTypeError} if it is not one of `atomic(i32)`, `atomic(u32)`.
 * @throws {NotSupportedError} if it does not lie in a `Memory`.
 * @throws {ClosedError} if its memory is closed.
 */
export function wordOf(atomic: unknown): Awaited {
  const located = whereIs(atomic);
  const type = located?.pointerClass.type;
  if (located === undefined || type?.kind !== "atomic") {
    throw new TypeError(
      `Cannot wait for ${
        located === undefined ? show(atomic) : type!.name
      }: must be a pointer to an atomic(i32) or atomic(u32)`,
    );
  }
  const { kind } = type.base;
  if (kind !== "i32" && kind !== "u32") {
    throw new InvalidTypeError(
      `${type.name}: The kernel waits for words of 32 bits alone: must be atomic(i32) or atomic(u32)`,
    );
  }
  const { root, absolute } = located;
  if (root.closed) throw closedMemory();
  if (root.noun !== "mapping") {
    throw new NotSupportedError(
      "Cannot wait for an atomic in a buffer, which no other process can have: it must lie in a Memory",
    );
  }
  return { word: new Word(root, absolute), signed: kind === "i32" };
}

/**
 * A value that a word may have, without sign.
 *
 * @throws {TypeError | RangeError} if it does not fit.
 */
export function requireExpected(value: unknown, signed: boolean): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `The expected value must be a number: received ${show(value)}`,
    );
  }
  if ((signed ? value | 0 : value >>> 0) !== value || Object.is(value, -0)) {
    const range = signed ? "-2147483648 to 2147483647" : "0 to 4294967295";
    throw new RangeError(
      `The expected value must be an integer from ${range}: received ${
        show(value)
      }`,
    );
  }
  return value >>> 0;
}
