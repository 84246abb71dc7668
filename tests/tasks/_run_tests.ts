/** Runs `deno test` in a process of its own, in another environment. */

import { repository, TemporaryDirectory } from "../_support.ts";
import type { LeaveOut } from "./_leave_out.ts";

/** How tests are run. */
export interface TestRun {
  /** What is printed before and after. */
  readonly title: string;
  /** Folders of tests, or files. */
  readonly tests: readonly string[];
  /** What the path of each file must contain. */
  readonly part?: string;
  /** Files that are left out. */
  readonly without?: readonly string[];
  /** Tests that are left out: regular expressions that match their names. */
  readonly leaveOut?: readonly RegExp[];
  /**
   * Whether tests are left out that would be skipped, for want of a privilege
   * say: where another run has them, and sees to it that they are not skipped.
   */
  readonly leaveOutSkipped?: boolean;
  /** Environment variables on top of the inherited ones. */
  readonly env: Readonly<Record<string, string>>;
  /** The command that runs Deno; the Deno that runs this by default. */
  readonly deno?: readonly string[];
}

/** Runs tests, shows what they print, and tells whether all passed. */
export async function runTests(run: TestRun): Promise<boolean> {
  const begin = performance.now();
  console.log(`\n-- ${run.title}`);
  using directory = new TemporaryDirectory();
  const record = directory.join("left_out");
  Deno.writeTextFileSync(record, "");
  const [command, ...first] = run.deno ?? [Deno.execPath()];
  const child = new Deno.Command(command!, {
    args: [
      ...first,
      "test",
      "-A",
      // Types are checked by `deno task check`.
      "--no-check",
      "--no-lock",
      "--preload=tests/tasks/_leave_out.ts",
      ...filesOf(run),
    ],
    cwd: repository,
    env: {
      ...run.env,
      HOSTMEM_LEAVE_OUT: JSON.stringify(leaveOutOf(run, record)),
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const { success } = await child.status;
  const leftOut = Deno.readTextFileSync(record).split("\n").slice(0, -1);
  // A part need not have all of them.
  const idle = (run.part ? [] : run.leaveOut ?? []).filter((pattern) =>
    !leftOut.some((name) => pattern.test(name))
  );
  for (const pattern of idle) console.log(`No test's name matches ${pattern}`);
  const ok = success && idle.length === 0;
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `-- ${run.title}: ${
      ok ? "ok" : "failed"
    }, ${seconds} s, ${leftOut.length} tests left out`,
  );
  return ok;
}

function leaveOutOf(run: TestRun, record: string): LeaveOut {
  return {
    patterns: (run.leaveOut ?? []).map(({ source }) => source),
    skipped: run.leaveOutSkipped ?? false,
    record,
  };
}

/**
 * The files to run, all by name: `--ignore` of Deno 2.9 leaves out only some of
 * the files that it names.
 */
function filesOf({ tests, part = "", without = [] }: TestRun): string[] {
  // What is left out must exist, so that the lists do not outlive the files.
  for (const path of without) Deno.statSync(`${repository}/${path}`);
  return tests
    .flatMap((path) => path.endsWith(".ts") ? [path] : testsIn(path))
    .filter((file) => file.includes(part) && !without.includes(file));
}

function testsIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(`${repository}/${folder}`))
    .filter(({ name }) => name.endsWith("_test.ts"))
    .map(({ name }) => `${folder}/${name}`)
    .sort();
}
