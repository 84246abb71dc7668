import { assert, assertEquals } from "@std/assert";
import { run } from "../_support.ts";
import { flagSets } from "../_fire.ts";

const flags = flagSets({
  "while memory is compacted all the time": ["stress-compaction"],
  "while garbage is collected all the time": ["gc-interval=300"],
  "in the interpreter": ["no-opt", "no-sparkplug", "no-maglev"],
  "in Maglev": ["no-opt", "maglev", "stress-maglev"],
});

for (const [name, v8Flags] of flags) {
  for (const kind of ["plain", "workers"]) {
    const memory = kind === "workers" ? "memory made for Workers" : "memory";
    Deno.test(`No way to reach ${memory} that is closed crashes, gives its bytes or touches what is mapped afterwards${name}`, async () => {
      const { code, signal, stdout, stderr } = await run(
        new URL("./_stale_access.ts", import.meta.url),
        { permissions: ["-A"], args: [kind], v8Flags },
      );
      const last = stderr.trimEnd().split("\n").at(-1);
      assertEquals(
        { code, signal },
        { code: 0, signal: null },
        `it ended at "${last}"`,
      );
      const { count, wrong } = JSON.parse(stdout);
      assertEquals(wrong, []);
      assert(count > 180, stdout);
    });
  }
}
