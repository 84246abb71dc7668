/**
 * Several files of tests as one module, which `deno test` takes a third of a
 * second less for than for each of them; or files with examples. `HOSTMEM_TOGETHER` says which, see
 * {@linkcode Together}. A file that throws is a test that fails.
 *
 * @module
 */

import { resolve, toFileUrl } from "@std/path";
import { repository } from "../_support.ts";
import { declareExamples } from "../_examples.ts";
import { nameOf, type Part } from "./_leave_out.ts";

/** The files that run together. */
export interface Together {
  /** The files: of tests if they are named so, else of documentation. */
  readonly files: readonly string[];
  /** The file to which each test is written: the number of its file, its name. */
  readonly record: string;
}

const given = Deno.env.get("HOSTMEM_TOGETHER");
if (given !== undefined) await importAll(JSON.parse(given));

async function importAll({ files, record }: Together): Promise<void> {
  const { test } = Deno;
  const declared: [file: number, name: string][] = [];
  let number = 0;
  function noted(...parts: Part[]): void {
    declared.push([number, nameOf(parts)]);
    (test as (...parts: Part[]) => void)(...parts);
  }
  Object.assign(Deno, { test: Object.assign(noted, test) });
  for (const [i, file] of files.entries()) {
    number = i;
    try {
      if (!file.endsWith("_test.ts")) await declareExamples(file);
      else await import(toFileUrl(resolve(repository, file)).href);
    } catch (error) {
      Deno.test(`${file} can be imported`, () => {
        throw error;
      });
    }
  }
  Object.assign(Deno, { test });
  await Deno.writeTextFile(record, JSON.stringify(declared));
}
