/** What the type checker says of a source text. */

import { join } from "@std/path";
import { repository } from "./_support.ts";

/**
 * The errors that `deno check` finds in a source text, and in what it imports;
 * empty if there are none.
 *
 * The text is checked as though it lay in the root of the repository: it imports
 * `"@hostmem/hostmem"` or `"./layout/mod.ts"`. The checker takes seconds to begin,
 * so what belongs together is best one text.
 *
 * @throws {Error} when the checker has passed over it.
 */
export async function typeErrors(text: string): Promise<string> {
  const id = crypto.randomUUID();
  // Not .run-*.ts, which deno.json excludes: of those nothing is checked, and
  // that is no error. So there is always a mistake in it that must be found.
  const mistake = `mistake_${id.replaceAll("-", "")}`;
  const file = join(repository, `.check-${id}.ts`);
  await Deno.writeTextFile(
    file,
    `${text}\nexport const ${mistake}: never = 0;\n`,
  );
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", file],
      cwd: repository,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const report = new TextDecoder().decode(stderr);
    // One error behind the other: "TS2322 [ERROR]: …", its line, its place.
    const errors = report.split(/^(?:Found \d|error: Type checking)/m)[0]!
      .split(/^(?:error: )?(?=TS\d+ \[ERROR\])/m);
    // A text that cannot be read at all has an error of another form.
    if (!success && !report.includes("[ERROR]")) return report;
    const others = errors.filter((error) => !error.includes(mistake));
    if (success || others.length === errors.length) {
      throw new Error(`The text has not been checked: ${report}`);
    }
    return others.join("").trim();
  } finally {
    await Deno.remove(file);
  }
}
