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

/**
 * A table as lines that fit. Where they do not, the widest column that holds
 * text gives way first, down to 8 columns; what is still too long is cut.
 */
export function tableLines(
  { titles, rows }: Table,
  output: Pick<Output, "columns" | "style">,
): string[] {
  const columns = titles.map((title, index) => {
    const cells = rows.map((row) => row[index]!);
    return {
      width: Math.max(widthOf(title), ...cells.map(widthOf)),
      isNumber: cells.length > 0 &&
        cells.every((cell) => cell === "" || NUMBER.test(cell)),
    };
  });
  narrow(columns, output.columns);
  const line = (cells: readonly string[]) =>
    cut(
      cells.map((cell, index) => {
        const { width, isNumber } = columns[index]!;
        const text = cut(cell, width);
        const space = " ".repeat(width - widthOf(text));
        return isNumber ? space + text : text + space;
      }).join("  ").trimEnd(),
      output.columns,
    );
  return [output.style(line(titles), "bold"), ...rows.map(line)];
}

const LEAST = 8;

function narrow(
  columns: { width: number; readonly isNumber: boolean }[],
  limit: number,
): void {
  const total = () => columns.reduce((sum, { width }) => sum + width + 2, -2);
  for (let excess = total() - limit; excess > 0; excess = total() - limit) {
    const widest = columns
      .filter(({ isNumber, width }) => !isNumber && width > LEAST)
      .toSorted((a, b) => b.width - a.width)[0];
    if (widest === undefined) return;
    widest.width = Math.max(LEAST, widest.width - excess);
  }
}
