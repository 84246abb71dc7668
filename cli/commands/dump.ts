/** `hostmem dump`: a map, decoded. */

import { InvalidTypeError } from "../../mod.ts";
import { BpfMap } from "../../bpf/mod.ts";
import { type Command, UsageError } from "../command.ts";
import { cut, type Output, printable } from "../output.ts";
import { watch } from "../screen.ts";
import { ofEach } from "./listing.ts";
import { tableLines } from "../table.ts";
import { columnsOf, type ValueColumn, valueText } from "../values.ts";

/** The entries of a map, and the columns that show them. */
interface Listing {
  readonly keys: readonly ValueColumn[];
  readonly values: readonly ValueColumn[];
  entries(): Iterable<readonly [key: unknown, value: unknown]>;
}

function listingOf(map: BpfMap): Listing {
  const { keyType, valueType } = map;
  const keys = columnsOf(keyType, "key");
  if (!map.info.type?.includes("percpu")) {
    const values = columnsOf(valueType, "value");
    return { keys, values, entries: () => map.entries() };
  }
  const table = map.perCpu();
  try {
    table.sums().next(); // Throws where there is something else than numbers.
  } catch (error) {
    if (!(error instanceof InvalidTypeError)) throw error;
    const values = [{
      title: "value of each CPU",
      part: (whole: unknown) => whole,
      type: valueType,
    }];
    return { keys, values, entries: () => table.entries() };
  }
  const values = columnsOf(valueType, "value")
    .map((column) => ({ ...column, title: `sum of ${column.title}` }));
  return { keys, values, entries: () => table.sums() };
}

function titleOf({ info }: BpfMap): string {
  const name = info.name === "" ? "" : ` ${printable(info.name)}`;
  return `map ${info.id}${name}: ${
    info.type ?? `type ${info.typeNumber}`
  }, key ${info.keySize} B, value ${info.valueSize} B, at most ${info.maxEntries} entries`;
}

/** Numbers of one moment, to tell how fast they grow by the next. */
interface Sample {
  readonly time: number;
  /** The numbers of the columns of values, by the text of their key. */
  readonly numbers: ReadonlyMap<string, readonly (number | undefined)[]>;
}

/** A map as lines, again and again. */
class Dump {
  readonly #map: BpfMap;
  readonly #listing: Listing;
  readonly #output: Output;
  readonly #hasRates: boolean;
  #last: Sample | undefined;

  constructor(map: BpfMap, output: Output, hasRates: boolean) {
    this.#map = map;
    this.#listing = listingOf(map);
    this.#output = output;
    this.#hasRates = hasRates;
  }

  /** The title and the table, no more rows than fit. */
  lines(): string[] {
    const { keys, values } = this.#listing;
    const output = this.#output;
    const room = Math.max(1, output.rows - 3);
    const numbers = new Map<string, (number | undefined)[]>();
    const time = performance.now();
    const titles = [...keys, ...values].map(({ title }) => title);
    const rateAt = values.map(({ type }) => this.#hasRates && countsUp(type));
    for (const [index, { title }] of values.entries()) {
      if (rateAt[index]) titles.push(`${title}/s`);
    }
    const rows: string[][] = [];
    let hasMore = false;
    for (const [key, value] of this.#listing.entries()) {
      if (rows.length >= room) {
        hasMore = true;
        break;
      }
      const keyCells = keys.map(({ part, type }) => valueText(part(key), type));
      const parts = values.map(({ part }) => part(value));
      const name = keyCells.join("\0");
      numbers.set(name, parts.map(toNumber));
      rows.push([
        ...keyCells,
        ...parts.map((part, index) => valueText(part, values[index]!.type)),
        ...this.#rates(name, time, parts).filter((_, index) => rateAt[index]),
      ]);
    }
    this.#last = { time, numbers };
    return this.#fit({ titles, rows }, hasMore);
  }

  #rates(key: string, time: number, parts: readonly unknown[]): string[] {
    const last = this.#last;
    return parts.map((part, index) => {
      const before = last?.numbers.get(key)?.[index];
      const now = toNumber(part);
      if (last === undefined || before === undefined || now === undefined) {
        return "";
      }
      const rate = (now - before) * 1000 / (time - last.time);
      return rate.toFixed(Math.abs(rate) < 10 && rate !== 0 ? 1 : 0);
    });
  }

