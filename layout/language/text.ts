/** Text in a fixed number of bytes. */

import { checkCount, register } from "../model/types.ts";
import type { Text } from "../static.ts";

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
  return register<Text>({
    kind: "text",
    name: `text(${size})`,
    size,
    align: 1,
    length: size,
  }) as unknown as Text<N>;
}
