import { assert, assertEquals } from "@std/assert";
import { sized } from "../../_fire.ts";
import { run } from "../../_support.ts";

/** The tiers of the engine that run the code, by the flags that choose them. */
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

/** A load or store in two halves is seen in the first thousands. */
const READS = sized(300_000, 10_000_000);

async function assertWhole(
  program: string,
  v8Flags: string[],
  kinds: number,
  share: number,
): Promise<void> {
  const { code, stdout, stderr } = await run(
    new URL(program, import.meta.url),
    {
      v8Flags,
      permissions: ["--allow-read"],
      args: [`${Math.ceil(READS / share)}`],
      timeout: 600_000,
    },
  );
  assertEquals(code, 0, stderr);
  const seen = JSON.parse(stdout) as Record<string, Seen>;
  assertEquals(Object.keys(seen).length, kinds);
  let reads = 0;
  for (const [kind, { zeros, full, torn }] of Object.entries(seen)) {
    assertEquals(torn, 0, `${kind}: ${torn} of ${zeros + full + torn}`);
    // Both were seen, so there were changes that could have been torn.
    assert(zeros > 0 && full > 0, `${kind} saw ${zeros} and ${full}`);
    reads += zeros + full + torn;
  }
  assert(reads >= READS, `${reads} reads`);
}

for (const [mode, v8Flags] of Object.entries(modes)) {
  Deno.test(`no value is torn ${mode}, read over and over`, async () => {
    // Two of the 28 kinds, which are slow, read much less.
    await assertWhole("./_reader.ts", v8Flags, 28, 26);
  });

  Deno.test(`no store is torn ${mode}, while another thread reads`, async () => {
    await assertWhole("./_watcher.ts", v8Flags, 25, 25);
  });
}
