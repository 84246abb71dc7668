/**
 * The command line of hostmem: shows BPF maps, programs and links of the system,
 * the kernel's types, and what this machine allows; writes types in TypeScript,
 * C, Python and Rust.
 *
 * ```sh
 * deno run -A jsr:@hostmem/hostmem/cli doctor
 * deno install -gA --name hostmem jsr:@hostmem/hostmem/cli
 * hostmem dump counters --watch
 * ```
 *
 * `hostmem --help` lists the commands, `hostmem <command> --help` explains one.
 * The exit code is 0 if the command did what it was asked for, 1 if it could
 * not, and 2 if the command line was not understood.
 *
 * @module
 */

import { main } from "./main.ts";

export { main } from "./main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
