/** Runs the fuzzing process, and finds out what it did before it crashed. */

import { run, type RunResult } from "../_support.ts";

/** The result of a fuzz run. */
export interface FuzzResult {
  /** True if the module did what it must. */
  readonly ok: boolean;
  /** The fault that was found, or the figures of the run. */
  readonly report: string;
}

const program = new URL("./program.ts", import.meta.url);
/** The most lines of a crashed batch that are shown. */
const MOST_LINES = 200;
/** The time that a batch and what follows the last may take, in seconds. */
const PATIENCE = 120;

/**
 * Fuzzes for some seconds.
 *
 * @param seed The seed of the operations.
 * @param seconds The time of the run.
 * @param v8Flags Flags of V8 to do it under.
 */
export async function fuzz(
  seed: number,
  seconds: number,
  v8Flags: string[] = [],
): Promise<FuzzResult> {
  const child = (...args: string[]): Promise<RunResult> =>
    run(program, {
      permissions: ["-A"],
      v8Flags,
      args,
      timeout: (seconds + PATIENCE) * 1000,
    });
  const { code, signal, stdout, stderr } = await child(
    "run",
    `${seed}`,
    `${seconds}`,
  );
  const said = stdout.replaceAll(/^batch \d+\n/gm, "") + stderr;
  if (code === 0) return { ok: true, report: said.trim() };
  if (code === 1 && signal === null) {
    return { ok: false, report: `HOSTMEM_SEED=${seed}\n${said}` };
  }
  const batch = [...stdout.matchAll(/^batch (\d+)$/gm)].at(-1)?.[1] ?? "0";
  const traced = await child("trace", `${seed}`, batch);
  const lines = traced.stdout.trim().split("\n").slice(-MOST_LINES);
  const again = traced.signal === signal
    ? "What the batch did:"
    : `The batch alone ended with code ${traced.code}; what it did:`;
  return {
    ok: false,
    report: `HOSTMEM_SEED=${seed}: ended by ${
      signal ?? `code ${code}`
    } in batch ${batch}\n${said}\n${again}\n${
      lines.join("\n")
    }\n${traced.stderr}`,
  };
}