  #fit(
    table: { readonly titles: string[]; readonly rows: string[][] },
    hasMore: boolean,
  ): string[] {
    const { columns, rows: height } = this.#output;
    const isOne = this.#map.info.maxEntries === 1 && table.titles.length > 2;
    const [only] = table.rows;
    // A single struct, such as the variables of a program, goes downwards.
    const shown = isOne && only !== undefined
      ? {
        titles: ["field", "value"],
        rows: table.titles.map((title, index) => [title, only[index]!]),
      }
      : table;
    const lines = [
      cut(titleOf(this.#map), columns),
      ...tableLines(shown, this.#output),
    ];
    if (hasMore || lines.length > height) {
      lines.splice(height - 1);
      lines.push("…");
    } else if (table.rows.length === 0) lines.push("(no entries)");
    return lines;
  }
}

/** True for types of numbers: what counts something can be of such a type. */
function countsUp(type: { readonly kind: string } | undefined): boolean {
  return type !== undefined &&
    /^(?:[ui](?:8|16|32|64)|safe|atomic)$/.test(type.kind);
}

function toNumber(value: unknown): number | undefined {
  return typeof value === "number" || typeof value === "bigint"
    ? Number(value)
    : undefined;
}

/** Opens a map by its id, its name, or the path that it is pinned to. */
function openMap(which: string): BpfMap {
  if (/^\d+$/.test(which)) {
    return BpfMap.fromId(Number(which), { readOnly: true });
  }
  if (which.includes("/")) return BpfMap.open(which, { readOnly: true });
  if (which === "") {
    throw new UsageError(
      "The name of a map must not be empty: say which by its id",
    );
  }
  const ids = idsNamed(which);
  if (ids.length === 0) {
    throw new RangeError(
      `There is no map named ${
        JSON.stringify(which)
      }: \`hostmem maps\` lists all; the path of a pin has a slash, as in ./${which}`,
    );
  }
  if (ids.length > 1) {
    throw new RangeError(
      `There are ${ids.length} maps named ${
        JSON.stringify(which)
      }: say which by its id, ${ids.join(" or ")}`,
    );
  }
  return BpfMap.fromId(ids[0]!, { readOnly: true });
}

/** `linux/bpf.h`, less the NUL at the end. */
const BPF_OBJ_NAME_LEN = 15;

/** The ids of the maps of a name, of which the kernel knows the beginning. */
function idsNamed(name: string): number[] {
  return ofEach(
    BpfMap.ids(),
    (id) => BpfMap.fromId(id, { readOnly: true }),
    ({ info }) => info,
  ).filter((info) => info.name === name.slice(0, BPF_OBJ_NAME_LEN))
    .map(({ id }) => id);
}

/** The command. */
export const dump: Command = {
  name: "dump",
  parameters: "<id|name|path>",
  summary: "Show the entries of a map, decoded by its own BTF",
  details: "Numbers in values of per-CPU maps are summed over all CPUs.\n" +
    "A terminal shows as many entries as fit; a pipe gets all of them.",
  examples: ["dump flows", "dump /sys/fs/bpf/flows --watch", "dump 12 --json"],
  options: {
    json: {
      type: "boolean",
      short: "j",
      help: "Write JSON: an array of { key, value }",
    },
    watch: {
      type: "boolean",
      short: "w",
      help: "Redraw it, with rates, until Ctrl-C",
    },
    interval: {
      type: "string",
      short: "n",
      value: "seconds",
      help: "The time between redraws; 1 by default",
    },
  },
  count: [1, 1],
  async run(given, output) {
    const seconds = Number(given.value("interval") ?? 1);
    if (!(seconds >= 0.05 && seconds <= 86_400)) {
      throw new UsageError(
        `--interval must be a number of seconds from 0.05 to 86400: received ${
          given.value("interval")
        }`,
      );
    }
    if (given.is("json") && given.is("watch")) {
      throw new UsageError("--json and --watch exclude each other");
    }
    using map = openMap(given.names[0]!);
    if (given.is("json")) {
      const { entries } = listingOf(map);
      return output.json(
        Array.from(entries(), ([key, value]) => ({ key, value })),
      );
    }
    const view = new Dump(map, output, given.is("watch"));
    if (!given.is("watch")) return output.lines(view.lines());
    await watch(() => view.lines(), seconds, output);
  },
};
