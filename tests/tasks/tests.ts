/**
 * Runs the tests and every example in the documentation, in several processes at
 * a time. Types are not checked: `deno task check` does that, once.
 *
 *     deno task test [quick | room | path]… [--filter name] [option of deno test]…
 *
 * Without an argument it does everything. `quick` tries some of every room in 20
 * seconds; a room, such as `memory` or `docs`, and a path try what belongs there.
 * `--count` fails where there are fewer tests than `.ci/promises` says, and
 * `--recount` writes that file, if none failed. `HOSTMEM_JOBS` is the number of processes.
 *
 * @module
 */

import { type Group, groupsOf } from "./_plan.ts";
import { inParallel, jobs } from "./_processes.ts";
import { Progress } from "./_progress.ts";
import {
  comparePromises,
  type Promises,
  readPromises,
  writePromises,
} from "./_promises.ts";
import { requestOf } from "./_request.ts";
import { write } from "./_run_all.ts";
import { type Outcome, runTests, type TestRun } from "./_run_tests.ts";
import { withSecondTry } from "./_second_try.ts";
import { summarize } from "./_summary.ts";

const request = requestOf(Deno.args);
const groups = groupsOf(request.tests, request.examples);
const atATime = Math.min(jobs(), groups.length);
const promised = request.everything ? readPromises() : undefined;
announce();
const progress = new Progress(promised);
const outcomes: Outcome[] = [];
await inParallel(groups, atATime, async (group) => {
  const outcome = await outcomeOf(group);
  outcomes.push(outcome);
  progress.tell(group, outcome);
});
const isGreen = outcomes.every(({ failed }) => failed === 0);
if (request.recount && isGreen) writePromises(progress.counted);
else if (promised !== undefined) compare(promised);
if (!summarize(outcomes, progress.seconds)) Deno.exitCode = 1;

/** Says what will be done, and for about how long. */
function announce(): void {
  const tests = [...promised?.values() ?? []].reduce(
    (sum, count) => sum + count,
    0,
  );
  const seconds = groups.reduce((sum, { seconds }) => sum + seconds, 0);
  const cpus = navigator.hardwareConcurrency;
  console.log(
    `${tests === 0 ? "Tests" : `${tests} tests`} of ${request.tests.length} ` +
      `files, and examples, ${atATime} processes at a time: about ` +
      `${Math.ceil(seconds / Math.min(atATime, cpus))} s on a quiet machine`,
  );
}

async function outcomeOf(group: Group): Promise<Outcome> {
  const run: TestRun = {
    title: group.files.join(" "),
    files: group.files,
    args: [
      // Collecting garbage as the engine's last resort takes four times as long.
      "--v8-flags=--expose-gc",
      ...request.options,
    ],
    // Processes side by side let each other wait.
    env: { HOSTMEM_PATIENCE: Deno.env.get("HOSTMEM_PATIENCE") ?? "3" },
  };
  const show = groups.length <= 2 ? write : undefined;
  return await withSecondTry(run, await runTests(run, show));
}

/** Says where there are more tests than there have to be, or fewer. */
function compare(promised: Promises): void {
  const { text, fewer } = comparePromises(promised, progress.counted);
  if (text === "") return;
  if (!request.count || !fewer) return console.log(`\n${text}`);
  outcomes.push({
    title: "the number of tests",
    results: [],
    failed: 1,
    failures: text,
    leftOut: 0,
    seconds: 0,
  });
}
