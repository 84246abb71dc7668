/** Several runs of tests, side by side, and what came of them. */

import { inParallel } from "./_processes.ts";
import { type Outcome, runTests, type TestRun } from "./_run_tests.ts";
import { withSecondTry } from "./_second_try.ts";
import { summarize } from "./_summary.ts";

/**
 * Runs all, so many at a time, tells of each when it has ended, and of all at the
 * end: whether nothing failed. A run that is alone shows what it prints.
 */
export async function runAll(
  runs: readonly TestRun[],
  atATime: number,
): Promise<boolean> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const outcomes: Outcome[] = [];
  await inParallel(runs, atATime, async (run) => {
    const show = runs.length === 1 ? write : undefined;
    const outcome = await withSecondTry(run, await runTests(run, show));
    outcomes.push(outcome);
    console.log(
      `${seconds().toFixed(0).padStart(4)} s  ${outcome.title}: ` +
        `${outcome.results.length} tests in ${outcome.seconds.toFixed(0)} s, ` +
        `${outcome.leftOut} left out, ${outcome.failed} failed`,
    );
  });
  return summarize(outcomes, seconds());
}

/** Writes as it is, without a line break of its own. */
export function write(part: string): void {
  const bytes = new TextEncoder().encode(part);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}
