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
  // Not .run-*.ts, which deno.json excludes: of those nothing is checked, and
  // that is no error. So there is always a mistake in it that must be found.
  const mistake = "mistake_that_must_be_found";
  const file = await written(`${text}\nexport const ${mistake}: never = 0;\n`);
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

/**
 * Writes a file of a name that belongs to the text, for which Deno has kept what
 * it found in it, and in what it imports, when it last checked that: it takes
 * half the time then. While another process has that file it has another name.
 */
async function written(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const names = [hash.slice(0, 16).toHex(), crypto.randomUUID()];
  for (const name of names) {
    const file = join(repository, `.check-${name}.ts`);
    try {
      await Deno.writeFile(file, bytes, { createNew: true });
      return file;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  throw new Error("There are no names for files");
}
