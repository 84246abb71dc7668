/** Lists of strings in bytes, each with a NUL behind it. */

import { requireFlag, requireOptions } from "../base/arguments.ts";
import { show } from "../base/show.ts";
import { decode, encode } from "./leaves/text.ts";

/** Options of {@linkcode decodeStrings}. */
export interface DecodeStringsOptions {
  /**
   * True if the bytes have a fixed size and the rest behind the last string is
   * zero: then empty strings at the end are left out. Default: false.
   */
  readonly padded?: boolean | undefined;
}

/**
 * The strings in bytes that C keeps as a list, each with a NUL behind it: such as
 * `/proc/<pid>/cmdline`, `/proc/<pid>/environ`, or the arguments that a BPF
 * program copied. The last one may lack its NUL.
 *
 * Bytes that are not UTF-8 are kept as with `text`: each is U+DC80 + (byte − 0x80)
 * in the string, and {@linkcode encodeStrings} makes it that byte again.
 *
 * @throws {TypeError} if it is not bytes, or the option not a boolean.
 *
 * @example The command line of this process
 * ```ts ignore
 * const [program, ...args] = decodeStrings(Deno.readFileSync("/proc/self/cmdline"));
 * ```
 *
 * @example Of a record
 * ```ts
 * import { decodeStrings } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const args = new TextEncoder().encode("ls\0-l\0\0\0\0");
 * assertEquals(decodeStrings(args, { padded: true }), ["ls", "-l"]);
 * ```
 */
export function decodeStrings(
  bytes: Uint8Array,
  options: DecodeStringsOptions = {},
): string[] {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Strings must be a Uint8Array: received ${show(bytes)}`,
    );
  }
  requireOptions(options, { padded: true });
  const padded = requireFlag("padded", options.padded);
  // A copy: in memory that is shared, the ends could move.
  const copy = new Uint8Array(bytes);
  const strings: string[] = [];
  for (let start = 0; start < copy.length;) {
    const nul = copy.indexOf(0, start);
    const end = nul < 0 ? copy.length : nul;
    strings.push(decode(copy.subarray(start, end)));
    start = end + 1;
  }
  while (padded && strings.at(-1) === "") strings.pop();
  return strings;
}

/**
 * Strings as the bytes of a list, each with a NUL behind it.
 *
 * @throws {TypeError} if one of them is not a string, or they are one string.
 * @throws {RangeError} if one has a NUL in it, or a lone surrogate other than
 * U+DC80 to U+DCFF.
 *
 * @example
 * ```ts
 * import { decodeStrings, encodeStrings } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeStrings(["ls", "", "-l"]);
 * assertEquals(new TextDecoder().decode(bytes), "ls\0\0-l\0");
 * assertEquals(decodeStrings(bytes), ["ls", "", "-l"]);
 * ```
 */
export function encodeStrings(
  strings: Iterable<string>,
): Uint8Array<ArrayBuffer> {
  // A string is a list of strings to the compiler: of its characters.
  if (typeof strings !== "object" || strings === null) {
    throw new TypeError(
      `Strings must be an array or another iterable object: received ${
        show(strings)
      }`,
    );
  }
  const bytes: number[] = [];
  for (const string of strings) {
    if (typeof string !== "string") {
      throw new TypeError(
        `Strings of a list must be strings: received ${show(string)}`,
      );
    }
    const encoded = encode(string);
    if (encoded === undefined || encoded.includes(0)) {
      throw new RangeError(
        `Strings of a list must have no NUL and no lone surrogate but U+DC80 to U+DCFF: received ${
          show(string)
        }`,
      );
    }
    for (const byte of encoded) bytes.push(byte);
    bytes.push(0);
  }
  return new Uint8Array(bytes);
}
