/**
 * The words of a task at its end: what failed, in full; what was skipped, and
 * why; and the figures, on its last line.
 *
 * A skipped test's name ends in `[refused: <what>: <reason>]` where this kernel
 * refuses what it needs, and in `[missing: <what>]` where a tool, a package or a
 * privilege is missing, which can be had. With `CI` set the latter fails the
 * run, and so does a test that is skipped without a word.
 *
 * @module
 */

import type { TestResult } from "./_report.ts";
import type { Outcome } from "./_run_tests.ts";

/** The number of names listed of tests that were skipped for one reason. */
const LISTED = 3;

/** Prints what came of all runs: whether nothing failed. */
export function summarize(
  outcomes: readonly Outcome[],
  seconds: number,
  { strict = isStrict() }: { strict?: boolean } = {},
): boolean {
  for (const { title, failed, failures, unsteady } of outcomes) {
    if (failed > 0) console.log(`\n== ${title}: ${failed} failed\n${failures}`);
    if (unsteady !== undefined) {
      console.log(`\n== ${title}: failed, and passed alone\n${unsteady}`);
    }
  }
  const results = outcomes.flatMap(({ results }) => results);
  const skipped = results.filter(({ outcome }) => outcome === "skipped");
  const unexplained = explain(skipped, strict);
  const failed = outcomes.reduce((sum, { failed }) => sum + failed, 0) +
    (strict ? unexplained : 0);
  const passed = results.filter(({ outcome }) => outcome === "passed");
  console.log(
    `\n${passed.length} passed, ${failed} failed, ${skipped.length} skipped in ${
      seconds.toFixed(0)
    } s`,
  );
  return failed === 0;
}

function isStrict(): boolean {
  return (Deno.env.get("CI") ?? "") !== "";
}

/** Prints why tests were skipped: how many of them should not have been. */
function explain(skipped: readonly TestResult[], strict: boolean): number {
  const reasons = Map.groupBy(skipped, ({ name }) => reasonOf(name));
  let unexplained = 0;
  for (const [reason, tests] of [...reasons].sort()) {
    console.log(`\n${tests.length} skipped: ${reason}`);
    const listed = strict ? tests : tests.slice(0, LISTED);
    for (const { file, name } of listed) console.log(`  ${file}: ${name}`);
    if (listed.length < tests.length) {
      console.log(`  and ${tests.length - listed.length} more`);
    }
    if (!reason.startsWith("refused: ")) unexplained += tests.length;
  }
  if (strict && unexplained > 0) {
    console.log(`\n${unexplained} of them count as failed, since CI is set`);
  }
  return unexplained;
}

/** The reason in the name of a skipped test. */
export function reasonOf(name: string): string {
  return /\[((?:refused|missing): .+)\]$/.exec(name)?.[1] ??
    "no reason is given";
}
