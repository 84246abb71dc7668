/** The command line, run as its users run it, or in the process of the test. */

import { assertEquals } from "@std/assert";
import { main } from "../../cli/mod.ts";
import { run, type RunOptions, type RunResult } from "../_support.ts";

const cli = new URL("../../cli/mod.ts", import.meta.url);

/** The end of a command line, and its output. */
export type Ended = Pick<RunResult, "code" | "stdout" | "stderr">;

/** Runs a command line in a process of its own: no colours and no terminal. */
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

/** Those that run in this process take turns, since what they write is one. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Does the same in this process, where a third of a second is not spent on the
 * beginning of another: without colours, unless the environment says otherwise.
 */
export function hostmemHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const all = { NO_COLOR: "1", ...environment };
  const turn = last.then(() => capture(args, all));
  last = turn.catch(() => {});
  return turn;
}

async function capture(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  const { writeSync, isTerminal } = Deno.stdout;
  const { error } = console;
  const decoder = new TextDecoder();
  const before = Object.keys(environment)
    .map((name) => [name, Deno.env.get(name)] as const);
  let stdout = "";
  let stderr = "";
  Deno.stdout.writeSync = (bytes) => {
    stdout += decoder.decode(bytes, { stream: true });
    return bytes.length;
  };
  Deno.stdout.isTerminal = () => false;
  console.error = (line: string) => stderr += `${line}\n`;
  try {
    for (const [name, value] of Object.entries(environment)) {
      Deno.env.set(name, value);
    }
    const code = await main(args);
    return { code, stdout, stderr };
  } finally {
    Object.assign(Deno.stdout, { writeSync, isTerminal });
    console.error = error;
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

/** Returns the output of a command line that must do what it is asked for. */
export async function outputOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await hostmemHere(args);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Returns the JSON that a command line writes. */
// deno-lint-ignore no-explicit-any
export async function jsonOf(...args: string[]): Promise<any> {
  return JSON.parse(await outputOf(...args, "--json"));
}
