import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { basename, relative, toFileUrl } from "@std/path";
import { repository, TemporaryDirectory } from "../_support.ts";
import { groupsOf, namedFiles } from "./_plan.ts";
import { Report } from "./_report.ts";
import { requestOf } from "./_request.ts";
import { type Outcome, runTests } from "./_run_tests.ts";
import { withSecondTry } from "./_second_try.ts";
import { allExamples, allTests, roomOf } from "./_test_files.ts";

const SKIPPED = `
  Deno.test({ name: "writes [refused: iterators: EACCES]", ignore: true, fn() {} });
  Deno.test({ name: "compiles [missing: clang]", ignore: true, fn() {} });
`;

/** Runs a file of tests, of which this is the source, and one that passes. */
async function outcomeOf(source: string): Promise<Outcome> {
  using directory = new TemporaryDirectory();
  const files = [source, `Deno.test("passes", () => {});`].map((text, i) => {
    const file = directory.join(`${i}_test.ts`);
    Deno.writeTextFileSync(file, text);
    return file;
  });
  return await runTests({ title: "tests", files });
}

function resultsOf({ results }: Outcome): string[] {
  return results.map(({ name, outcome }) => `${name}: ${outcome}`);
}

Deno.test("The runner tells what became of each test, and shows what failed", async () => {
  const outcome = await outcomeOf(`
    Deno.test("says ok (1ms)", () => console.log("other ... FAILED (1ms)"));
    Deno.test("fails", () => { throw new Error("for a reason"); });
    Deno.test({ name: "is skipped", ignore: true, fn() {} });
  `);
  assertEquals(resultsOf(outcome), [
    "says ok (1ms): passed",
    "fails: failed",
    "is skipped: skipped",
    "passes: passed",
  ]);
  assertEquals(outcome.failed, 1);
  assertStringIncludes(outcome.failures, "Error: for a reason");
  assertEquals(
    outcome.results.map(({ file }) => basename(file)),
    ["0_test.ts", "0_test.ts", "0_test.ts", "1_test.ts"],
  );
});

Deno.test("The runner counts a module that throws as a failure", async () => {
  const outcome = await outcomeOf(`throw new Error("at once");`);
  assertEquals(outcome.failed, 1);
  assertStringIncludes(outcome.failures, "Error: at once");
});

Deno.test("The runner runs each example in a text and in doc comments", async () => {
  using directory = new TemporaryDirectory();
  const fence = "```";
  const files = {
    "text.md": `An example\n\n${fence}ts\nthrow new Error("in text");\n${fence}
${fence}ts ignore\nthrow new Error("ignored");\n${fence}\n`,
    "code.ts": `/**
 * ${fence}ts
 * import { pageSize } from "@hostmem/hostmem";
 * if (pageSize() === 0) throw new Error("none");
 * ${fence}
 * ${fence}js
 * Deno.test("of its own", () => {});
 * ${fence}
 */\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    Deno.writeTextFileSync(directory.join(name), text);
  }
  const outcome = await runTests({
    title: "examples",
    files: Object.keys(files).map((name) => directory.join(name)),
  });
  const address = toFileUrl(directory.path).href;
  assertEquals(resultsOf(outcome), [
    `${address}/text.md#3-6.ts: failed`,
    `${address}/code.ts#2-6.ts: passed`,
    "of its own: passed",
  ]);
  assertStringIncludes(outcome.failures, "Error: in text");
  assertEquals(outcome.failed, 1);
});

/** The time in which a test is announced for certain, in milliseconds. */
const ANNOUNCED = 300 * Number(Deno.env.get("HOSTMEM_PATIENCE") ?? 1);

Deno.test("The runner tells of a process that died", async () => {
  const outcome = await outcomeOf(`
    Deno.test("deadly", async () => {
      // Until another thread has announced it.
      await new Promise((resolve) => setTimeout(resolve, ${ANNOUNCED}));
      Deno.kill(Deno.pid, "SIGKILL");
    });
  `);
  assertEquals(outcome.results, []);
  // The test of the other file was not begun.
  assertEquals(outcome.failed, 2);
  assertStringIncludes(outcome.failures, "SIGKILL");
});

