/** Records whose type is not known beforehand. */

import { viewAt } from "../../layout/access/pointer_at.ts";
import { NativeUint8Array, typedArraySet } from "../../layout/intrinsics.ts";
import type { Move } from "../../layout/access/private_fields.ts";
import { closed, type Region } from "../../layout/region/region.ts";
import type { Marked, PointerOptions, Type, View } from "../../layout/mod.ts";
import { lengthIn } from "../../layout/pointer.ts";

/** What only this module has, so that only it can construct. */
const secret = Symbol("RingRecord");

// What reaches the private fields; set by the class, which alone can.
let make: (region: Region) => RingRecord;
let moveTo: Move;

/**
 * A record of a ring buffer, some bytes, which can be seen as one type or
 * another. It is good for as long as a typed record would be: after that it
 * throws ClosedError, and so do the views taken of it.
 *
 * @example Records of several types
 * ```ts ignore
 * ring.consume((record) => {
 *   switch (record.view(Header).kind) {
 *     case 1:
 *       return opened(record.view(Open));
 *     case 2:
 *       return executed(record.view(Exec));
 *   }
 * });
 * ```
 */
export class RingRecord {
  readonly #region: Region;
  #offset = 0;
  #length = 0;

  private constructor(given: symbol, region: Region) {
    if (given !== secret) throw new TypeError("Illegal constructor");
    this.#region = region;
  }

  static {
    make = (region) => new RingRecord(secret, region);
    moveTo = (object, offset, length) => {
      (object as RingRecord).#offset = offset;
      (object as RingRecord).#length = length;
    };
  }

  /**
   * How many bytes it has.
   *
   * @throws {ClosedError} if it is no longer valid.
   */
  get length(): number {
    this.#live();
    return this.#length;
  }

  /**
   * A view of a value in it.
   *
   * @param type What lies there. A struct needs the `HostLayout` marker.
   * @param offset Where, in bytes from the begin of the record.
   * @param options How long a flexible array at its end is; by default as long
   * as the record has bytes for.
   * @throws {ClosedError} if the record is no longer valid.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {RangeError} if the offset or the length is no whole number.
   * @throws {AlignmentError} if the offset is not aligned as the type requires.
   * @throws {BoundsError} if the record does not have the bytes.
   */
  view<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): View<T> {
    this.#live();
    const length = lengthIn(options);
    const start = this.#offset;
    const within = { start, end: start + this.#length };
    return viewAt<T>(type, this.#region, offset, length, within);
  }

  /**
   * A copy of its bytes.
   *
   * @throws {ClosedError} if it is no longer valid.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    const { buffer, start } = this.#live();
    const copy = new NativeUint8Array(this.#length);
    typedArraySet(
      copy,
      new NativeUint8Array(buffer, start + this.#offset, this.#length),
    );
    return copy;
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.#region.closed
      ? "RingRecord [closed]"
      : `RingRecord { ${this.#length} bytes }`;
  }

  #live(): Region {
    if (this.#region.closed) closed(this.#region);
    return this.#region;
  }
}

/** Makes the record of a ring: for {@linkcode moveRecord}. */
export function newRecord(region: Region): RingRecord {
  return make(region);
}

/** Points a record elsewhere, as `Move` says. */
export const moveRecord: Move = (object, offset, length) =>
  moveTo(object, offset, length);
