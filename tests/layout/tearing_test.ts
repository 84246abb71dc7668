import { assert, assertEquals } from "@std/assert";
import { run } from "../_support.ts";

/** Which of the engine's tiers run the code, by the flags that choose them. */
const modes: Record<string, string[]> = {
  "in the interpreter": ["no-opt", "no-sparkplug", "no-maglev"],
  "in baseline code": [
    "sparkplug",
    "always-sparkplug",
    "no-opt",
    "no-maglev",
  ],
  "in mid-tier code": ["no-opt", "maglev"],
  "in optimised code": [],
  "through closures": ["disallow-code-generation-from-strings"],
};

interface Seen {
  zeros: number;
  full: number;
  torn: number;
}

const READERS = 28;

for (const [mode, v8Flags] of Object.entries(modes)) {
  Deno.test(`no value is torn ${mode}, in 10 million reads`, async () => {
    const { code, stdout, stderr } = await run(
      new URL("_tearing_reader.ts", import.meta.url),
      {
        v8Flags,
        permissions: ["--allow-read"],
        args: [`${Math.ceil(10_000_000 / (READERS - 2))}`],
      },
    );
    assertEquals(code, 0, stderr);
    const seen = JSON.parse(stdout) as Record<string, Seen>;
    assertEquals(Object.keys(seen).length, READERS);
    let reads = 0;
    for (const [reader, { zeros, full, torn }] of Object.entries(seen)) {
      assertEquals(torn, 0, `${reader}: ${torn} of ${zeros + full + torn}`);
      // Both were seen, so there were changes that could have been torn.
      assert(zeros > 0 && full > 0, `${reader} saw ${zeros} and ${full}`);
      reads += zeros + full + torn;
    }
    assert(reads >= 10_000_000, `${reads} reads`);
  });
}