Deno.test("The runner counts what was announced and did not end", () => {
  const report = new Report();
  report.push(
    `running 3 tests from ./a_test.ts
before ... ok (1ms)
deadly ...`,
    "stdout",
  );
  assertEquals(report.results.map(({ name }) => name), ["before"]);
  assertEquals([report.complete, report.failed], [false, 2]);
  assertStringIncludes(report.failures, "deadly ...");
});

Deno.test("The runner's second try counts a test that passes alone, and shows what it said", async () => {
  using directory = new TemporaryDirectory();
  const marker = JSON.stringify(directory.join("marker"));
  const once = `Deno.test("fails (once)?", () => {
    Deno.openSync(${marker}, { createNew: true, write: true }).close();
  });
  addEventListener("unload", () => Deno.removeSync(${marker}));
  Deno.writeTextFileSync(${marker}, "");`;
  const file = directory.join("unsteady_test.ts");
  Deno.writeTextFileSync(file, once);
  const run = { title: "tests", files: [file] };
  const first = await runTests(run);
  assertEquals(first.failed, 1);
  assertEquals(await withSecondTry(run, first, false), first);
  assertEquals(await withSecondTry(run, first, true), first);

  Deno.writeTextFileSync(file, once.split("\n").slice(0, -1).join("\n"));
  const second = await withSecondTry(run, first, true);
  assertEquals(resultsOf(second), ["fails (once)?: passed"]);
  assertEquals([second.failed, second.failures], [0, ""]);
  assertStringIncludes(second.unsteady ?? "", "AlreadyExists");

  // Of what died there is no test to try again.
  const dead = { ...first, failed: 2 };
  assertEquals(await withSecondTry(run, dead, true), dead);
});

Deno.test("The runner knows a test that Deno says takes long", () => {
  const report = new Report();
  report.push(
    `running 1 test from ./a_test.ts
waits ...'waits' has been running for over (1m0s)
 ok (1m12s)

ok | 1 passed | 0 failed (1m12s)
`,
    "stdout",
  );
  assertEquals(report.results, [
    { file: "a_test.ts", name: "waits", outcome: "passed" },
  ]);
  assertEquals([report.complete, report.failed], [true, 0]);
});

Deno.test("deno task test with CI set fails for a skip for want of what can be had", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.join("skips_test.ts");
  Deno.writeTextFileSync(file, SKIPPED);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "tests/tasks/tests.ts"]
      .concat(relative(repository, file)),
    cwd: repository,
    env: { CI: "1", NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 1, text);
  assertStringIncludes(text, "1 skipped: refused: iterators: EACCES\n");
  assertStringIncludes(text, "1 skipped: missing: clang\n");
  assertMatch(text, /\n0 passed, 1 failed, 2 skipped in /);
});

Deno.test("deno task test --recount takes nothing besides", () => {
  for (const other of ["quick", "tests/base", "--filter", "--help"]) {
    assertThrows(
      () => requestOf(["--recount", other]),
      RangeError,
      "--recount needs all tests",
    );
  }
  assertEquals(requestOf(["--recount"]).recount, true);
  assertEquals(requestOf(["quick"]).recount, false);
});

Deno.test("The runner's plan has each file once, and none that is not there", () => {
  const tests = allTests();
  assertEquals(namedFiles().filter((file) => !tests.includes(file)), []);
  const examples = allExamples();
  const groups = groupsOf(tests, examples);
  for (const [kind, files] of Object.entries({ tests, examples })) {
    const planned = groups.filter((group) => group.kind === kind)
      .flatMap(({ files }) => files);
    assertEquals(planned.toSorted(), files.toSorted());
  }
  for (const { room, files } of groups) {
    // What is kept together may be of two rooms.
    assertEquals(roomOf(files[0]!), room);
  }
});
