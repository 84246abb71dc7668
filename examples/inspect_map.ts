/**
 * Shows any BPF map of the system as a table, its keys and values decoded by its
 * own BTF: one map by its id or by the path that it is pinned to, or a list of
 * all. With `--watch` the table is drawn anew, twice a second or as often as is
 * said in seconds, until Ctrl-C.
 *
 * ```sh
 * sudo npx -y deno@2.9.6 run --allow-ffi --allow-read examples/inspect_map.ts
 * sudo npx -y deno@2.9.6 run --allow-ffi --allow-read examples/inspect_map.ts 12 --watch
 * sudo npx -y deno@2.9.6 run --allow-ffi --allow-read examples/inspect_map.ts /sys/fs/bpf/counters --watch=0.1
 * ```
 *
 * The values of per-CPU maps are summed up where they are numbers. In a terminal
 * as many rows are shown as fit.
 *
 * @module
 */

import {
  type ArrayType,
  type Enumeration,
  InvalidTypeError,
  type StructType,
  type Type,
} from "@hostmem/hostmem";
import { BpfMap } from "@hostmem/hostmem/bpf";

/** A column of the table. */
interface Column {
  readonly title: string;
  /** What stands there, of the key or the value of a row. */
  readonly cell: (part: unknown) => string;
}

/** What can be shown at once. */
interface Screen {
  readonly rows: number;
  readonly columns: number;
}

