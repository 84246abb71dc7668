/** What the type checker says of a source text. */

import { dirname, join } from "@std/path";
import { publishedPackage } from "./_published.ts";

/**
 * The errors that `deno check` finds in a source text, and in files beside it by
 * their names; empty if there are none.
 *
 * The text is checked as though it lay in the root of the repository: it imports
 * `"@hostmem/hostmem"` or `"./layout/mod.ts"`. The checker takes seconds to begin,
 * so what belongs together is best one text.
 *
 * @throws {Error} when the checker has passed over one of them.
 */
export async function typeErrors(
  text: string,
  beside: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = publishedPackage();
  const id = crypto.randomUUID().replaceAll("-", "");
  // Of a file that deno.json excludes nothing is checked, and that is no error. So
  // there is always a mistake in each that must be found.
  const mistakes: string[] = [];
  const files: string[] = [];
  const sources = { ...beside, [`text_${id}.ts`]: text };
  for (const [name, source] of Object.entries(sources)) {
    const mistake = `mistake_${id}_${mistakes.length}`;
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
