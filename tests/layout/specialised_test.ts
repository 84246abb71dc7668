/**
 * Pointers run the same source in two ways: as copies of its text, or as it is
 * where no text can be compiled.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../_support.ts";
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
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--no-lock", `--v8-flags=--${FLAG}`],
      ...suites,
    ],
    cwd: import.meta.dirname!,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  assertEquals(code, 0, output);
  const passed = /(\d+) passed \| 0 failed/.exec(output)?.[1];
  assert(Number(passed) > 300, output);
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
