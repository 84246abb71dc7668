/** The common part of the three lists of BPF objects. */

import type { Command } from "../command.ts";
import { type Holder, Whereabouts } from "../kernel_objects.ts";
import { type Output, printable } from "../output.ts";
import { tableLines } from "../table.ts";

/** The arguments that every list takes. */
export const LIST: Pick<Command, "parameters" | "options" | "count"> = {
  parameters: "",
  options: {
    json: {
      type: "boolean",
      short: "j",
      help: "Write JSON, with the names that bpftool(8) has",
    },
  },
  count: [0, 0],
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

/** A column of a list: its title, and the text that it has for an object. */
export type ListColumn<R> = readonly [
  title: string,
  cellOf: (object: R) => string,
];

/** The facts that every list ends with. */
interface Held {
  /** The paths of an object's pins. */
  readonly pinned?: readonly string[];
  /** The processes that hold it. */
  readonly pids?: readonly Holder[];
}

/** The last columns of every list. */
const HELD: readonly ListColumn<Held>[] = [
  ["pinned", ({ pinned = [] }) => pinned.map(printable).join(", ")],
  [
    "held by",
    ({ pids = [] }) =>
      pids.map(({ pid, comm }) => `${printable(comm)}(${pid})`).join(", "),
  ],
];

/** Writes a list for people: a table, or a sentence where it is empty. */
export function showList<R extends Held>(
  list: readonly R[],
  ofKind: readonly ListColumn<R>[],
  output: Output,
  what: string,
): void {
  if (list.length === 0) return output.lines([`There are no ${what}`]);
  const columns = [...ofKind, ...HELD];
  const table = {
    titles: columns.map(([title]) => title),
    rows: list.map((object) => columns.map(([, cellOf]) => cellOf(object))),
  };
  output.lines(tableLines(table, output));
}

/** A list as a property, which bpftool leaves out where it is empty. */
export function unlessEmpty<K extends string, T>(
  name: K,
  list: readonly T[],
): { readonly [name in K]?: readonly T[] } {
  return list.length === 0 ? {} : { [name]: list } as { [name in K]: T[] };
}
