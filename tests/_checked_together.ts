/**
 * One run of the type checker for what several tests of a process have written:
 * it takes about as long for one file as for all.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { publishedPackage } from "./_published.ts";

/** Sources to check, by the names of their files. */
export type Sources = Readonly<Record<string, string>>;

const makers: (() => Promise<Sources>)[] = [];
let errors: Promise<string> | undefined;

/**
 * Has sources checked, which lie in a folder of this name, once a test asks for it
 * with the function that is returned: what the type checker says of all that this
 * process has checked. To be called before any test runs.
 */
export function checkedTogether(
  folder: string,
  make: () => Promise<Sources>,
): () => Promise<string> {
  makers.push(async () => {
    const sources = Object.entries(await make());
    return Object.fromEntries(
      sources.map(([name, source]) => [`${folder}/${name}`, source]),
    );
  });
  return () => errors ??= checkAll();
}

async function checkAll(): Promise<string> {
  const sources: Record<string, string> = {};
  for (const make of makers) Object.assign(sources, await make());
  return await errorsIn(sources);
}

/**
 * The errors that `deno check` finds in sources beside a copy of the package; empty
 * if there are none.
 *
 * @throws {Error} when it has passed over one of them.
 */
async function errorsIn(sources: Sources): Promise<string> {
  const folder = publishedPackage();
  // Of a file that deno.json excludes nothing is checked, and that is no error. So
  // there is always a mistake in each that must be found.
  const mistakes: string[] = [];
  const files: string[] = [];
  for (const [name, source] of Object.entries(sources)) {
    const mistake = `mistake_${mistakes.length}_that_must_be_found`;
    const file = join(folder, name);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(
      file,
      `${source}\nexport const ${mistake}: never = 0;\n`,
    );
    mistakes.push(mistake);
    files.push(file);
  }
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...files],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const report = new TextDecoder().decode(stderr);
    // One error behind the other: "TS2322 [ERROR]: …", its line, its place.
    const errors = report.split(/^(?:Found \d|error: Type checking)/m)[0]!
      .split(/^(?:error: )?(?=TS\d+ \[ERROR\])/m);
    // A text that cannot be read at all has an error of another form.
    if (!success && !report.includes("[ERROR]")) return report;
    const isMade = (error: string) =>
      mistakes.some((mistake) => error.includes(mistake));
    if (success || errors.filter(isMade).length !== files.length) {
      throw new Error(`It has not been checked: ${report}`);
    }
    return errors.filter((error) => !isMade(error)).join("").trim();
  } finally {
    for (const file of files) await Deno.remove(file);
  }
}
