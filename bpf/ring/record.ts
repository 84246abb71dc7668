/** Records whose type is not known beforehand. */

import { viewAt } from "../../layout/access/pointer_at.ts";
import { closed, type Region } from "../../layout/region/region.ts";
import type { Marked, PointerOptions, Type, View } from "../../layout/mod.ts";
import { lengthIn } from "../../layout/pointer.ts";

/** The place of a record in its ring; it is moved from each to the next. */
export class RecordPlace {
  /** The data and the data again, while the record is valid. */
  readonly region: Region;
  /** The record's offset in it, in bytes. */
  offset = 0;
  /** The record's length in bytes. */
  length = 0;

  /** Places no record yet. */
  constructor(region: Region) {
    this.region = region;
  }

  /** Points to another record. */
  moveTo(offset: number, length: number): void {
    this.offset = offset;
    this.length = length;
  }
}

/**
 * A record of a ring buffer that has no type: bytes that can be viewed as one
 * type or another. The record is valid for as long as a typed record is. After
 * that the record throws ClosedError, and so do the views of it.
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
  readonly #place: RecordPlace;

  /**
   * Records come from rings alone.
   *
   * @internal
   */
  constructor(place: RecordPlace) {
    if (!(place instanceof RecordPlace)) {
      throw new TypeError("Illegal constructor");
    }
    this.#place = place;
    Object.preventExtensions(this);
  }

  /**
   * The number of bytes that it has.
   *
   * @throws {ClosedError} if it is no longer valid.
   */
  get length(): number {
    return this.#live().length;
  }

  /**
   * A view of a value in it.
   *
   * @param type The type of the value. A struct needs the `HostLayout` marker.
   * @param offset The offset of the value in the record, in bytes.
   * @param options The length of a flexible array at its end; by default as long
   * as the record has bytes for.
   * @throws {ClosedError} if the record is no longer valid.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {RangeError} if the offset or the length is not a whole number.
   * @throws {AlignmentError} if the offset is not aligned as the type requires.
   * @throws {BoundsError} if the record does not have the bytes.
   */
  view<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): View<T> {
    this.#live();
    const tail = lengthIn(options);
    const { region, offset: start, length } = this.#live();
    const within = { start, end: start + length };
    return viewAt<T>(type, region, offset, tail, within);
  }

  /**
   * A copy of its bytes.
   *
   * @throws {ClosedError} if it is no longer valid.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    const { region: { buffer, start }, offset, length } = this.#live();
    const copy = new Uint8Array(length);
    copy.set(new Uint8Array(buffer, start + offset, length));
    return copy;
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#place in this)) return "[prototype]";
    const { region, length } = this.#place;
    return region.closed
      ? "RingRecord [closed]"
      : `RingRecord { ${length} bytes }`;
  }

  /** The place, while the record is valid. */
  #live(): RecordPlace {
    const place = this.#place;
    if (place.region.closed) closed(place.region);
    return place;
  }
}
