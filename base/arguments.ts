/**
 * The checks of what callers pass. Every number is checked here, before it is
 * used: what the foreign function interface gets it does not check.
 */

import { BoundsError } from "../errors.ts";
import { encode, pageSize } from "../ffi/mod.ts";
import { typedArrayName } from "../layout/intrinsics.ts";
import { show } from "./show.ts";
import { PAGES_MAX, WASM_PAGE } from "../memory/map/engine_pages.ts";

const { isSafeInteger } = Number;

/** @throws {TypeError} unless it is an object that options can be read from. */
export function requireOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Options must be an object: current value is ${show(options)}`,
    );
  }
}

/**
 * An option that is on or off, and off where it is not given.
 *
 * @throws {TypeError} if it is anything else.
 */
export function requireFlag(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Option ${name} must be a boolean: current value is ${show(value)}`,
    );
  }
  return value;
}

/** @throws {RangeError} unless it can be a descriptor's number. */
export function requireDescriptor(fd: unknown): asserts fd is number {
  if (!isSafeInteger(fd) || ((fd as number) | 0) !== fd) {
    throw new RangeError(
      `Descriptor must be a 32-bit integer: current value is ${show(fd)}`,
    );
  }
}

/** @throws {RangeError} unless it is a number of bytes above 0. */
export function requireSize(size: unknown): asserts size is number {
  if (!isSafeInteger(size) || (size as number) <= 0) {
    throw new RangeError(
      `Size must be a whole number of bytes above 0: requested ${
        show(size)
      } bytes`,
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
  if (size % pageSize() !== 0) {
    throw new RangeError(
      `Size must be a multiple of the page size: requested ${size} bytes, a page has ${pageSize()}`,
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

/**
 * @param name What error messages call it.
 * @param least The smallest that it may be.
 * @throws {RangeError} unless it is a whole number from there.
 */
export function requireWhole(
  name: string,
  value: unknown,
  least: number,
): asserts value is number {
  if (!isSafeInteger(value) || (value as number) < least) {
    throw new RangeError(
      `${name} must be a whole number from ${least}: current value is ${
        show(value)
      }`,
    );
  }
}

/**
 * @param name What error messages call it.
 * @throws {RangeError} unless it is a whole number of bytes from 0.
 */
export function requireByteCount(
  name: string,
  value: unknown,
): asserts value is number {
  if (!isSafeInteger(value) || (value as number) < 0) {
    throw new RangeError(
      `${name} must be a whole number of bytes from 0: current value is ${
        show(value)
      }`,
    );
  }
}

/** @throws {RangeError} unless it is a whole number of bytes from 0. */
export function requireOffset(offset: unknown): asserts offset is number {
  requireByteCount("Offset", offset);
}

/** @throws {RangeError} unless the end of a range can be told exactly. */
export function requireRange(offset: number, size: number): void {
  requireOffset(offset + size);
}

/** @throws {BoundsError} unless a range of bytes lies within memory. */
export function requireWithin(
  offset: number,
  length: number,
  size: number,
): void {
  if (offset + length > size) {
    throw new BoundsError(
      `${length} bytes at offset ${offset} exceed the mapping of ${size} bytes`,
    );
  }
}

/** @throws {TypeError} unless it is a Uint8Array, or of a class that extends it. */
export function requireBytes(
  name: string,
  value: unknown,
): asserts value is Uint8Array {
  if (typedArrayName(value) !== "Uint8Array") {
    throw new TypeError(
      `${name} must be a Uint8Array: current value is ${show(value)}`,
    );
  }
}

/** How long the kernel allows the name of a memfd to be, in bytes. */
const NAME_MAX = 249;

/** @throws {TypeError | RangeError} unless it can name a memfd. */
export function requireName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name.includes("\0")) {
    throw new TypeError(
      `Name must be a string without NUL: current value is ${show(name)}`,
    );
  }
  const { length } = encode(name);
  if (length > NAME_MAX) {
    throw new RangeError(
      `Name must have at most ${NAME_MAX} bytes of UTF-8: it has ${length}`,
    );
  }
}

/**
 * The path that a caller gave, as a string.
 *
 * @throws {TypeError} if it is neither a path nor a `file:` URL.
 */
export function pathOf(path: unknown): string {
  const text = path instanceof URL ? pathOfUrl(path) : path;
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw new TypeError(
      `Path must be a string, not empty and without NUL, or a file URL: current value is ${
        show(text)
      }`,
    );
  }
  return text.includes("..") ? withoutParents(text) : text;
}

/**
 * The path without what it enters and leaves again, `a/../`. Deno asks for
 * permission to the path without it, as it is written; the kernel would go
 * through `a`, which may be a link to somewhere else.
 */
function withoutParents(path: string): string {
  const isAbsolute = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isAbsolute) kept.push(part);
  }
  return (isAbsolute ? "/" : "") + kept.join("/") || ".";
}

function pathOfUrl(url: URL): string {
  let path: string | undefined;
  try {
    if (url.protocol === "file:" && url.host === "") {
      path = decodeURIComponent(
        url.pathname.replace(/%(?![\dA-F]{2})/gi, "%25"),
      );
    }
  } catch {
    // Bytes that are no UTF-8, or an object that only pretends to be a URL.
  }
  if (path === undefined) {
    throw new TypeError(
      "URL must be a file URL of this host whose path is UTF-8",
    );
  }
  return path;
}
