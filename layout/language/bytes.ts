/** A fixed number of bytes. */

import { once } from "../model/once.ts";
import { checkCount, register } from "../model/types.ts";
import type { Bytes } from "../static.ts";

const types = new Map<number, Bytes>();

/**
 * `uint8_t[size]` as one value: an address, a key, a hash. Through a pointer it
 * is the engine's own Uint8Array over the memory, as that of `array(u8, size)`
 * is: `set` stores all of them. Through a view, in plain data and in columns it
 * is a Uint8Array too, a copy; there `array(u8, size)` is an array of numbers.
 *
 * A pointer to bytes alone has them as its `value`.
 *
 * `assign` and `encode` take a Uint8Array of exactly that length.
 *
 * @param size The number of bytes; at least 1.
 * @throws {InvalidTypeError} for any other size.
 *
 * @example A hardware address
 * ```ts
 * import { assign, bytes, decode, HostLayout, pointer, struct, u16 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Link = struct("Link", { _: HostLayout, index: u16, mac: bytes(6) });
 * const buffer = new Uint8Array(8);
 * const link = pointer(Link, buffer);
 * assign(link, { mac: new Uint8Array([2, 0, 0, 0, 0, 1]) });
 * link.mac[5]! += 1;
 * assertEquals(decode(Link, buffer).mac, new Uint8Array([2, 0, 0, 0, 0, 2]));
 * ```
 */
export function bytes<N extends number>(size: N): Bytes<N> {
  checkCount("The size of bytes", size, 1);
  const made = once(types, size, () =>
    register<Bytes>({
      kind: "bytes",
      name: `bytes(${size})`,
      size,
      align: 1,
      length: size,
    }));
  return made as unknown as Bytes<N>;
}
