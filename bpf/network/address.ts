/** Addresses of IPv4 and IPv6, as text and as programs have them. */

import { requireU32 } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";

/** The bytes of an address of IPv4, and the bits of a byte. */
const IPV4_SIZE = 4;
const IPV6_SIZE = 16;
/** The groups of 16 bits in an address of IPv6. */
const GROUPS = 8;

/** Up to 255, and no zero in front, which some would read as octal. */
const IPV4_PART = /^(?:0|[1-9]\d{0,2})$/;
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i;

function readIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  const isIpv4 = parts.length === IPV4_SIZE &&
    parts.every((part) => IPV4_PART.test(part) && Number(part) <= 0xff);
  return isIpv4 ? parts.map(Number) : undefined;
}

/** The bytes of groups between colons; undefined if they are none. */
function readGroups(text: string, isEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === "") return bytes;
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (IPV6_GROUP.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const isLast = isEnd && index === groups.length - 1;
    const ipv4 = isLast ? readIpv4(group) : undefined;
    if (ipv4 === undefined) return undefined;
    bytes.push(...ipv4);
  }
  return bytes;
}

function readIpv6(text: string): number[] | undefined {
  const [first, second, third] = text.split("::");
  const head = readGroups(first!, second === undefined);
  if (second === undefined) {
    return head?.length === IPV6_SIZE ? head : undefined;
  }
  const tail = readGroups(second, true);
  if (head === undefined || tail === undefined || third !== undefined) {
    return undefined;
  }
  const zeros = IPV6_SIZE - head.length - tail.length;
  if (zeros < 2) return undefined;
  return [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/**
 * The bytes of an address in text, in network order: 4 of IPv4, 16 of IPv6. Such
 * bytes are what an array such as `__u8 saddr[16]` takes.
 *
 * It reads what inet_pton(3) does: IPv4 in four decimal parts, IPv6 in groups,
 * of which the last two may be written as IPv4.
 *
 * @param text The address, without a prefix length or a zone.
 * @throws {TypeError} if it is not a string.
 * @throws {RangeError} if it is not an address.
 *
 * @example
 * ```ts
 * import { parseAddress } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...parseAddress("192.0.2.1")], [192, 0, 2, 1]);
 * assertEquals(parseAddress("2001:db8::1").length, 16);
 * ```
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> {
  requireString(text);
  const bytes = text.includes(":") ? readIpv6(text) : readIpv4(text);
  if (bytes !== undefined) return new Uint8Array(bytes);
  throw new RangeError(
    `Address must be of IPv4, such as 192.0.2.1, or of IPv6, such as 2001:db8::1: received ${
      show(text)
    }`,
  );
}

function requireString(text: unknown): asserts text is string {
  if (typeof text === "string") return;
  throw new TypeError(`Address must be a string: received ${show(text)}`);
}

/**
 * An address of IPv4 in text as the number that it is: 0x7f000001 for 127.0.0.1.
 * Such a number is what a field of type `be32` takes, and BTF says that of every
 * `__be32`. A `u32` takes it in the byte order of the host: there, store
 * `parseAddress` to an array of bytes.
 *
 * @throws {TypeError} if it is not a string.
 * @throws {RangeError} if it is not an address of IPv4.
 *
 * @example
 * ```ts
 * import { formatAddress, parseIpv4 } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseIpv4("127.0.0.1"), 0x7f000001);
 * assertEquals(formatAddress(0x7f000001), "127.0.0.1");
 * ```
 */
export function parseIpv4(text: string): number {
  requireString(text);
  const bytes = readIpv4(text);
  if (bytes === undefined) {
    throw new RangeError(
      `Address must be of IPv4, such as 192.0.2.1: received ${show(text)}`,
    );
  }
  return new DataView(new Uint8Array(bytes).buffer).getUint32(0);
}

/**
 * An address as text, as inet_ntop(3) writes it: IPv6 in lower case, with `::`
 * for the longest run of zeros.
 *
 * @param address Its bytes in network order, 4 of IPv4 or 16 of IPv6: a typed
 * array, or a field of a pointer, view or record; or a number, which is IPv4, as
 * a field of type `be32` reads it.
 * @throws {TypeError} if it is neither.
 * @throws {RangeError} if it has another number of bytes, one is not a byte, or
 * the number does not fit 32 bits.
 *
 * @example
 * ```ts
 * import { formatAddress, parseAddress } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAddress([192, 0, 2, 1]), "192.0.2.1");
 * assertEquals(formatAddress(parseAddress("2001:0db8:0::0:1")), "2001:db8::1");
 * ```
 */
export function formatAddress(address: number | Iterable<number>): string {
  if (typeof address === "number") {
    const bytes = new DataView(new ArrayBuffer(IPV4_SIZE));
    bytes.setUint32(0, requireU32("Address", address, 0));
    return new Uint8Array(bytes.buffer).join(".");
  }
  const bytes = bytesOf(address);
  if (bytes.length === IPV4_SIZE) return bytes.join(".");
  if (bytes.length === IPV6_SIZE) return ipv6Text(bytes);
  throw new RangeError(
    `Address must have ${IPV4_SIZE} or ${IPV6_SIZE} bytes: received ${bytes.length}`,
  );
}

/** The bytes of an address, each of them checked. */
export function bytesOf(address: Iterable<number>): number[] {
  if (
    typeof address !== "object" || address === null ||
    typeof address[Symbol.iterator] !== "function"
  ) {
    throw new TypeError(
      `Address must be bytes or a number: received ${show(address)}`,
    );
  }
  const bytes: number[] = [];
  for (const byte of address) {
    if (!Number.isInteger(byte) || byte < 0 || byte > 0xff) {
      throw new RangeError(
        `Address must be of bytes, from 0 to 255: received ${show(byte)}`,
      );
    }
    bytes.push(byte);
  }
  return bytes;
}

/** Finds the longest run of two or more groups that are zero. */
function longestZeros(groups: readonly number[]): [start: number, end: number] {
  let longest: [number, number] = [GROUPS, GROUPS];
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    const length = end - start;
    if (length >= 2 && length > longest[1] - longest[0]) longest = [start, end];
    start = Math.max(start, end);
  }
  return longest;
}

function ipv6Text(bytes: readonly number[]): string {
  const groups = Array.from(
    { length: GROUPS },
    (_, index) => bytes[2 * index]! << 8 | bytes[2 * index + 1]!,
  );
  const [start, end] = longestZeros(groups);
  const isIpv4 = start === 0 &&
    (end === 6 || end === 5 && groups[5] === 0xffff);
  const texts = groups.map((group) => group.toString(16));
  if (isIpv4) texts.splice(6, 2, bytes.slice(12).join("."));
  if (start === GROUPS) return texts.join(":");
  return `${texts.slice(0, start).join(":")}::${texts.slice(end).join(":")}`;
}
