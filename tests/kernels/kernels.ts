/**
 * Boots kernels of Debian's, emulated by qemu, and runs there the tests that a
 * kernel makes a difference to: `6.1` and `6.12` on x86-64, and `arm64`, which is
 * 6.12 on aarch64.
 *
 *     deno task kernels [6.1] [6.12] [arm64] [part of a test file's path]
 *
 * Without the name of a kernel it is 6.1 and 6.12, side by side. All that is
 * needed is fetched, and kept in `hostmem-kernels` below `XDG_CACHE_HOME`
 * (`~/.cache`), or where `HOSTMEM_KERNELS_CACHE` says; what is a week old is
 * asked for anew. Nothing is installed but qemu, clang and xz.
 *
 * All that a guest's console said last is in `<kernel>.log` there.
 *
 * Each guest has two processors, 3072 MiB of memory and 20 minutes:
 * `HOSTMEM_KERNELS_PROCESSORS`, `HOSTMEM_KERNELS_MEMORY` (in MiB) and
 * `HOSTMEM_KERNELS_SECONDS` say otherwise.
 *
 * The exit status is 0 if no test failed and every kernel came to its end, 1 if
 * not, and 77 if this machine cannot do it: that is 1, too, with `CI` set.
 *
 * @module
 */

import { repository, TemporaryDirectory } from "../_support.ts";
import { command, Impossible, requireCommands } from "./_command.ts";
import { boot, type GuestEnd, type GuestOptions } from "./_guest.ts";
import { type Image, makeImage } from "./_image.ts";
import { type Kernel, kernels } from "./_kernels.ts";
import {
  type Column,
  count,
  reasons,
  tableOfFiles,
  tableOfTests,
} from "./_results.ts";
import { groups, inGuest } from "./_tests.ts";
import { Transcript } from "./_transcript.ts";

const IMPOSSIBLE = 77;
/** The number of lines shown of the console of a guest that ended badly. */
const TAIL = 40;

/** The words for a guest that did not come to its end. */
const ends: Readonly<Record<Exclude<GuestEnd, "down">, string>> = {
  overdue: "had not ended",
  panic: "ended by itself",
  stopped: "was stopped by a signal",
};

const names = Deno.args.filter((name) => kernels.has(name));
const [part = "", ...more] = Deno.args.filter((name) => !kernels.has(name));
if (more.length > 0) {
  console.error(`One part of a path is enough: ${[part, ...more].join(" ")}`);
  Deno.exit(2);
}
const wanted = Object.entries(groups)
  .map(([name, choices]) =>
    [name, choices.filter(({ file }) => file.includes(part))] as const
  )
  .filter(([, choices]) => choices.length > 0);
if (wanted.length === 0) {
  console.error(
    `No test's path contains "${part}"; kernels are ${
      [...kernels.keys()].join(", ")
    }`,
  );
  Deno.exit(2);
}

try {
  const chosen = (names.length > 0 ? names : ["6.1", "6.12"])
    .map((name) => kernels.get(name)!);
  const cache = cacheFolder();
  using directory = new TemporaryDirectory(cache);
  const images = await prepare(chosen, cache, directory);
  const runs = await Promise.all(
    chosen.map((kernel, i) => runOn(kernel, images[i]!)),
  );
  report(runs);
} catch (error) {
  if (!(error instanceof Impossible)) throw error;
  console.log(error.message.split("\n")[0]);
  Deno.exit(Deno.env.get("CI") ? 1 : IMPOSSIBLE);
}

