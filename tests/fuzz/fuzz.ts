/**
 * Does random things to the public API and compares all of memory with a model
 * of it, for some seconds. `HOSTMEM_SEED` repeats a run.
 *
 *     deno task fuzz [seconds]
 */

import { seed } from "../_support.ts";
import { fuzz } from "./_run.ts";

const seconds = Number(Deno.args[0] ?? 60);
const { ok, report } = await fuzz(seed(), seconds);
console.log(report);
if (!ok) Deno.exitCode = 1;
