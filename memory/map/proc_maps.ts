/** The addresses of this process that are taken, as `/proc/self/maps` tells them. */

import {
  closeDescriptor,
  O_RDONLY,
  openFile,
  readDescriptor,
} from "../../ffi/mod.ts";

const CHUNK_SIZE = 65536;
const chunk = new Uint8Array(new ArrayBuffer(CHUNK_SIZE));

const LINE_FEED = 10;
const SPACE = 32;
const DASH = 45;
const BRACKET = 91; // [
const LETTER_S = 115;
const LETTER_T = 116;

/** Is told of a mapping; returns whether it wants to hear of the next. */
export type Visitor = (start: number, end: number, stack: boolean) => boolean;

/** The value of a hexadecimal digit. */
function digit(byte: number): number {
  return byte < 58 ? byte - 48 : byte - 87;
}

/**
 * Tells of the mappings of this process, from low addresses to high ones. The
 * file has `7f1a4db5c000-7f1a4db70000 rw-p … [stack]`, one a line.
 *
 * @returns True if there is such a file.
 */
export function visitMappings(visit: Visitor): boolean {
  const fd = openFile("/proc/self/maps", O_RDONLY);
  if (fd < 0) return false;
  try {
    let start = 0;
    let end = 0;
    let field = 0; // of start, end, all else
    let previous = 0;
    let beforePrevious = 0;
    let stack = false;
    for (let offset = 0;;) {
      const length = readDescriptor(fd, chunk, CHUNK_SIZE, offset);
      if (length <= 0) return true;
      offset += length;
      for (let i = 0; i < length; i++) {
        const byte = chunk[i]!;
        if (byte === LINE_FEED) {
          if (!visit(start, end, stack)) return true;
          start = end = field = 0;
          stack = false;
        } else if (field === 0) {
          if (byte === DASH) field = 1;
          else start = start * 16 + digit(byte);
        } else if (field === 1) {
          if (byte === SPACE) field = 2;
          else end = end * 16 + digit(byte);
        } else if (beforePrevious === BRACKET) {
          // No other name in brackets begins so.
          if (previous === LETTER_S && byte === LETTER_T) stack = true;
        }
        beforePrevious = previous;
        previous = byte;
      }
    }
  } finally {
    closeDescriptor(fd);
  }
}
