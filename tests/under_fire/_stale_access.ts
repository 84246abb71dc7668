/**
 * Runs all cases of stale access, on plain memory or on memory for Workers, and
 * prints what came of each that is not as it should be. What case it is at goes
 * to standard error, should it be the last.
 *
 * @module
 */

import { collect } from "../_support.ts";
import { arrayCases } from "./_stale_arrays.ts";
import { messageCases } from "./_stale_messages.ts";
import { methodCases } from "./_stale_methods.ts";
import { nativeCases } from "./_stale_native.ts";
import { pointerCases } from "./_stale_pointers.ts";
import { runtimeCases } from "./_stale_runtime.ts";
import { type Case, type Run, Scene } from "./_stale_scene.ts";

const groups: Record<string, Record<string, Case>> = {
  pointers: pointerCases,
  arrays: arrayCases,
  methods: methodCases,
  runtime: runtimeCases,
  messages: messageCases,
  native: nativeCases,
};

function show(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value, {
    breakLength: Infinity,
    compact: true,
  });
}

async function outcomeOf(run: Run, scene: Scene): Promise<string> {
  try {
    return show(await run(scene));
  } catch (error) {
    return error instanceof Error ? error.name : show(error);
  }
}

const workers = Deno.args[0] === "workers";
const wrong: string[] = [];
let count = 0;
for (const [group, cases] of Object.entries(groups)) {
  for (const [name, [run, plain, shared = plain]] of Object.entries(cases)) {
    console.error(`${group}: ${name}`);
    const scene = new Scene(workers);
    const outcome = await outcomeOf(run, scene);
    const expected = workers ? shared : plain;
    const flaws = scene.verdict();
    if (outcome !== expected) {
      flaws.unshift(`is ${outcome} instead of ${expected}`);
    }
    for (const flaw of flaws) wrong.push(`${group}: ${name}: ${flaw}`);
    scene.end();
    if (++count % 16 === 0) collect();
  }
}
collect();
console.log(JSON.stringify({ count, wrong }));
