/** Runs `deno test` in a process of its own, in another environment. */

import { TemporaryDirectory } from "../_support.ts";
import type { LeaveOut } from "./_leave_out.ts";
import { printed } from "./_processes.ts";
import { Report, type TestResult } from "./_report.ts";
import type { Together } from "./_together.ts";

/** The options of a run of tests. */
export interface TestRun {
  /** The name that it has where its outcome is told. */
  readonly title: string;
  /** Files of tests, or of documentation. */
  readonly files: readonly string[];
  /** Tests that are left out: regular expressions that match their names. */
  readonly leaveOut?: readonly RegExp[];
  /** True if each of those expressions must match the name of a test. */
  readonly leaveOutAll?: boolean;
  /**
   * True if tests are left out that would be skipped, for want of a privilege
   * say: where another run has them, and sees to it that they are not skipped.
   */
  readonly leaveOutSkipped?: boolean;
  /** Environment variables on top of the inherited ones. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * True if each file has a heap of its own, which is small: for flags under
   * which the engine goes over the whole of it again and again.
   */
  readonly apart?: boolean;
  /** Further arguments of `deno test`. */
  readonly args?: readonly string[];
  /** The command that runs Deno; the Deno that runs this by default. */
  readonly deno?: readonly string[];
}

/** The outcome of a run. */
export interface Outcome {
  readonly title: string;
  /** The results of all tests that came to their end. */
  readonly results: readonly TestResult[];
  /** The number of failures, with modules that threw and unended tests. */
  readonly failed: number;
  /** The lines to be shown of what failed; empty where nothing did. */
  readonly failures: string;
  /** The lines to be shown of what failed, and passed at a second try. */
  readonly unsteady?: string;
  /** The number of tests that were left out. */
  readonly leftOut: number;
  readonly seconds: number;
}

/** Objects of BPF that all processes of a task share, see `tests/bpf/_objects.ts`. */
const objects = Deno.env.get("HOSTMEM_COMPILED") ?? folderOfTask();

function folderOfTask(): string {
  const directory = new TemporaryDirectory();
  addEventListener("unload", () => directory[Symbol.dispose]());
  return directory.path;
}

/**
 * Runs tests. What they print is given to `show` as it comes. A signal that asks
 * this process to stop stops them, which is a failure.
 */
export async function runTests(
  run: TestRun,
  show: (part: string) => void = () => {},
): Promise<Outcome> {
  const begin = performance.now();
  using directory = new TemporaryDirectory();
  const record = directory.join("left_out");
  Deno.writeTextFileSync(record, "");
  const together = isTogether(run) ? directory.join("together") : undefined;
  const report = new Report();
  const { success, end } = await printed(commandOf(run), {
    env: {
      HOSTMEM_COMPILED: objects,
      ...run.env,
      HOSTMEM_LEAVE_OUT: JSON.stringify(leaveOutOf(run, record)),
      ...together === undefined ? {} : {
        HOSTMEM_TOGETHER: JSON.stringify(
          { files: run.files, record: together } satisfies Together,
        ),
      },
    },
    show(part, stream) {
      report.push(part, stream);
      show(part);
    },
  });
  report.end();
  const leftOut = Deno.readTextFileSync(record).split("\n").slice(0, -1);
  const complaints = (run.leaveOutAll ? run.leaveOut ?? [] : [])
    .filter((pattern) => !leftOut.some((name) => pattern.test(name)))
    .map((pattern) => `No test's name matches ${pattern}`);
  if (success && !report.complete) {
    complaints.push(`Deno counted otherwise:\n${report.text}`);
  }
  const failed = success ? 0 : report.failed || 1;
  return {
    title: run.title,
    results: together === undefined
      ? report.results
      : inTheirFiles(report.results, run.files, together),
    failed: failed + complaints.length,
    failures: (success ? [] : [report.failures, `It ended with ${end}`])
      .concat(complaints)
      .join("\n"),
    leftOut: leftOut.length,
    seconds: (performance.now() - begin) / 1000,
  };
}

function commandOf(run: TestRun): string[] {
  return [
    ...run.deno ?? [Deno.execPath()],
    "test",
    "-A",
    // `deno task check` checks types, and minds the lock file, too.
    "--no-check",
    "--no-lock",
    "--preload=tests/tasks/_leave_out.ts",
    "--preload=tests/_small_heap.ts",
    ...run.args ?? [],
    ...isTogether(run) ? ["tests/tasks/_together.ts"] : run.files,
  ];
}

/** Tests whether files run as one module: several, or such with examples. */
function isTogether({ files, apart = false }: TestRun): boolean {
  return !apart &&
    (files.length > 1 || files.some((file) => !file.endsWith("_test.ts")));
}

/** The results of what ran as one module, each with the file that declares it. */
function inTheirFiles(
  results: readonly TestResult[],
  files: readonly string[],
  record: string,
): TestResult[] {
  const declared = declaredIn(record);
  return results.map((result) => {
    const file = declared.get(result.name)?.shift();
    return file === undefined ? result : { ...result, file: files[file]! };
  });
}

/** By name, the numbers of the files that declare tests of that name, in order. */
function declaredIn(record: string): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const [file, name] of JSON.parse(readIfThere(record) ?? "[]")) {
    numbers.set(name, [...numbers.get(name) ?? [], file]);
  }
  return numbers;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function leaveOutOf(run: TestRun, record: string): LeaveOut {
  return {
    patterns: (run.leaveOut ?? []).map(({ source }) => source),
    skipped: run.leaveOutSkipped ?? false,
    record,
  };
}
