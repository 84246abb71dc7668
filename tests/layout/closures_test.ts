import { assertEquals } from "@std/assert";
import { fire } from "../_fire.ts";
import { run } from "../_support.ts";

const FLAG = "--v8-flags=--disallow-code-generation-from-strings";

/** The tests that say what pointers do, not how they come about. */
const suites = [
  "type_checks_test.ts",
  "pointer_checks_test.ts",
  "checked_stores_test.ts",
  "assign_test.ts",
  "kinds_test.ts",
  "atomics_test.ts",
  "text_test.ts",
  "bits_test.ts",
  "flexible_test.ts",
  "records_test.ts",
  "names_test.ts",
  "wide_test.ts",
];

async function test(suite: string, flags: string[]): Promise<
  { code: number; passed: string | undefined; output: string }
> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-lock", ...flags, suite],
    cwd: import.meta.dirname!,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  return { code, passed: /(\d+) passed \| 0 failed/.exec(output)?.[1], output };
}

Deno.test("closures stand in where code generation is switched off", async () => {
  const { stdout, stderr } = await run(
    `import { canGenerate } from "./layout/access/classes.ts";
     let refused = false;
     try { new Function(""); } catch { refused = true; }
     console.log(refused, canGenerate);`,
    {
      permissions: [],
      v8Flags: ["disallow-code-generation-from-strings"],
    },
  );
  assertEquals(stdout, "true false\n", stderr);
});

// deno task fire runs all of them without code generation, and this, too.
for (const suite of fire ? suites : []) {
  Deno.test(`without code generation the tests have the same outcome: ${suite}`, async () => {
    const [generated, closures] = await Promise.all([
      test(suite, []),
      test(suite, [FLAG]),
    ]);
    assertEquals(generated.code, 0, generated.output);
    assertEquals(closures.code, 0, closures.output);
    assertEquals(closures.passed, generated.passed);
    assertEquals(Number(generated.passed) > 0, true, generated.output);
  });
}
