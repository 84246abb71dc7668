/** How large the memory of an array is. */

import { roundUp } from "../../base/round.ts";

/** The kernel's `array_map_alloc` rounds every entry up to 8 bytes. */
const ENTRY_ALIGN = 8;

/** How many bytes lie between the begins of two entries of an array. */
export function strideOf(valueSize: number): number {
  return roundUp(valueSize, ENTRY_ALIGN);
}

/**
 * How many bytes the memory of an array has: its entries, each rounded up to 8
 * bytes, in whole pages.
 *
 * @param valueSize The size of a value in bytes.
 * @param maxEntries How many entries there are.
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
