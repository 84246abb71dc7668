/**
 * Compares random declarations with compilers, until a number of them is done.
 *
 *     deno task truth [how many]
 */

import { Comparison, declarationSeeds, reportOf } from "./truth/comparison.ts";

const BATCH = 500;
const MOST_REPORTS = 5;

const count = Number(Deno.args[0] ?? 10_000);
const start = performance.now();
using comparison = new Comparison();
let wrong = 0;
let reported = 0;
for (let done = 0; done < count;) {
  const batch = Math.min(BATCH, count - done);
  const found = await comparison.compare(declarationSeeds(done, batch));
  for (const disagreement of found.slice(0, MOST_REPORTS - reported)) {
    console.log(reportOf(await comparison.simplify(disagreement)));
    reported++;
  }
  wrong += found.length;
  done += batch;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${done} declarations, ${wrong} disagreements, ${seconds} s`);
}
if (wrong > 0) Deno.exitCode = 1;
