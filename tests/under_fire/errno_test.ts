import { assert, assertEquals } from "@std/assert";
import { bpfMaps } from "../_needs.ts";
import { run } from "../_support.ts";
import type { Findings } from "./_failing_calls.ts";
import { fire } from "../_fire.ts";

/** The number of calls, as it comes and under each of the other conditions. */
const CALLS = fire ? 6_000_000 : 45_000;

const conditions: Record<string, [calls: number, v8Flags: string[]]> = {
  "as it comes": [CALLS, []],
  "while memory is compacted all the time": [CALLS / 3, ["stress-compaction"]],
  "while garbage is collected all the time": [CALLS / 3, ["gc-interval=300"]],
};

for (const [name, [calls, v8Flags]] of Object.entries(conditions)) {
  Deno.test(`Each of ${calls} failing calls of three threads gives its own error number, ${name}`, async () => {
    const { code, signal, stdout, stderr } = await run(
      new URL("./_failing_threads.ts", import.meta.url),
      {
        permissions: ["-A"],
        args: [`${calls}`, bpfMaps.met ? "bpf" : ""],
        v8Flags,
        timeout: fire ? 3_600_000 : 120_000,
      },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    const threads = JSON.parse(stdout) as Findings[];
    assertEquals(threads.map(({ wrong }) => wrong), [{}, {}, {}]);
    const made = threads.reduce((sum, thread) => sum + thread.calls, 0);
    assert(made >= calls, stdout);
  });
}
