/**
 * Pointers run the same source in two ways: as copies of its text, or as it is
 * where no text can be compiled.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../_support.ts";
import { runTests } from "../tasks/_run_tests.ts";
import { codeOf, HostLayout, struct, u32 } from "../../layout/mod.ts";

const FLAG = "disallow-code-generation-from-strings";

/** The tests that say what pointers do, not how they come about. */
const suites = [
  "pointer_checks_test.ts",
  "checked_stores_test.ts",
  "assign_test.ts",
  "kinds_test.ts",
  "atomics_test.ts",
  "text_test.ts",
  "bits_test.ts",
  "flexible_test.ts",
  "records_test.ts",
  "wide_test.ts",
];

Deno.test("Pointers do the same where no text can be compiled", async () => {
  const { results, failed, failures } = await runTests({
    title: "closures",
    files: suites.map((name) => `tests/layout/${name}`),
    args: [`--v8-flags=--${FLAG}`],
  });
  assertEquals(failed, 0, failures);
  assert(results.length > 300, `${results.length}`);
});

Deno.test("codeOf() shows the text that pointers run", () => {
  const Point = struct("Point", { _: HostLayout, x: u32 });
  const writable = codeOf(Point)!;
  const readOnly = codeOf(Point, { readOnly: true })!;
  assertStringIncludes(writable, `set ["x"](a)`);
  assertStringIncludes(readOnly, `get ["x"]()`);
  assert(!readOnly.includes("set "));
});

Deno.test("codeOf() tells where no text can be compiled", async () => {
  const { stdout, stderr } = await run(
    `import { codeOf, u32 } from "./layout/mod.ts";
     let refused = false;
     try { new Function(""); } catch { refused = true; }
     console.log(refused, codeOf(u32));`,
    { permissions: [], v8Flags: [FLAG] },
  );
  assertEquals(stdout, "true undefined\n", stderr);
});
