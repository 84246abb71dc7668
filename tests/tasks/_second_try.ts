/**
 * A second try of the few tests that failed, each alone in its process.
 *
 * A race that shows once in thousands of tests must be known, and it must not
 * hold up what has nothing to do with it: with `HOSTMEM_SECOND_TRY` set a test
 * that fails, and then passes three times of three, is told of in full, and
 * counted as passed. What crashes, and what fails in numbers, stays a failure.
 *
 * @module
 */

import type { TestResult } from "./_report.ts";
import { type Outcome, runTests, type TestRun } from "./_run_tests.ts";

/** The most tests of a run that may have failed. */
const FEW = 2;
/** The number of times that each must pass. */
const TIMES = 3;

/** Returns a run's outcome, after a second try where one is wanted and due. */
export async function withSecondTry(
  run: TestRun,
  first: Outcome,
  wanted: boolean = isWanted(),
): Promise<Outcome> {
  const failed = first.results.filter(({ outcome }) => outcome === "failed");
  // A process that died, or a module that threw, is no test's failure.
  const isDue = failed.length === first.failed && failed.length <= FEW;
  if (!wanted || failed.length === 0 || !isDue) return first;
  for (const result of failed) {
    for (let i = 0; i < TIMES; i++) {
      if (!await passesAlone(run, result)) return first;
    }
  }
  return {
    ...first,
    results: first.results.map((result) =>
      failed.includes(result) ? { ...result, outcome: "passed" } : result
    ),
    failed: 0,
    failures: "",
    unsteady: first.failures,
  };
}

function isWanted(): boolean {
  return (Deno.env.get("HOSTMEM_SECOND_TRY") ?? "") !== "";
}

async function passesAlone(
  { leaveOutAll: _, ...run }: TestRun,
  { file, name }: TestResult,
): Promise<boolean> {
  const { results, failed } = await runTests({
    ...run,
    files: [file],
    args: [...run.args ?? [], `--filter=/^${RegExp.escape(name)}$/`],
  });
  return failed === 0 && results.some(({ outcome }) => outcome === "passed");
}
