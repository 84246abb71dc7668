/** Records that are reserved and not yet given to the kernel. */

import { ClosedError } from "../../../errors.ts";
import { pointerAt } from "../../../layout/access/pointer_at.ts";
import {
  NativeUint8Array,
  typedArrayLength,
  typedArraySet,
} from "../../../layout/intrinsics.ts";
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

/** What only this module has, so that only it can construct. */
const secret = Symbol("UserRingRecord");

/** What a record is made of. */
export interface UserRingRecordParts {
  /** Where it lies. */
  readonly region: Region;
  /** Who commits it. */
  readonly producer: RingProducer;
  /** Its value; undefined where it was reserved by its length. */
  readonly value: unknown;
  /** The records of the ring that are reserved. */
  readonly reserved: Set<object>;
}

/** Makes a record: for `UserRingBuffer.reserve`. */
export let newUserRecord: (
  parts: UserRingRecordParts,
) => UserRingRecord<Type | undefined>;

/**
 * A record that was reserved in a ring buffer, to be filled in place and then
 * submitted, or discarded. The kernel reads no further until it is one of the
 * two: declare it with `using`, which discards what was not submitted, also when
 * an error is thrown.
 *
 * From then on its pointers throw {@linkcode ClosedError}, and cannot touch the
 * records that will lie there. A raw typed array taken out of one (`array(u8,
 * n)` and so on) is the engine's own: a store to it later does change what lies
 * there. Do not keep it.
 */
export class UserRingRecord<T extends Type | undefined = undefined>
  implements Disposable {
  readonly #region: Region;
  readonly #producer: RingProducer;
  readonly #value: unknown;
  readonly #reserved: Set<object>;
  #open = true;

  private constructor(given: symbol, parts: UserRingRecordParts) {
    if (given !== secret) throw new TypeError("Illegal constructor");
    this.#region = parts.region;
    this.#producer = parts.producer;
    this.#value = parts.value;
    this.#reserved = parts.reserved;
    this.#reserved.add(this);
  }

  static {
    newUserRecord = (parts) => new UserRingRecord(secret, parts);
  }

  /** How many bytes it has. */
  get length(): number {
    return this.#region.size;
  }

  /** Whether it was submitted or discarded. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * A pointer to the value that it was reserved for; all zero at first.
   * Undefined where it was reserved by its length.
   */
  get value(): T extends Type ? Pointer<T> : undefined {
    return this.#value as T extends Type ? Pointer<T> : undefined;
  }

  /**
   * A pointer to a value in it.
   *
   * @param type What lies there. A struct needs the `HostLayout` marker.
   * @param offset Where, in bytes from the begin of the record.
   * @param options How long a flexible array at its end is.
   * @throws {ClosedError} if the record was submitted or discarded.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {RangeError} if the offset or the length is no whole number.
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
   * @param offset Where to begin, in bytes from the begin of the record.
   * @throws {ClosedError} if the record was submitted or discarded.
   * @throws {TypeError} if the source is no `Uint8Array`.
   * @throws {RangeError} if the offset is no whole number of bytes.
   * @throws {BoundsError} if the bytes do not all lie within the record.
   */
  writeAt(source: Uint8Array, offset: number = 0): void {
    const { buffer, start, size } = this.#live();
    requireBytes("Source", source);
    requireOffset(offset);
    const length = typedArrayLength(source);
    requireWithin(offset, length, size);
    typedArraySet(new NativeUint8Array(buffer, start + offset, length), source);
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

  /** Lets the kernel skip the record. Once it is submitted or discarded, nothing. */
  discard(): void {
    if (this.#open) this.#end(true);
  }

  /** Discards the record unless it was submitted: the end of a `using` block. */
  [Symbol.dispose](): void {
    this.discard();
  }

  /** What `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.#open
      ? `UserRingRecord { ${this.length} bytes }`
      : "UserRingRecord [closed]";
  }

  /** First the pointers end, so that what the kernel reads stays as it is. */
  #end(discard: boolean): void {
    this.#open = false;
    this.#reserved.delete(this);
    this.#region.release();
    this.#producer.commit(this.#region, discard);
  }

  #live(): Region {
    if (!this.#open) {
      throw new ClosedError("The record was submitted or discarded");
    }
    return this.#region;
  }
}
