/** Pointers and views at an offset of a region, after all checks. */

import { AlignmentError, BoundsError, InvalidTypeError } from "../../errors.ts";
import { type Make, maker } from "./make_pointer.ts";
import { type AccessMode, READABLE, WRITABLE } from "./plan.ts";
import type { Region } from "../region/region.ts";
import { type AnyType, flexibleTailOf, isFlexible } from "../model/types.ts";
import { show } from "../../base/show.ts";
import { checkType } from "../model/check_type.ts";
import type { Pointer, Type, View } from "../static.ts";

/** The part of a region that a pointer may be made into, in bytes. */
export interface Within {
  /** The offset of its beginning, in bytes. */
  readonly start: number;
  /** The offset of its end, in bytes. */
  readonly end: number;
}

/** A type that passed its checks, and how its pointers are made. */
interface Ready {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  /** Makes the object, given the bytes that there are from its offset on. */
  readonly make: Make;
  /** The offset and the stride of the flexible array at its end. */
  readonly tail:
    | { readonly offset: number; readonly stride: number }
    | undefined;
}

const readyPointers = new WeakMap<object, Ready>();
const readyViews = new WeakMap<object, Ready>();

function prepare(
  type: unknown,
  mode: AccessMode,
  known: typeof readyViews,
): Ready {
  checkType(type);
  const checked = type as AnyType;
  const { name, size, align } = checked;
  const tail = flexibleTailOf(checked);
  if (size === 0 && !isFlexible(checked)) {
    throw new InvalidTypeError(
      `${name}: There is no pointer to a type of size zero`,
    );
  }
  const ready: Ready = {
    name,
    size,
    align,
    make: maker(checked, mode, name),
    tail: tail && {
      offset: tail.offset,
      stride: (tail.array.element as Type).size,
    },
  };
  known.set(checked, ready);
  return ready;
}

/**
 * A pointer to a type at an offset of a region.
 *
 * @param region The whole region.
 * @param offset The offset in bytes from the begin of `within`.
 * @param length The length of the flexible array at the type's end.
 * @param within The part of the region that may be pointed into.
 * @throws {InvalidTypeError} if the type cannot be pointed to, or has no size.
 * @throws {RangeError} if the offset is not an integer of at least 0.
 * @throws {AlignmentError} if the offset is not aligned.
 * @throws {BoundsError} if the value does not lie within the memory.
 */
export function pointerAt<T extends Type>(
  type: T,
  region: Region,
  offset: number,
  length?: number,
  within?: Within,
): Pointer<T> {
  const ready = readyPointers.get(type) ??
    prepare(type, WRITABLE, readyPointers);
  return place(ready, region, offset, length, within) as Pointer<T>;
}

/** A view of a type at an offset of a region; checks as {@linkcode pointerAt}. */
export function viewAt<T extends Type>(
  type: T,
  region: Region,
  offset: number,
  length?: number,
  within?: Within,
): View<T> {
  const ready = readyViews.get(type) ?? prepare(type, READABLE, readyViews);
  return place(ready, region, offset, length, within) as View<T>;
}

function place(
  ready: Ready,
  region: Region,
  offset: number,
  length: number | undefined,
  within: Within | undefined,
): object {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(
      `${ready.name}: The offset must be an integer of at least 0: received ${
        show(offset)
      }`,
    );
  }
  const absolute = within === undefined ? offset : within.start + offset;
  if (absolute % ready.align !== 0) {
    throw new AlignmentError(
      `${ready.name}: ${ready.align}-byte aligned read at offset ${
        absolute === offset
          ? offset
          : `${offset}, which is byte ${absolute} of the buffer`
      }: the offset must be a multiple of ${ready.align}`,
    );
  }
  const end = within === undefined ? region.size : within.end;
  const available = end - absolute;
  if (length !== undefined) requireLength(ready, length);
  // Not the size: padding after a short array is no room for more elements.
  const extent = length === undefined
    ? available
    : ready.tail!.offset + length * ready.tail!.stride;
  const size = length === undefined ? ready.size : Math.max(ready.size, extent);
  // A subtraction, not a sum, so that nothing is lost beyond 2^53.
  if (size > available) {
    const room = within === undefined ? region.size : within.end - within.start;
    throw new BoundsError(
      `${ready.name}: ${size}-byte value at offset ${offset} exceeds the ${region.noun} of ${room} bytes`,
    );
  }
  return ready.make(region, absolute, extent);
}

/** @throws {TypeError | RangeError} unless a flexible array can have this length. */
function requireLength({ name, tail }: Ready, length: number): void {
  if (tail === undefined) {
    throw new TypeError(
      `${name}: A length was given, but the type has no flexible array`,
    );
  }
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RangeError(
      `${name}: The length must be an integer of at least 0: received ${
        show(length)
      }`,
    );
  }
}
