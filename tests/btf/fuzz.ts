/**
 * Reads wrong BTF, 200 000 inputs or as many as an argument says.
 *
 *     deno run -A tests/btf/fuzz.ts [how many]
 */

import { collect, Random, seed } from "../_support.ts";
import { exercise, randomBtf, randomInput, type Tally } from "./_fuzz.ts";

const count = Number(Deno.args[0] ?? 200_000);
const random = new Random(seed());
const good = Array.from({ length: 64 }, () => randomBtf(random));
const tally: Tally = { refused: 0, layouts: 0, errors: 0 };
const start = performance.now();
let slowest = 0;
let before = start;
for (let done = 1; done <= count; done++) {
  const input = randomInput(good, random);
  try {
    exercise(input, tally);
  } catch (error) {
    console.log(`input ${done}: ${input.toHex()}`);
    throw error;
  }
  const now = performance.now();
  slowest = Math.max(slowest, now - before);
  before = now;
  if (done % 20_000 !== 0) continue;
  collect();
  console.log(
    `${done} inputs, ${tally.refused} refused, ${tally.layouts} layouts, ${tally.errors} errors, ${
      (Deno.memoryUsage().heapUsed / 2 ** 20).toFixed(0)
    } MiB of heap`,
  );
}
console.log(
  `${((performance.now() - start) / 1000).toFixed(0)} s, slowest input ${
    slowest.toFixed(0)
  } ms`,
);
