import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { bpfObjects, rawTracepoint, testWith } from "../tests/_needs.ts";
import { repository, TemporaryDirectory } from "../tests/_support.ts";

const example = new URL("./opensnoop.ts", import.meta.url);
const snoopTest = testWith(bpfObjects, rawTracepoint);

/**
 * Runs the example, and returns what it printed, line by line.
 *
 * @param act Is called when it is attached, as the head of the table tells.
 * @param last The path that ends it.
 */
async function snoop(
  args: string[],
  act: () => void,
  last: string,
): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", fromFileUrl(example), ...args],
    cwd: repository,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const lines: string[] = [];
  let rest = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    const begun = lines.length > 0;
    const whole = (rest + part).split("\n");
    rest = whole.pop()!;
    lines.push(...whole);
    if (!begun && lines.length > 0) act();
    if (whole.some((line) => line.endsWith(` ${last}`))) child.kill("SIGINT");
  }
  const { code } = await child.status;
  const stderr = await errors;
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^\d+ lost\n$/);
  return lines;
}

function openMissing(path: string): void {
  assertThrows(() => Deno.openSync(path), Deno.errors.NotFound);
}

/** The rows of a process. */
function rowsOf(lines: readonly string[], pid: number): string[] {
  return lines.filter((line) => line.startsWith(`${pid} `));
}

snoopTest(
  "opensnoop.ts shows each file that a process opens, and in vain",
  async () => {
    using directory = new TemporaryDirectory();
    const missing = directory.join("missing");
    const names = Array.from({ length: 100 }, (_, i) => directory.join(`${i}`));
    const lines = await snoop([`--pid=${Deno.pid}`], () => {
      for (const name of names) Deno.writeTextFileSync(name, "");
      openMissing(missing);
    }, missing);
    assertMatch(lines[0]!, /^PID +UID +COMMAND +FD +PATH$/);
    const rows = rowsOf(lines, Deno.pid);
    const found = rows.filter((row) => row.includes(` ${directory.path}`));
    const paths = found.map((row) => row.slice(row.indexOf(directory.path)));
    assertEquals(paths, [...names, missing]);
    const last = rows.find((row) => row.endsWith(missing))!;
    // ENOENT, from the negative error number of the system call.
    assertMatch(last, new RegExp(`^${Deno.pid} +${Deno.uid()} .+ -2 +/`));
  },
);

snoopTest("opensnoop.ts --failed shows what failed alone", async () => {
  using directory = new TemporaryDirectory();
  const missing = directory.join("missing");
  const there = directory.join("there");
  const lines = await snoop([`--pid=${Deno.pid}`, "--failed"], () => {
    Deno.writeTextFileSync(there, "");
    openMissing(missing);
  }, missing);
  const all = lines.join("\n");
  assertStringIncludes(all, missing);
  assertEquals(all.includes(there), false);
});
