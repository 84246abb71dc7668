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
  /**
   * Whether what they print is shown when they have ended, and not at once: for
   * runs side by side.
   */
  readonly together?: boolean;
}

/**
 * Runs tests, shows what they print, and tells whether all passed.
 *
 * @throws {Error} if a signal asked this process to stop. The tests are stopped
 * then, and what they have printed is shown.
 */
export async function runTests(run: TestRun): Promise<boolean> {
  const begin = performance.now();
  console.log(run.together ? `-- ${run.title} begins` : `\n-- ${run.title}`);
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
    stdout: run.together ? "piped" : "inherit",
    stderr: run.together ? "piped" : "inherit",
  }).spawn();
  const stopped = stopWithThis(child);
  const printed = run.together ? await outputOf(child) : [];
  const { success } = await child.status;
  if (run.together) {
    console.log(`\n-- ${run.title}`);
    for (const chunk of printed) writeAll(chunk);
  }
  if (stopped()) throw new Error(`${run.title} was stopped by a signal`);
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

/** Stops a child when this process is to stop; the result tells whether it was. */
function stopWithThis(child: Deno.ChildProcess): () => boolean {
  let stopped = false;
  const stop = () => {
    stopped = true;
    try {
      child.kill();
    } catch (error) {
      // It has ended: a terminal's signal reaches it, too.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  child.status.then(() => {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  });
  return () => stopped;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** All that a child prints, in the order in which it arrives. */
async function outputOf(
  { stdout, stderr }: Deno.ChildProcess,
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  await Promise.all([stdout, stderr].map(async (stream) => {
    for await (const chunk of stream) chunks.push(chunk);
  }));
  return chunks;
}

function writeAll(chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) {
    at += Deno.stdout.writeSync(chunk.subarray(at));
  }
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
