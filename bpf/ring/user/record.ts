/** Records that are reserved and not yet given to the kernel. */

import { lengthOf } from "../../../base/bytes.ts";
import { ClosedError } from "../../../errors.ts";
import { pointerAt } from "../../../layout/access/pointer_at.ts";
import type { Region } from "../../../layout/region/region.ts";
import type {
  Marked,
  Pointer,
  PointerOptions,
  Type,
} from "../../../layout/mod.ts";
import { lengthIn } from "../../../layout/pointer.ts";
import {
  requireBytes,
  requireOffset,
  requireWithin,
} from "../../../base/arguments.ts";
import { requireRecordAlign } from "../geometry.ts";
import type { RingProducer } from "./producer.ts";

/** The room of a record that is reserved in a ring. */
export class Reservation {
  /** The bytes of the record. */
  readonly region: Region;
  /** The producer that commits it. */
  readonly producer: RingProducer;
  /** A pointer to its value; undefined where it was reserved by its length. */
  readonly value: unknown;
  /** The records of the ring that are reserved. */
  readonly reserved: Set<object>;

  /** Tells of room that is reserved. */
  constructor(
    region: Region,
    producer: RingProducer,
    value: unknown,
    reserved: Set<object>,
  ) {
    this.region = region;
    this.producer = producer;
    this.value = value;
    this.reserved = reserved;
  }
}

/**
 * A record that was reserved in a ring buffer, to be filled in place and then
 * submitted, or discarded. The kernel does not read beyond the record until
 * then: declare it with `using`, which discards a record that was not
 * submitted, also when an error is thrown.
 *
 * From then on its pointers throw {@linkcode ClosedError}, and cannot touch the
 * records that will lie there. A raw typed array taken out of one (`array(u8,
 * n)` and so on) is the engine's own: a store to it later does change what lies
 * there. Do not keep it.
 */
export class UserRingRecord<T extends Type | undefined = undefined>
  implements Disposable {
  readonly #reservation: Reservation;
  #open = true;

  /**
   * Records come from `UserRingBuffer.reserve` alone.
   *
   * @internal
   */
  constructor(reservation: Reservation) {
    if (!(reservation instanceof Reservation)) {
      throw new TypeError("Illegal constructor");
    }
    this.#reservation = reservation;
    reservation.reserved.add(this);
    Object.preventExtensions(this);
  }

  /** The number of its bytes. */
  get length(): number {
    return this.#reservation.region.size;
  }

  /** True once submitted or discarded. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * A pointer to the value that it was reserved for; all zero at first.
   * Undefined where it was reserved by its length.
   */
  get value(): T extends Type ? Pointer<T> : undefined {
    return this.#reservation.value as T extends Type ? Pointer<T> : undefined;
  }

  /**
   * A pointer to a value in it.
   *
   * @param type The type of the value. A struct needs the `HostLayout` marker.
   * @param offset The offset of the value in the record, in bytes.
   * @param options The length of a flexible array at its end.
   * @throws {ClosedError} if the record was submitted or discarded.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {RangeError} if the offset or the length is not a whole number.
   * @throws {AlignmentError} if the offset is not aligned as the type requires,
   * or that is more than 8 bytes.
   * @throws {BoundsError} if the record does not have the bytes.
   */
  pointer<U extends Type>(
    type: U & Marked<U>,
    offset: number = 0,
    options?: PointerOptions,
  ): Pointer<U> {
    const region = this.#live();
    const made = pointerAt<U>(type, region, offset, lengthIn(options));
    requireRecordAlign(type);
    return made;
  }

  /**
   * Copies bytes into it, all of them or none.
   *
   * @param source The bytes.
   * @param offset The offset in the record from which on they lie, in bytes.
   * @throws {ClosedError} if the record was submitted or discarded.
   * @throws {TypeError} if the source is not a `Uint8Array`.
   * @throws {RangeError} if the offset is not a whole number of bytes.
   * @throws {BoundsError} if the bytes do not all lie within the record.
   */
  writeAt(source: Uint8Array, offset: number = 0): void {
    const { buffer, start, size } = this.#live();
    requireBytes("Source", source);
    requireOffset(offset);
    const length = lengthOf(source);
    requireWithin(offset, length, size);
    new Uint8Array(buffer, start + offset, length).set(source);
  }

  /**
   * Gives the record to the kernel.
   *
   * @throws {ClosedError} if it was submitted or discarded, or the ring buffer
   * was closed, which discards what is reserved.
   */
  submit(): void {
    this.#live();
    this.#end(false);
  }

  /** Lets the kernel skip the record. Does nothing once submitted or discarded. */
  discard(): void {
    if (this.#open) this.#end(true);
  }

  /** Discards the record unless it was submitted: the end of a `using` block. */
  [Symbol.dispose](): void {
    this.discard();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#open in this)) return "[prototype]";
    return this.#open
      ? `UserRingRecord { ${this.length} bytes }`
      : "UserRingRecord [closed]";
  }

  /** First the pointers end, so that what the kernel reads stays as it is. */
  #end(discard: boolean): void {
    const { region, producer, reserved } = this.#reservation;
    this.#open = false;
    reserved.delete(this);
    region.release();
    producer.commit(region, discard);
  }

  #live(): Region {
    if (!this.#open) {
      throw new ClosedError("The record was submitted or discarded");
    }
    return this.#reservation.region;
  }
}
