/** The common part of the three lists of BPF objects. */

import type { CommandOption } from "../command.ts";
import { type Holder, Whereabouts } from "../kernel_objects.ts";
import { type Output, printable } from "../output.ts";
import { type Table, tableLines } from "../table.ts";

/** The options of every list. */
export const LIST_OPTIONS: Readonly<Record<string, CommandOption>> = {
  json: {
    type: "boolean",
    short: "j",
    help: "Write JSON, with the names that bpftool(8) has",
  },
};

/** An object of the kernel's that is open, and can be closed. */
interface Open extends Disposable {
  readonly fd: number;
}

/**
 * Opens every object that exists, one at a time, and collects what is said of
 * it. Objects that end meanwhile are left out.
 */
export function ofEach<T extends Open, R>(
  ids: readonly number[],
  open: (id: number) => T,
  describe: (object: T) => R,
): R[] {
  return ids.flatMap((id) => {
    try {
      using object = open(id);
      return [describe(object)];
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return [];
      throw error;
    }
  });
}

/** The same, with the pins and holders of objects. */
export function collect<T extends Open, R>(
  ids: readonly number[],
  open: (id: number) => T,
  describe: (object: T, whereabouts: Whereabouts) => R,
): R[] {
  const whereabouts = new Whereabouts();
  return ofEach(ids, open, (object) => describe(object, whereabouts));
}

/** A list for people, or a sentence where it is empty. */
export function showTable(table: Table, output: Output, what: string): void {
  if (table.rows.length === 0) output.lines([`There are no ${what}`]);
  else output.lines(tableLines(table, output));
}

/** Processes in a cell: `deno(4711)`. */
export function holdersCell(holders: readonly Holder[]): string {
  return holders.map(({ pid, comm }) => `${printable(comm)}(${pid})`)
    .join(", ");
}

/** Paths in a cell. */
export function pathsCell(paths: readonly string[]): string {
  return paths.map(printable).join(", ");
}

/** A list as a property, which bpftool leaves out where it is empty. */
export function unlessEmpty<K extends string, T>(
  name: K,
  list: readonly T[],
): { readonly [name in K]?: readonly T[] } {
  return list.length === 0 ? {} : { [name]: list } as { [name in K]: T[] };
}