/** What others wrote must not control the terminal. */
function printable(text: string): string {
  return text.replace(
    /\p{C}/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

function hex(bytes: Uint8Array): string {
  return bytes.length <= 16
    ? bytes.toHex()
    : `${bytes.subarray(0, 16).toHex()}… (${bytes.length} bytes)`;
}

/** A value of a type, or of one that nobody knows. */
function show(value: unknown, type?: Type): string {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === "string") return `"${printable(value)}"`;
  if (Array.isArray(value)) {
    const element = type?.kind === "array" ? (type as ArrayType).element : type;
    return `[${value.map((one) => show(one, element)).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const fields = (type as StructType | undefined)?.fields;
    return `{ ${
      Object.entries(value).map(([name, one]) =>
        `${printable(name)}: ${show(one, fields?.[name])}`
      ).join(", ")
    } }`;
  }
  if (type?.kind === "enumeration") {
    const name = (type as Enumeration).nameOf(value as never);
    if (name !== undefined) return printable(name);
  }
  return type?.kind === "uintptr"
    ? `0x${(value as bigint).toString(16)}`
    : String(value);
}

/** A column for each field of a struct, of nested ones too; else one. */
function columnsOf(type: Type | undefined, title: string): Column[] {
  if (type?.kind !== "struct") {
    return [{ title, cell: (part) => show(part, type) }];
  }
  return Object.entries((type as StructType).fields)
    .filter(([, { kind }]) => kind !== "marker" && kind !== "padding")
    .flatMap(([name, field]) =>
      columnsOf(field, name).map(({ title, cell }): Column => ({
        title: field.kind === "struct" ? `${name}.${title}` : printable(title),
        cell: (part) => cell((part as Record<string, unknown>)[name]),
      }))
    );
}

/** The entries of a map, and how they are shown. */
interface Listing {
  readonly columns: readonly (readonly [part: 0 | 1, Column])[];
  readonly entries: () => Iterable<readonly [unknown, unknown]>;
}

function listingOf(map: BpfMap): Listing {
  const { keyType, valueType } = map;
  const keys = columnsOf(keyType, "key");
  const pairs = (values: readonly Column[]) => [
    ...keys.map((column) => [0, column] as const),
    ...values.map((column) => [1, column] as const),
  ];
  if (map.info.type?.includes("percpu")) {
    const table = map.perCpu();
    try {
      table.sums().next(); // Throws where there is something else than numbers.
      const values = columnsOf(valueType, "value")
        .map((column) => ({ ...column, title: `sum of ${column.title}` }));
      return { columns: pairs(values), entries: () => table.sums() };
    } catch (error) {
      if (!(error instanceof InvalidTypeError)) throw error;
      const cell = (part: unknown) => show(part, valueType);
      const values = [{ title: "value of each CPU", cell }];
      return { columns: pairs(values), entries: () => table.entries() };
    }
  }
  return {
    columns: pairs(columnsOf(valueType, "value")),
    entries: () => map.entries(),
  };
}

/** Rows of cells as lines, each column as wide as it must be; numbers right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]!.map((_, index) => {
    const cells = rows.map((row) => row[index]!);
    return {
      width: Math.max(...cells.map((cell) => cell.length)),
      isNumber: cells.slice(1).every((cell) => /^-?[\d.]+n?$/.test(cell)),
    };
  });
  return rows.map((row) =>
    row.map((cell, index) => {
      const { width, isNumber } = columns[index]!;
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd()
  );
}

function titleOf({ info }: BpfMap): string {
  return `map ${info.id} ${show(info.name)}: ${
    info.type ?? info.typeNumber
  }, key ${info.keySize} bytes, value ${info.valueSize} bytes, at most ${info.maxEntries} entries`;
}

/** A map as lines, no more than fit. */
function linesOf(map: BpfMap, listing: Listing, screen: Screen): string[] {
  const { columns, entries } = listing;
  const table = [columns.map(([, { title }]) => title)];
  // A single struct, such as the variables of a program, goes downwards.
  const isOne = map.info.maxEntries === 1 && columns.length > 2;
  const most = isOne ? 1 : screen.rows - 3;
  let hasMore = false;
  for (const entry of entries()) {
    if (table.length > most) {
      hasMore = true;
      break;
    }
    table.push(columns.map(([part, { cell }]) => cell(entry[part])));
  }
  const rows = isOne
    ? table[0]!.map((_, index) => table.map((row) => row[index]!))
    : table;
  const lines = [titleOf(map), ...aligned(rows)];
  if (hasMore || lines.length > screen.rows) {
    lines.splice(screen.rows - 1);
    lines.push("…");
  } else if (table.length === 1) lines.push("(no entries)");
  return lines.map((line) =>
    line.length > screen.columns
      ? `${line.slice(0, screen.columns - 1)}…`
      : line
  );
}

/** All maps of the system, as lines. */
function listOfMaps(): string[] {
  const rows = [["id", "type", "name", "key", "value", "entries"]];
  for (const id of BpfMap.ids()) {
    try {
      using map = BpfMap.fromId(id);
      const { type, typeNumber, name, keySize, valueSize, maxEntries } =
        map.info;
      rows.push([
        `${id}`,
        type ?? `${typeNumber}`,
        printable(name),
        `${keySize}`,
        `${valueSize}`,
        `${maxEntries}`,
      ]);
    } catch {
      // It is gone already.
    }
  }
  return aligned(rows);
}

function screenOf(): Screen {
  if (!Deno.stdout.isTerminal()) return { rows: Infinity, columns: Infinity };
  const { rows, columns } = Deno.consoleSize();
  return { rows: Math.max(rows, 4), columns: Math.max(columns, 8) };
}

const encoder = new TextEncoder();

function write(text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

// Escape sequences of every terminal in use: a screen of its own, without a
// cursor; home; erase to the end of the line; erase all below.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const END_OF_LINE = "\x1b[K";
const BELOW = "\x1b[J";

/** Draws over and over, until a signal. */
async function watch(draw: () => string[], seconds: number): Promise<void> {
  const isTerminal = Deno.stdout.isTerminal();
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, stop.resolve);
  }
  let resized = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGWINCH", () => resized.resolve());
  let isStopped = false;
  const stopped = stop.promise.then(() => isStopped = true);
  let lines: string[] = [];
  if (isTerminal) write(ENTER);
  try {
    while (!isStopped) {
      lines = draw();
      write(
        isTerminal
          ? HOME + lines.join(`${END_OF_LINE}\n`) + END_OF_LINE + BELOW
          : `${lines.join("\n")}\n\n`,
      );
      resized = Promise.withResolvers<void>();
      const pause = Promise.withResolvers<void>();
      const timer = setTimeout(pause.resolve, seconds * 1000);
      await Promise.race([stopped, resized.promise, pause.promise]);
      clearTimeout(timer);
    }
  } finally {
    // What was seen last stays, on the screen that was there before.
    if (isTerminal) write(`${LEAVE}${lines.join("\n")}\n`);
  }
}

const USAGE =
  "Usage: inspect_map.ts [id, or path that a map is pinned to] [--watch[=seconds]]";

async function main(): Promise<void> {
  const names = Deno.args.filter((argument) => !argument.startsWith("-"));
  const options = Deno.args.filter((argument) => argument.startsWith("-"));
  const interval = /^--watch(?:=(\d+(?:\.\d+)?))?$/.exec(options[0] ?? "");
  if (names.length > 1 || options.length > (interval === null ? 0 : 1)) {
    console.error(USAGE);
    Deno.exit(2);
  }
  const [name] = names;
  using map = name === undefined
    ? undefined
    : /^\d+$/.test(name)
    ? BpfMap.fromId(Number(name), { readOnly: true })
    : BpfMap.open(name, { readOnly: true });
  const listing = map && listingOf(map);
  const draw = () =>
    map === undefined
      ? listOfMaps().slice(0, screenOf().rows)
      : linesOf(map, listing!, screenOf());
  if (interval === null) write(`${draw().join("\n")}\n`);
  else await watch(draw, Number(interval[1] ?? 0.5));
}

try {
  await main();
  Deno.exit(); // Signals are listened to no longer.
} catch (error) {
  // Whoever read the output has read enough.
  if (error instanceof Deno.errors.BrokenPipe) Deno.exit();
  console.error(String(error));
  Deno.exit(1);
}