function cacheFolder(): string {
  const { HOSTMEM_KERNELS_CACHE, XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  const folder = HOSTMEM_KERNELS_CACHE ??
    `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/hostmem-kernels`;
  Deno.mkdirSync(folder, { recursive: true });
  return folder;
}

/** Fetches what is missing and makes what the guests boot. */
async function prepare(
  chosen: readonly Kernel[],
  cache: string,
  directory: TemporaryDirectory,
): Promise<Image[]> {
  await requireCommands([
    "clang",
    "xz",
    ...chosen.map(({ emulator }) => emulator),
  ]);
  // Of several that run at a time, one fetches.
  using lock = Deno.openSync(`${cache}/lock`, { write: true, create: true });
  await lock.lock(true);
  const denoDir = `${cache}/deno`;
  const files = [
    "tests/kernels/_in_guest.ts",
    ...wanted.flatMap(([, choices]) => choices.map(({ file }) => file)),
  ];
  // What the guest would else make of TypeScript itself, which takes minutes.
  await command(
    Deno.execPath(),
    ["cache", "--quiet", "--no-check", "--no-lock", ...files],
    { cwd: repository, env: { DENO_DIR: denoDir } },
  );
  const images: Image[] = [];
  for (const kernel of chosen) {
    images.push(
      await makeImage(kernel, cache, directory, { script: script(), denoDir }),
    );
  }
  return images;
}

/** Writes what a guest runs: a process for each group of files. */
function script(): string {
  const lines = wanted.map(([name, choices]) =>
    `echo "@guest begin ${name}"
export HOSTMEM_TESTS=${quoted(JSON.stringify(choices.map(inGuest)))}
deno test --allow-all --no-check --no-lock --cached-only \
  --v8-flags=--expose-gc tests/kernels/_in_guest.ts 2>&1 </dev/null | cat
echo "@guest end ${name}: status $?"`
  );
  return `cd ${quoted(repository)}
set -o pipefail
ulimit -c 0
export DENO_DIR=/deno NO_COLOR=1 LC_ALL=C
export HOSTMEM_OBJECTS=/objects HOSTMEM_PATIENCE=20
${lines.join("\n")}
`;
}

/** A word for the shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The run of a kernel. */
interface Run extends Column {
  readonly kernel: Kernel;
  readonly transcript: Transcript;
  readonly seconds: number;
}

function options(): GuestOptions {
  const number = (name: string, otherwise: number) => {
    const value = Deno.env.get(`HOSTMEM_KERNELS_${name}`) ?? `${otherwise}`;
    if (/^[1-9]\d*$/.test(value)) return Number(value);
    throw new RangeError(
      `HOSTMEM_KERNELS_${name} must be a positive integer: it is "${value}"`,
    );
  };
  return {
    processors: number("PROCESSORS", 2),
    memory: number("MEMORY", 3072),
    seconds: number("SECONDS", 1200),
  };
}

async function runOn(kernel: Kernel, image: Image): Promise<Run> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const title = `${image.release.replace(/-cloud.*/, "")} ${kernel.arch}`;
  console.log(`-- ${title} boots`);
  const transcript = new Transcript(`${cacheFolder()}/${kernel.name}.log`);
  const end = await boot(kernel, image, options(), (line) => {
    const heard = transcript.hear(line);
    if (heard === undefined) return;
    const time = `${kernel.name.padEnd(5)} ${
      seconds().toFixed(0).padStart(4)
    } s`;
    console.log(
      typeof heard === "string"
        ? `${time}  -- ${heard}`
        : `${time}  ${heard.outcome.padEnd(7)} ${heard.file}: ${heard.name}${
          heard.reason === undefined ? "" : ` [${heard.reason}]`
        }`,
    );
  });
  if (end !== "down") {
    transcript.troubles.push(
      `the guest ${ends[end]} after ${
        seconds().toFixed(0)
      } s; its console said at last:`,
      ...transcript.tail(TAIL).map((line) => `    ${line}`),
    );
  }
  const { results } = transcript;
  return { kernel, title, results, transcript, seconds: seconds() };
}

function report(runs: readonly Run[]): void {
  for (const { kernel, transcript: { failures } } of runs) {
    if (failures.length === 0) continue;
    console.log(`\n-- ${kernel.name}: what failed`);
    for (const line of failures) console.log(line);
  }
  console.log("");
  for (const line of tableOfFiles(runs)) console.log(line);
  const sections = "bpf/link/kernel_sections_test.ts";
  if (
    runs.some(({ results }) => results.some(({ file }) => file === sections))
  ) {
    console.log("");
    for (const line of tableOfTests(runs, sections)) console.log(line);
  }
  for (const run of runs) {
    console.log(`\n-- ${run.title}: ${run.seconds.toFixed(0)} s`);
    for (const reason of reasons(run)) console.log(`skipped: ${reason}`);
    for (const trouble of run.transcript.troubles) {
      console.log(`trouble: ${trouble}`);
    }
  }
  const all = runs.flatMap(({ results }) => results);
  // A guest that did not come to its end is one failure.
  const broken = runs.filter(({ transcript }) => transcript.troubles.length > 0)
    .length;
  const failed = count(all, "failed") + broken;
  console.log(
    `\n${count(all, "passed")} passed, ${failed} failed, ${
      count(all, "skipped")
    } skipped`,
  );
  if (failed > 0 || all.length === 0) Deno.exitCode = 1;
}
