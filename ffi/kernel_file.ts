/** Small files in which the kernel tells numbers. */

import { readStart } from "./mod.ts";
import { decodeText } from "./c_text.ts";

/** The number in a file, or the negative reason. */
export function readNumber(path: string): number {
  // One more than is read, so that it ends with a NUL.
  const text = new Uint8Array(17);
  const length = readStart(path, text, 16);
  if (length < 0) return length;
  return parseInt(decodeText(text));
}
