/** Text in a fixed number of bytes, or of code units. */

import { once } from "../model/once.ts";
import { checkCount, register } from "../model/types.ts";
import type { Text, Text16 } from "../static.ts";

const texts = new Map<number, Text>();
const texts16 = new Map<number, Text16>();

/**
 * `char[size]`: UTF-8 that ends at a NUL or fills all bytes. Its value is a
 * string. Storing one fills the rest with zeros; storing the one that is there
 * changes nothing. A string that takes more bytes, or holds a NUL or a lone
 * surrogate, throws a RangeError and writes nothing.
 *
 * A byte that is not UTF-8 reads as the lone surrogate U+DC80 + (byte − 0x80), and
 * is stored back as that byte: those surrogates are the only ones that a store
 * takes. (Python calls this "surrogateescape".)
 *
 * @param size The number of bytes; at least 1.
 * @throws {InvalidTypeError} for any other size.
 *
 * @example A command name, as the kernel keeps it
 * ```ts
 * import { pointer, text } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const comm = pointer(text(16), new ArrayBuffer(16));
 * comm.value = "deno";
 * assertEquals(comm.value, "deno");
 * ```
 */
export function text<N extends number>(size: N): Text<N> {
  checkCount("The size of text", size, 1);
  const made = once(texts, size, () =>
    register<Text>({
      kind: "text",
      name: `text(${size})`,
      size,
      align: 1,
      length: size,
    }));
  return made as unknown as Text<N>;
}

/**
 * `char16_t[length]`: UTF-16 in the order of the host, which ends at a NUL or fills
 * all code units. Its value is a string, with every code unit as it is: lone
 * surrogates, too. Storing one fills the rest with zeros; storing the one that is
 * there changes nothing. A string of more code units, or with a NUL, throws a
 * RangeError and writes nothing.
 *
 * @param length The number of code units; at least 1. The type is of twice as many
 * bytes, and aligned to 2.
 * @throws {InvalidTypeError} for any other length.
 *
 * @example The name of a variable of the firmware, as EFI keeps it
 * ```ts
 * import { pointer, text16 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const name = pointer(text16(512), new ArrayBuffer(1024));
 * name.value = "BootOrder";
 * assertEquals(name.value, "BootOrder");
 * ```
 */
export function text16<N extends number>(length: N): Text16<N> {
  checkCount("The length of text16", length, 1);
  const made = once(texts16, length, () =>
    register<Text16>({
      kind: "text16",
      name: `text16(${length})`,
      size: length * 2,
      align: 2,
      length,
    }));
  return made as unknown as Text16<N>;
}
