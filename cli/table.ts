/** Tables of text: each column as wide as its cells, numbers to the right. */

import { cut, type Output, widthOf } from "./output.ts";

/** Numbers as a table shows them: with a sign, a fraction, a rate, a size. */
const NUMBER = /^[-+]?[\d.]+(?:n|%|\/s| ?[KMGT]?B)?$/;

/** A table whose first row has the titles. */
export interface Table {
  /** The titles of the columns. */
  readonly titles: readonly string[];
  /** The cells, as many in each row as there are titles. */
  readonly rows: readonly (readonly string[])[];
}

/** A column: its width, and on which side its cells begin. */
interface Column {
  width: number;
  readonly isNumber: boolean;
}

/** The columns between two cells. */
const GAP = 2;

/**
 * A table as lines that fit. Where they do not, columns that have nothing in them
 * are left out; then the widest that holds text gives way, down to 8 columns; then
 * the last ones are left out, and a line names them. No number is ever cut.
 */
export function tableLines(
  table: Table,
  output: Pick<Output, "columns" | "style">,
): string[] {
  const fits = totalWidth(columnsOf(table)) <= output.columns;
  const { titles, rows } = fits ? table : withoutEmptyColumns(table);
  const columns = columnsOf({ titles, rows });
  narrow(columns, output.columns);
  const shown = columns.slice(0, countThatFits(columns, output.columns));
  const line = (cells: readonly string[]) =>
    shown.map(({ width, isNumber }, index) => {
      const text = cut(cells[index]!, width);
      const space = " ".repeat(width - widthOf(text));
      return isNumber ? space + text : text + space;
    }).join(" ".repeat(GAP)).trimEnd();
  const lines = [output.style(line(titles), "bold"), ...rows.map(line)];
  const leftOut = titles.slice(shown.length);
  if (leftOut.length > 0) {
    lines.push(cut(`(too narrow for ${leftOut.join(", ")})`, output.columns));
  }
  return lines.map((line) => cut(line, output.columns));
}

function columnsOf({ titles, rows }: Table): Column[] {
  return titles.map((title, index) => {
    const cells = rows.map((row) => row[index]!);
    return {
      width: Math.max(widthOf(title), ...cells.map(widthOf)),
      isNumber: cells.length > 0 &&
        cells.every((cell) => cell === "" || NUMBER.test(cell)),
    };
  });
}

/** A table of the columns that have something in some row. */
function withoutEmptyColumns({ titles, rows }: Table): Table {
  const isUsed = (_: string, index: number) =>
    rows.length === 0 || rows.some((row) => row[index] !== "");
  return {
    titles: titles.filter(isUsed),
    rows: rows.map((row) => row.filter(isUsed)),
  };
}

function totalWidth(columns: readonly Column[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP, -GAP);
}

const LEAST = 8;

function narrow(columns: readonly Column[], limit: number): void {
  for (
    let excess = totalWidth(columns) - limit;
    excess > 0;
    excess = totalWidth(columns) - limit
  ) {
    const widest = columns
      .filter(({ isNumber, width }) => !isNumber && width > LEAST)
      .toSorted((a, b) => b.width - a.width)[0];
    if (widest === undefined) return;
    widest.width = Math.max(LEAST, widest.width - excess);
  }
}

/** The number of leading columns that fit; at least one. */
function countThatFits(columns: readonly Column[], limit: number): number {
  let count = columns.length;
  while (count > 1 && totalWidth(columns.slice(0, count)) > limit) count--;
  return count;
}
