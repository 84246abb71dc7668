/** Opening libc before it is used. */

import {
  libc,
  libcAttach,
  libcBpf,
  libcFile,
  libcNetwork,
  libcPoll,
  libcText,
  libcThread,
} from "./libc/functions.ts";
import { libcClock } from "./libc/clock_functions.ts";
import { libcFutex } from "./libc/futex_functions.ts";

/**
 * Opens libc now, which otherwise is opened at the first use, in parts.
 *
 * Call it at the top of a file of tests: `deno test --sanitize-resources`,
 * which is the default before Deno 2.9, fails the test in which a library is
 * opened. `@hostmem/hostmem/bpf` has a `preload` of its own, for tests of BPF
 * programs. A second call does nothing. Costs some milliseconds.
 *
 * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`, as the first use does.
 *
 * @example
 * ```ts
 * import { Memory, preload } from "@hostmem/hostmem";
 *
 * preload();
 *
 * Deno.test("Memory is zeroed", () => {
 *   using memory = Memory.create(4096);
 *   const byte = new Uint8Array(1);
 *   memory.readAt(byte, 0);
 *   if (byte[0] !== 0) throw new Error("It is not");
 * });
 * ```
 */
export function preload(): void {
  libc();
  libcFile();
  libcText();
  libcBpf();
  libcPoll();
  libcThread();
  libcAttach();
  libcNetwork();
  libcFutex();
  libcClock();
}
