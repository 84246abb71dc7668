/** The memory of an array: its size, and the place of an entry in it. */

import { BoundsError, NotSupportedError, SystemError } from "../../errors.ts";
import {
  BPF_F_MMAPABLE,
  EACCES,
  EINVAL,
  flagsOf,
  O_ACCMODE,
  O_RDWR,
  pageSize,
} from "../../ffi/mod.ts";
import type { Type } from "../../layout/mod.ts";
import { requireWhole } from "../../base/arguments.ts";
import { Memory } from "../../memory/mod.ts";
import { requireTypeOfSize } from "../../layout/model/open_ended.ts";
import type { MapInfo } from "./info.ts";
import { roundUp } from "../../base/round.ts";

/** The kernel's `array_map_alloc` rounds every entry up to 8 bytes. */
const ENTRY_ALIGN = 8;

/**
 * The number of bytes that lie between the begins of two entries of an array.
 */
export function strideOf(valueSize: number): number {
  return roundUp(valueSize, ENTRY_ALIGN);
}

/**
 * The number of bytes that the memory of an array has: its entries, each
 * rounded up to 8 bytes, in whole pages.
 *
 * @param valueSize The size of a value in bytes.
 * @param maxEntries The number of entries.
 * @param pageSize The size of a page in bytes.
 * @throws {RangeError} if that is more than 2^53 - 1.
 */
export function arraySize(
  valueSize: number,
  maxEntries: number,
  pageSize: number,
): number {
  // Beyond 2^53 the product is rounded, and never to below it.
  const size = roundUp(strideOf(valueSize) * maxEntries, pageSize);
  if (!Number.isSafeInteger(size)) {
    throw new RangeError(
      `Size of the map must be at most 2^53 - 1 bytes: it has ${maxEntries} entries of ${
        strideOf(valueSize)
      } bytes`,
    );
  }
  return size;
}

/**
 * The number of bytes that the memory of a map has.
 *
 * @throws {NotSupportedError} if it cannot be mapped.
 */
export function memorySizeOf(info: MapInfo): number {
  if (info.type !== "array") {
    throw new NotSupportedError(
      `Cannot map a map of type ${
        info.type ?? info.typeNumber
      } as a whole: its type must be array, with the flag mmapable (BPF_F_MMAPABLE); table() and entries() have its entries as plain data`,
    );
  }
  if ((info.flagBits & BPF_F_MMAPABLE) === 0) {
    throw new NotSupportedError(
      "Cannot map this array: it must have been made with the flag mmapable (BPF_F_MMAPABLE)",
    );
  }
  return arraySize(info.valueSize, info.maxEntries, pageSize());
}

/**
 * Maps all of an array.
 *
 * @throws {NotSupportedError} if it cannot be mapped, or its descriptor is not
 * for both reading and writing.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapArray(fd: number, info: MapInfo): Memory {
  try {
    return Memory.map(fd, memorySizeOf(info));
  } catch (error) {
    throw explained(error, fd);
  }
}

/**
 * The kernel refuses to map through a descriptor that is not for both reading
 * and writing, with an error that does not say so.
 */
function explained(error: unknown, fd: number): unknown {
  if (!(error instanceof SystemError)) return error;
  if (error.errno !== EINVAL && error.errno !== EACCES) return error;
  const flags = flagsOf(fd);
  if (flags < 0) return error;
  const mode = flags & O_ACCMODE;
  if (mode === O_RDWR) return error;
  const flag = mode === 0 ? "rdonly (BPF_F_RDONLY)" : "wronly (BPF_F_WRONLY)";
  return new NotSupportedError(
    `Cannot map this array: its descriptor was opened ${flag}, and such a descriptor cannot be mapped at all, not even for reading: open the map for both`,
    { cause: error },
  );
}

/**
 * Checks that a type describes the values of a map.
 *
 * @returns The length of the flexible array at its end; undefined without one.
 * @throws {InvalidTypeError} if it cannot be pointed to, or has another size.
 */
export function requireValueType(
  type: Type,
  { valueSize }: MapInfo,
): number | undefined {
  return requireTypeOfSize(type, "the map's values", valueSize);
}

/**
 * The offset of an entry in bytes.
 *
 * @throws {RangeError} if the index is not a whole number from 0.
 * @throws {BoundsError} if there is no such entry.
 */
export function entryOffset(
  index: number,
  { valueSize, maxEntries }: MapInfo,
): number {
  requireWhole("Index", index, 0);
  if (index >= maxEntries) {
    throw new BoundsError(
      `Index must be below the number of entries, ${maxEntries}: received ${index}`,
    );
  }
  return index * strideOf(valueSize);
}
