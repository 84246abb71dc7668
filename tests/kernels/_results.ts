/** The results of the guests' tests, and the sums of them. */

import { SEPARATOR } from "./_names.ts";

/** The outcome of a test. */
export type Outcome = "passed" | "failed" | "skipped";

/** A test that has run, or was skipped. */
export interface Result {
  /** Its file, below `tests/`. */
  readonly file: string;
  /** Its name, without the reason for which it is skipped. */
  readonly name: string;
  readonly outcome: Outcome;
  /** The reason why it was skipped, where its name says so: `refused: …`, `missing: …`. */
  readonly reason: string | undefined;
}

const outcomes: Readonly<Record<string, Outcome>> = {
  ok: "passed",
  FAILED: "failed",
  ignored: "skipped",
};

const RESULT = /^(.+) \.\.\. (ok|FAILED|ignored)(?: \(.*\))?$/;
const REASON = / \[((?:refused|missing): .*)\]$/;

/** Reads a line of Deno's reporter; undefined if it is no test's result. */
export function resultIn(line: string): Result | undefined {
  const [, whole, word] = RESULT.exec(line) ?? [];
  if (whole === undefined) return undefined;
  const at = whole.indexOf(SEPARATOR);
  // A step of a test, which is counted with that.
  if (at < 0 || !whole.slice(0, at).endsWith(".ts")) return undefined;
  const title = whole.slice(at + SEPARATOR.length);
  return {
    file: whole.slice(0, at),
    name: title.replace(REASON, ""),
    outcome: outcomes[word!]!,
    reason: REASON.exec(title)?.[1],
  };
}

/** Reads the sum of tests in a reporter's line; undefined if it has none. */
export function sumIn(line: string): number | undefined {
  const sum = /^(?:ok|FAILED) \| (.*)/.exec(line)?.[1];
  if (sum === undefined) return undefined;
  return ["passed", "failed", "ignored"]
    .map((word) => Number(new RegExp(`(\\d+) ${word}`).exec(sum)?.[1] ?? 0))
    .reduce((sum, number) => sum + number);
}

/** Counts the results of an outcome. */
export function count(results: readonly Result[], outcome: Outcome): number {
  return results.filter((result) => result.outcome === outcome).length;
}

/** A column of the tables: a kernel. */
export interface Column {
  readonly title: string;
  readonly results: readonly Result[];
}

/** The files, with how many tests passed, failed and were skipped on each. */
export function tableOfFiles(columns: readonly Column[]): string[] {
  const files = unique(columns, ({ file }) => file);
  return table(["", ...columns.map(({ title }) => title)], [
    ...files.map((file) => [
      file,
      ...columns.map(({ results }) =>
        summary(results.filter((result) => result.file === file))
      ),
    ]),
    ["all", ...columns.map(({ results }) => summary(results))],
  ]);
}

function summary(results: readonly Result[]): string {
  return (["passed", "failed", "skipped"] as const)
    .map((outcome) => [count(results, outcome), outcome] as const)
    .filter(([number]) => number > 0)
    .map(([number, outcome]) => `${number} ${outcome}`)
    .join(", ");
}

/** The tests of one file, with what became of each on each kernel. */
export function tableOfTests(
  columns: readonly Column[],
  file: string,
): string[] {
  const names = unique(
    columns,
    (result) => result.file === file ? result.name : undefined,
  );
  return table(
    [file, ...columns.map(({ title }) => title)],
    names.map((name) => [
      name,
      ...columns.map(({ results }) =>
        results.find((result) => result.file === file && result.name === name)
          ?.outcome ?? ""
      ),
    ]),
  );
}

/** Each reason for which tests were skipped, with their number. */
export function reasons({ results }: Column): string[] {
  const skipped = results.filter(({ outcome }) => outcome === "skipped");
  const numbers = Map.groupBy(skipped, ({ reason }) => reason ?? "not said");
  return Array.from(numbers, ([reason, { length }]) => `${length} × ${reason}`)
    .sort();
}

function unique(
  columns: readonly Column[],
  key: (result: Result) => string | undefined,
): string[] {
  const keys = columns.flatMap(({ results }) => results.map(key));
  return [...new Set(keys.filter((one) => one !== undefined))];
}

/** Rows as Markdown has them. */
function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((_, i) =>
    Math.max(3, ...[head, ...rows].map((row) => row[i]!.length))
  );
  const line = (row: string[], fill = " ") =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!, fill)).join(" | ")} |`;
  return [
    line(head),
    line(head.map(() => ""), "-"),
    ...rows.map((row) => line(row)),
  ];
}
