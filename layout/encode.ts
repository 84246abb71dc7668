/** Plain data as bytes, and bytes as plain data. */

import { BoundsError } from "../errors.ts";
import { whereIs } from "./access/private_fields.ts";
import { read, readValue } from "./access/read_whole.ts";
import { writeValue } from "./access/write_whole.ts";
import { checkType } from "./model/check_type.ts";
import {
  aggregateOf,
  type AnyType,
  flexibleTailOf,
  isAggregate,
  isFlexible,
} from "./model/types.ts";
import { memoryOf } from "./pointer.ts";
import { Region } from "./region/region.ts";
import type {
  ArrayType,
  Input,
  Marked,
  Type,
  Value,
  View,
  ViewOf,
} from "./static.ts";

/**
 * The bytes of a value, as they lie in memory: fields that are not given, and
 * padding, are zero. A flexible array at the type's end is as long as the array
 * given. The bytes that `sizeof` counts behind a shorter array are there, too,
 * and are read as elements.
 *
 * @param type The type of the value.
 * @param value Plain data, or a pointer or view whose values are taken.
 * @throws {InvalidTypeError} if the type cannot be pointed to.
 * @throws {TypeError} if a value is of the wrong kind, or a name is not that of a field.
 * @throws {RangeError} if a value does not fit, or two members that share bytes
 * say different things.
 *
 * @example There and back
 * ```ts
 * import { be16, decode, encode, HostLayout, struct, u16 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Port = struct("Port", { _: HostLayout, family: u16, number: be16 });
 * const bytes = encode(Port, { family: 2, number: 443 });
 * assertEquals([...bytes], [2, 0, 1, 187]);
 * assertEquals(decode(Port, bytes), { family: 2, number: 443 });
 * ```
 */
export function encode<T extends Type>(
  type: T & Marked<T>,
  value: Input<T> | ViewOf<T> | View<T>,
): Uint8Array<ArrayBuffer> {
  checkType(type);
  const checked = type as AnyType;
  const located = whereIs(value);
  const isOpenEnded = flexibleTailOf(checked) !== undefined;
  const plain = isOpenEnded && located !== undefined ? read(located) : value;
  const bytes = new Uint8Array(
    isOpenEnded ? sizeOfValue(checked, plain) : checked.size,
  );
  const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
  writeValue(checked, region, 0, bytes.length, plain);
  return bytes;
}

/** The bytes that a value takes, with the flexible arrays at its end. */
function sizeOfValue(type: AnyType, value: unknown): number {
  if (typeof value !== "object" || value === null) return type.size;
  if (isFlexible(type)) {
    const { length } = value as { length?: unknown };
    const count = Number.isSafeInteger(length) ? length as number : 0;
    return Math.max(0, count) * (type as ArrayType).element.size;
  }
  if (!isAggregate(type)) return type.size;
  // Those of a union may have elements of different sizes.
  const ends = aggregateOf(type).members
    .filter((member) => flexibleTailOf(member.type) !== undefined)
    .map((member) => {
      const inner = (value as Record<string, unknown>)[member.name];
      const located = whereIs(inner);
      const plain = located ? read(located) : inner;
      return member.offset + sizeOfValue(member.type, plain);
    });
  return Math.max(type.size, ...ends);
}

/**
 * Reads the value that bytes hold, as plain data, as `snapshot` of a view of
 * them does. Bytes behind the value belong to a flexible array at the type's
 * end, or are not read. The bytes need not be aligned.
 *
 * @param type The type of the value.
 * @param bytes A buffer of fixed length, or a view of one.
 * @throws {InvalidTypeError} if the type cannot be pointed to.
 * @throws {BoundsError} if there are too few bytes.
 * @throws {RangeError} if a `safe` integer lies beyond ±(2^53 − 1).
 * @throws {TypeError} if the bytes are not a buffer, nor a view of one.
 * @throws {NotSupportedError} if the buffer can be resized.
 * @throws {ClosedError} if the buffer is detached.
 *
 * @example A header of a packet, at no aligned address
 * ```ts
 * import { be16, be32, decode, HostLayout, struct } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Header = struct("Header", { _: HostLayout, id: be32, port: be16 });
 * const packet = Uint8Array.of(9, 0, 0, 0, 7, 1, 187, 0, 0);
 * assertEquals(decode(Header, packet.subarray(1)), { id: 7, port: 443 });
 * ```
 */
export function decode<T extends Type>(
  type: T & Marked<T>,
  bytes: ArrayBufferLike | ArrayBufferView,
): Value<T> {
  checkType(type);
  const { region, within: { start, end } } = memoryOf(bytes);
  const { name, size, align } = type as AnyType;
  const length = end - start;
  if (length < size) {
    throw new BoundsError(
      `${name}: A value takes ${size} bytes: received ${length}`,
    );
  }
  if (start % align === 0) {
    return readValue(type as AnyType, region, start, length) as Value<T>;
  }
  const copy = region.u8.slice(start, end);
  const aligned = new Region(copy.buffer, 0, length, "buffer");
  return readValue(type as AnyType, aligned, 0, length) as Value<T>;
}

/**
 * Tests whether two values of a type are the same: all that can be read of
 * them. Padding does not count, nor the bytes after the NUL of a text, nor
 * which nonzero byte stands for true; two NaN are the same, 0 and −0 of a float
 * are not.
 *
 * @param type The type of both.
 * @param one Plain data, a pointer or a view. Fields that are not given are
 * zero.
 * @param other The same.
 * @throws {InvalidTypeError} if the type cannot be pointed to.
 * @throws {TypeError} if a value is of the wrong kind, or a name is not that of a field.
 * @throws {RangeError} if a value does not fit.
 *
 * @example A view and what it should be
 * ```ts
 * import { equals, HostLayout, struct, u32, u8, view } from "@hostmem/hostmem";
 * import { assert } from "@std/assert";
 *
 * const Point = struct("Point", { _: HostLayout, tag: u8, x: u32 });
 * const bytes = new Uint8Array([1, 99, 99, 99, 7, 0, 0, 0]); // 99: padding
 * assert(equals(Point, view(Point, bytes), { tag: 1, x: 7 }));
 * ```
 */
export function equals<T extends Type>(
  type: T & Marked<T>,
  one: Input<T> | ViewOf<T> | View<T>,
  other: Input<T> | ViewOf<T> | View<T>,
): boolean {
  const [a, b] = [one, other].map((value) => {
    const located = whereIs(value);
    const plain = located === undefined ? value : read(located);
    return encode<T>(type, plain as Input<T>);
  }) as [Uint8Array, Uint8Array];
  if (a.length !== b.length) return false;
  // What is not a number has many bits, of which the engine chooses some.
  return a.every((byte, index) => byte === b[index]) ||
    isSame(decode<T>(type, a), decode<T>(type, b));
}

/** Tests whether two values that were decoded as one type are the same. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || one === null) return false;
  const others = other as Readonly<Record<string, unknown>>;
  const entries = Object.entries(one);
  return entries.length === Object.keys(others).length &&
    entries.every(([name, value]) => isSame(value, others[name]));
}
