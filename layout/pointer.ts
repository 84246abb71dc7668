/** Pointers and views into any buffer. */

import { isDetached } from "../base/bytes.ts";
import { type OptionNames, requireOptions } from "../base/arguments.ts";
import { ClosedError, NotSupportedError } from "../errors.ts";
import { pointerAt, viewAt, type Within } from "./access/pointer_at.ts";
import { Region, sleepersIn } from "./region/region.ts";
import { show } from "../base/show.ts";
import type { Marked, Pointer, Type, View } from "./static.ts";

/** The options of a pointer or view beside its type and offset. */
export interface PointerOptions {
  /**
   * The number of elements that the flexible array at the type's end has.
   * Without it, as many as there are bytes for.
   */
  readonly length?: number;
}

const POINTER_OPTIONS: OptionNames<PointerOptions> = { length: true };

/**
 * The length in the options of a pointer or view; undefined without any.
 *
 * @throws {TypeError} if there is an option that is not known.
 */
export function lengthIn(
  options: PointerOptions | undefined,
): number | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) requireOptions(options);
  // To list the names of all options would take as long as all else.
  for (const name in options) {
    if (name !== "length") requireOptions(options, POINTER_OPTIONS);
  }
  return options.length;
}

/** The regions of the buffers that were pointed into. */
const regions = new WeakMap<ArrayBufferLike, Region>();

/** The region of a buffer, and the part of it that was given. */
export interface GivenMemory {
  /** The region of the whole buffer. */
  readonly region: Region;
  /** The part of it. */
  readonly within: Within;
}

/**
 * The memory of a buffer, or of a view of one.
 *
 * @throws {TypeError} if it is neither.
 * @throws {NotSupportedError} if the buffer can be resized.
 * @throws {ClosedError} if the buffer is detached.
 */
export function memoryOf(given: unknown): GivenMemory {
  if (!ArrayBuffer.isView(given)) {
    const region = regionOf(given);
    return { region, within: { start: 0, end: region.size } };
  }
  // First the region: of a detached DataView there is no offset to read.
  const region = regionOf(given.buffer);
  const start = given.byteOffset;
  return { region, within: { start, end: start + given.byteLength } };
}

function regionOf(buffer: unknown): Region {
  const known = regions.get(buffer as ArrayBufferLike);
  if (known === undefined) return newRegion(requireBuffer(buffer));
  if (known.closed) refuseDetached();
  return known;
}

/** Tests whether this is a buffer, and not only of its class. */
function isBuffer(value: unknown): value is ArrayBufferLike {
  try {
    return (value instanceof ArrayBuffer ||
      value instanceof SharedArrayBuffer) && value.byteLength >= 0;
  } catch {
    return false;
  }
}

function requireBuffer(buffer: unknown): ArrayBufferLike {
  if (isBuffer(buffer)) return buffer;
  throw new TypeError(
    `Buffer must be an ArrayBuffer, a SharedArrayBuffer or a view of one: received ${
      show(buffer)
    }`,
  );
}

function newRegion(buffer: ArrayBufferLike): Region {
  if (
    buffer instanceof SharedArrayBuffer ? buffer.growable : buffer.resizable
  ) {
    // Besides, one such buffer makes the engine's accesses slow for all others.
    throw new NotSupportedError(
      "Cannot point into a buffer that can be resized: use one of fixed length",
    );
  }
  if (isDetached(buffer)) refuseDetached();
  const region = new Region(
    buffer,
    0,
    buffer.byteLength,
    "buffer",
    sleepersIn(buffer),
  );
  regions.set(buffer, region);
  return region;
}

function refuseDetached(): never {
  throw new ClosedError("Cannot point into a detached buffer");
}

/**
 * A typed pointer into a buffer, or into the part of one that a view covers.
 *
 * @param type The type of the value.
 * @param buffer The buffer, of fixed length, or a view of one.
 * @param offset The offset in bytes from the beginning of what was given.
 * @param options The length of a flexible array.
 * @throws {InvalidTypeError} if the type cannot be pointed to, or has no size.
 * @throws {TypeError} if the buffer is neither a buffer nor a view of one, or a
 * length was given for a type that ends in no flexible array.
 * @throws {RangeError} if the offset or the length is not an integer of at least
 * 0.
 * @throws {AlignmentError} if the offset is not aligned.
 * @throws {BoundsError} if the value does not lie within the buffer.
 * @throws {NotSupportedError} if the buffer can be resized.
 * @throws {ClosedError} if the buffer is detached.
 *
 * @example A header at the beginning of some bytes
 * ```ts
 * import { HostLayout, pointer, struct, u16, u32 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Header = struct("Header", { _: HostLayout, id: u16, size: u32 });
 * const bytes = new Uint8Array(16);
 * const header = pointer(Header, bytes, 8);
 * header.size = 7;
 * assertEquals(bytes[12], 7);
 * ```
 */
export function pointer<T extends Type>(
  type: T & Marked<T>,
  buffer: ArrayBufferLike | ArrayBufferView,
  offset = 0,
  options?: PointerOptions,
): Pointer<T> {
  const { region, within } = memoryOf(buffer);
  return pointerAt<T>(type, region, offset, lengthIn(options), within);
}

/**
 * A read-only typed view into a buffer; takes and throws what
 * {@linkcode pointer} does.
 *
 * @example Reading without being able to write
 * ```ts
 * import { HostLayout, struct, u16, u32, view } from "@hostmem/hostmem";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const Header = struct("Header", { _: HostLayout, id: u16, size: u32 });
 * const header = view(Header, new Uint8Array([1, 0, 0, 0, 7, 0, 0, 0]));
 * assertEquals([header.id, header.size], [1, 7]);
 * // @ts-expect-error A view has no setters.
 * assertThrows(() => header.size = 8, TypeError);
 * ```
 */
export function view<T extends Type>(
  type: T & Marked<T>,
  buffer: ArrayBufferLike | ArrayBufferView,
  offset = 0,
  options?: PointerOptions,
): View<T> {
  const { region, within } = memoryOf(buffer);
  return viewAt<T>(type, region, offset, lengthIn(options), within);
}
