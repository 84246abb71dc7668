/** The checks of ranges that are to be mapped: their sizes and offsets. */

import { pageSize } from "../ffi/mod.ts";
import { requireOffset } from "../base/arguments.ts";
import { show } from "../base/show.ts";
import { isType } from "../layout/model/types.ts";
import { PAGES_MAX, WASM_PAGE } from "./map/engine_pages.ts";

/** @throws {RangeError} unless it is a number of bytes above 0. */
export function requireSize(size: unknown): asserts size is number {
  if (!Number.isSafeInteger(size) || (size as number) <= 0) {
    throw new RangeError(
      `Size must be a whole number of bytes above 0: received ${
        isType(size) ? `the type ${size.name}; pass sizeOf(type)` : show(size)
      }`,
    );
  }
}

/** @throws {RangeError} if it is more than can be mapped at all. */
export function requireMappable(size: number): void {
  const most = PAGES_MAX * WASM_PAGE;
  if (size > most) {
    throw new RangeError(
      `Cannot map ${size} bytes: at most ${most} bytes can be mapped`,
    );
  }
}

/** @throws {RangeError} unless it is a positive number of whole pages. */
export function requirePages(size: unknown): asserts size is number {
  requireSize(size);
  const page = pageSize();
  if (size % page !== 0) {
    throw new RangeError(
      `Size must be a multiple of the page size: requested ${size} bytes, a page has ${page}; the next multiple is ${
        Math.ceil(size / page) * page
      }`,
    );
  }
}

/** @throws {RangeError} unless a mapping can begin there. */
export function requireFileOffset(offset: unknown): asserts offset is number {
  requireOffset(offset);
  if (offset % pageSize() !== 0) {
    throw new RangeError(
      `Offset must be a multiple of the page size: requested ${offset} bytes, a page has ${pageSize()}`,
    );
  }
}

/**
 * The kernel maps huge pages in whole, over whatever lies beside the range.
 *
 * @throws {RangeError} unless a range is of whole huge pages.
 */
export function requireHugePages(
  name: string,
  granule: number,
  offset: number,
  size: number,
): void {
  const wrong = offset % granule !== 0
    ? `offset is ${offset}`
    : size % granule !== 0
    ? `size is ${size}`
    : undefined;
  if (wrong !== undefined) {
    throw new RangeError(
      `Offset and size must be multiples of the huge page size, ${granule} bytes, to map ${name}: ${wrong}`,
    );
  }
}

/** @throws {RangeError} unless the end of a range can be told exactly. */
export function requireRange(offset: number, size: number): void {
  if (!Number.isSafeInteger(offset + size)) {
    throw new RangeError(
      `The range must end below 2^53 bytes: ${size} bytes at offset ${offset} end at ${
        BigInt(offset) + BigInt(size)
      }`,
    );
  }
}
