/**
 * The process that a fuzz run may crash. It says on its standard output which
 * batch it begins, so that whoever started it knows which one did it.
 *
 *     program.ts run <seed> <seconds>
 *     program.ts trace <seed> <batch>
 */

import { mappingStats } from "../../mod.ts";
import { collect, eventually, mappings, openDescriptors } from "../_support.ts";
import {
  allOperations,
  BATCH_SIZE,
  type BatchCounts,
  runBatch,
} from "./_batch.ts";
import { MEMFD_NAME } from "./_memory_operations.ts";
import { shrink } from "./_shrink.ts";

const encoder = new TextEncoder();

/** Not console.log: the line must be out before the process ends. */
function say(line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  for (let done = 0; done < bytes.length;) {
    done += Deno.stdout.writeSync(bytes.subarray(done));
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Does batches until the time is over. */
async function run(seed: number, seconds: number): Promise<void> {
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const sum = { expected: 0, refused: 0 };
  let batch = 0;
  for (; batch === 0 || elapsed() < seconds; batch++) {
    say(`batch ${batch}`);
    const counts = tryBatch(seed, batch);
    if (counts === undefined) Deno.exit(1);
    sum.expected += counts.expected;
    sum.refused += counts.refused;
    // What was dropped is let go of between two jobs of the event loop.
    if (batch % 16 === 0) await turn();
  }
  const operations = batch * BATCH_SIZE;
  const rate = Math.round(operations / elapsed());
  say(
    `${operations} operations in ${batch} batches agree with the model: ${sum.expected} results, ${sum.refused} of them errors; ${rate} operations per second`,
  );
  await nothingIsLeft();
}

function tryBatch(seed: number, batch: number): BatchCounts | undefined {
  try {
    return runBatch(seed, batch);
  } catch (error) {
    say(`\nBatch ${batch} failed:\n${(error as Error).stack}`);
    const only = shrink(
      allOperations(),
      (only) => failureOf(seed, batch, only) !== undefined,
    );
    say(`\nThe fewest operations found that fail:\n`);
    const last = failureOf(seed, batch, only, say);
    say(`\n${last?.stack ?? "They fail no longer"}`);
    return undefined;
  }
}

function failureOf(
  seed: number,
  batch: number,
  only: readonly number[],
  trace: (line: string) => void = () => {},
): Error | undefined {
  try {
    runBatch(seed, batch, { only, trace });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Waits until the kernel has back all that was dropped. */
async function nothingIsLeft(): Promise<void> {
  const left = () =>
    [
      mappings(`/memfd:${MEMFD_NAME}`).length,
      openDescriptors(`/memfd:${MEMFD_NAME}`).length,
      mappingStats().mappings,
    ].join(", ");
  try {
    await eventually(() => {
      collect();
      return left() === "0, 0, 0";
    });
  } catch {
    say(`Mappings, descriptors and counted mappings left: ${left()}`);
    Deno.exit(1);
  }
  say("Nothing is left");
}

const [what, seed, number] = Deno.args;
if (what === "trace") {
  runBatch(Number(seed), Number(number), { trace: say });
} else {
  await run(Number(seed), Number(number));
}
