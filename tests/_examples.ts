/**
 * The examples in the documentation, in the forms that are used here, each a test
 * that runs it as a module of its own. `deno test --doc` would give each an isolate
 * of its own, too, which imports all of the package anew: that takes many times as
 * long as the example. `deno check --doc` checks their types.
 *
 * @module
 */

import { resolve, toFileUrl } from "@std/path";
import { repository } from "./_support.ts";

/** An example. */
export interface Example {
  /** The name of its test: its address, as Deno gives it. */
  readonly name: string;
  /** Its language: the extension of its module. */
  readonly language: string;
  /** Its source, in the lines that it has in its file. */
  readonly text: string;
}

const BEGIN = /^[ *]*```([jt]s)\s*$/;
/** An example to Deno, in a form that is not used here. */
const OTHER = /^[ *]*```(?!.*\bignore\b)([mc]?[jt]sx?|javascript|typescript)\b/;
const END = /^[ *]*```\s*$/;
/** The margin before a line of an example in a comment. */
const MARGIN = /^ *\* ?/;

/** The examples in a file: in its doc comments, or in its text. */
export function examplesOf(path: string): Example[] {
  const whole = resolve(repository, path);
  const lines = Deno.readTextFileSync(whole).split("\n");
  const isText = path.endsWith(".md");
  const examples: Example[] = [];
  for (let begin = 0; begin < lines.length; begin++) {
    const [, language] = BEGIN.exec(lines[begin]!) ?? [];
    if (language === undefined) {
      if (!OTHER.test(lines[begin]!)) continue;
      throw new Error(`${path}:${begin + 1}: An example begins with ts or js`);
    }
    const end = lines.findIndex((line, i) => i > begin && END.test(line));
    if (end < 0) throw new Error(`${path}:${begin + 1}: It has no end`);
    const body = lines.slice(begin + 1, end)
      .map((line) => isText ? line : line.replace(MARGIN, ""));
    examples.push({
      name: `${toFileUrl(whole)}#${begin + 1}-${end + 2}.${language}`,
      language,
      text: "\n".repeat(begin + 1) + body.join("\n"),
    });
    begin = end;
  }
  return examples;
}

/** Declares a test for each example in a file, but for those that declare some. */
export async function declareExamples(path: string): Promise<void> {
  for (const example of examplesOf(path)) {
    if (/\bDeno\.test\(/.test(example.text)) await runExample(example);
    else Deno.test(example.name, () => runExample(example));
  }
}

async function runExample({ language, text }: Example): Promise<void> {
  // In the root, where the name of the package resolves.
  const module = `${repository}/.run-${crypto.randomUUID()}.${language}`;
  await Deno.writeTextFile(module, text);
  try {
    await import(toFileUrl(module).href);
  } finally {
    await Deno.remove(module);
  }
}
