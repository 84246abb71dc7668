/** Prefixes of addresses, which tries of longest prefixes have as keys. */

import { show } from "../../base/show.ts";
import { bytesOf, formatAddress, parseAddress } from "./address.ts";

/** A prefix of an address: the addresses of a network. */
export interface Prefix {
  /** The first address, in network order: 4 bytes of IPv4, 16 of IPv6. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** The number of its bits, from the first, that all its addresses share. */
  readonly length: number;
}

/** The size of `prefixlen` in a key. */
const LENGTH_SIZE = 4;

/** Tests whether an address has no bit set behind a prefix of it. */
function endsIn(address: Uint8Array, length: number): boolean {
  return address.every((byte, index) => {
    const bits = Math.min(Math.max(length - 8 * index, 0), 8);
    return (byte & 0xff >> bits) === 0;
  });
}

/**
 * A prefix in CIDR notation, such as `10.0.0.0/8` or `2001:db8::/32`; an address
 * alone is the prefix that has it alone.
 *
 * @throws {TypeError} if it is not a string.
 * @throws {RangeError} if it is not an address, the length is more than its bits, or
 * bits are set behind the prefix: 10.1.2.3/8 may mean the network or the host.
 *
 * @example
 * ```ts
 * import { parsePrefix } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const { address, length } = parsePrefix("10.0.0.0/8");
 * assertEquals([...address, length], [10, 0, 0, 0, 8]);
 * ```
 */
export function parsePrefix(text: string): Prefix {
  if (typeof text !== "string") {
    throw new TypeError(`Prefix must be a string: received ${show(text)}`);
  }
  const [, start, end] = /^([^/]*)(?:\/(.*))?$/s.exec(text)!;
  const address = parseAddress(start!);
  const bits = 8 * address.length;
  const length = end === undefined ? bits : Number(end);
  if (end !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(end) || length > bits) {
    throw new RangeError(
      `Prefix must have a length from 0 to ${bits}: received ${show(text)}`,
    );
  }
  if (!endsIn(address, length)) {
    throw new RangeError(
      `Prefix must have no bits set behind its length of ${length}: received ${
        show(text)
      }`,
    );
  }
  return { address, length };
}

/**
 * The key of a prefix in a map of type `"lpm_trie"`, as bytes: `struct
 * bpf_lpm_trie_key`, with the length as the host has it and the address in network
 * order. For `lookup` give the address alone, without `/`: the kernel finds the
 * entry with the longest matching prefix.
 *
 * For a map whose key has a type, {@linkcode parsePrefix} gives the fields.
 *
 * Source: `linux/bpf.h`; `Documentation/bpf/map_lpm_trie.rst`.
 *
 * @throws as {@linkcode parsePrefix} does.
 *
 * @example
 * ```ts ignore
 * routes.update(prefixKey("10.0.0.0/8"), value);
 * routes.lookup(prefixKey("10.1.2.3"));
 * ```
 */
export function prefixKey(text: string): Uint8Array<ArrayBuffer> {
  const { address, length } = parsePrefix(text);
  const key = new Uint8Array(LENGTH_SIZE + address.length);
  // Both machines that there are have the least byte first.
  new DataView(key.buffer).setUint32(0, length, true);
  key.set(address, LENGTH_SIZE);
  return key;
}

/**
 * A key of a map of type `"lpm_trie"` in CIDR notation.
 *
 * @param key Its bytes: 8 of IPv4, 20 of IPv6.
 * @throws {TypeError} if it is not bytes.
 * @throws {RangeError} if it has another size, or its length is more than the
 * bits of the address.
 *
 * @example
 * ```ts
 * import { formatPrefixKey, prefixKey } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatPrefixKey(prefixKey("10.0.0.0/8")), "10.0.0.0/8");
 * ```
 */
export function formatPrefixKey(key: Iterable<number>): string {
  const bytes = new Uint8Array(bytesOf(key));
  const size = bytes.length - LENGTH_SIZE;
  if (size !== 4 && size !== 16) {
    throw new RangeError(
      `Key of a prefix must have 8 or 20 bytes: received ${bytes.length}`,
    );
  }
  const length = new DataView(bytes.buffer).getUint32(0, true);
  if (length > 8 * size) {
    throw new RangeError(
      `Key of a prefix must have a length from 0 to ${
        8 * size
      }: received ${length}`,
    );
  }
  return `${formatAddress(bytes.subarray(LENGTH_SIZE))}/${length}`;
}
