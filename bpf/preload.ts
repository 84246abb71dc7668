/** Opening libc and libbpf before they are used. */

import { NotSupportedError } from "../errors.ts";
import { libbpfAttach } from "./libbpf/attach_functions.ts";
import { mayOpenLibbpf } from "./libbpf/functions.ts";
import { libbpfNetwork } from "./libbpf/network_functions.ts";
import { prepareListening } from "./libbpf/messages.ts";
import { preload as preloadLibc } from "../ffi/preload.ts";

/**
 * Opens libc and libbpf now, which otherwise are opened at the first use, in
 * parts.
 *
 * Call it at the top of a file of tests: `deno test --sanitize-resources`,
 * which is the default before Deno 2.9, fails the test in which a library is
 * opened. A second call does nothing. Costs some ten milliseconds. Where there
 * is no libbpf, or no permission to open it, it is left to the first use to say
 * so.
 *
 * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi` for libc, as the first
 * use does.
 *
 * @example
 * ```ts ignore
 * import { BpfObject, preload } from "@hostmem/hostmem/bpf";
 *
 * preload();
 *
 * Deno.test("The program is taken by the kernel", () => {
 *   using _object = BpfObject.load("count.bpf.o");
 * });
 * ```
 */
export function preload(): void {
  preloadLibc();
  if (!mayOpenLibbpf()) return;
  try {
    prepareListening();
    libbpfAttach();
    libbpfNetwork();
  } catch (error) {
    if (!(error instanceof NotSupportedError)) throw error;
  }
}
