/** Network interfaces: their names and indices. */

import { requireU32 } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import { decodeText } from "../c_text.ts";
import { ENODEV } from "../constants.ts";
import { resultOf } from "../errno/errno.ts";
import { check, systemError } from "../errno/system_error.ts";
import { libcAttach } from "../libc/functions.ts";
import { cString } from "./descriptors.ts";

/** `net/if.h`: the size of a name with its NUL. */
const IF_NAMESIZE = 16;

/**
 * The index of a network interface, by its name. Programs have such indices in
 * `xdp_md.ingress_ifindex` and `__sk_buff.ifindex`.
 *
 * The name is looked up in the network namespace of the calling thread: in
 * another namespace the same name is another interface, or none.
 *
 * Source: if_nametoindex(3).
 *
 * @param name The name, such as `"eth0"`.
 * @throws {TypeError} if it is not a name.
 * @throws {SystemError} ENODEV if there is no interface so named.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example There and back
 * ```ts
 * import { interfaceIndex, interfaceName } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(interfaceName(interfaceIndex("lo")), "lo");
 * ```
 */
export function interfaceIndex(name: string): number {
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw new TypeError(
      `Interface must be a name, not empty and without NUL: received ${
        show(name)
      }`,
    );
  }
  const cName = cString(name) as BufferSource;
  // Unlike other calls it tells of a failure by 0.
  const index = resultOf(() => libcAttach().if_nametoindex(cName) || -1);
  if (index === -ENODEV) {
    throw systemError(
      ENODEV,
      "if_nametoindex",
      `there is no interface ${show(name)} in this network namespace`,
    );
  }
  return check(index, "if_nametoindex");
}

/**
 * The name of a network interface, by its index in the network namespace of the
 * calling thread; undefined if there is none of that index.
 *
 * Source: if_indextoname(3).
 *
 * @param index The index, such as `xdp_md.ingress_ifindex`.
 * @throws {RangeError} if it is not an unsigned integer of 32 bits.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example
 * ```ts
 * import { interfaceName } from "@hostmem/hostmem/bpf";
 *
 * console.log(interfaceName(1)); // "lo"
 * console.log(interfaceName(0xffffffff)); // undefined
 * ```
 */
export function interfaceName(index: number): string | undefined {
  requireU32("Interface", index, 0);
  const name = new Uint8Array(IF_NAMESIZE);
  const found = libcAttach().if_indextoname(index, name as BufferSource);
  return found === 0n ? undefined : decodeText(name);
}
