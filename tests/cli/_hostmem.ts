/** The command line, run as its users run it: in a process of its own. */

import { assertEquals } from "@std/assert";
import { run, type RunOptions, type RunResult } from "../_support.ts";

const cli = new URL("../../cli/mod.ts", import.meta.url);

/** Runs a command line; no colours and no terminal unless said otherwise. */
export async function hostmem(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return await run(cli, {
    permissions: ["-A"],
    ...options,
    args: [...args],
  });
}

/** What a command line writes that must do what it is asked for. */
export async function outputOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await hostmem(args);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** What a command line writes as JSON. */
// deno-lint-ignore no-explicit-any
export async function jsonOf(...args: string[]): Promise<any> {
  return JSON.parse(await outputOf(...args, "--json"));
}
