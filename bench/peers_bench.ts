/**
 * The same work on the same 64-byte record by other libraries. Each is checked
 * against the bytes first, then measured against raw typed arrays; at the end
 * stands a table in Markdown.
 *
 * @module
 */

import { field } from "../layout/mod.ts";
import { measure, type Measurement } from "./_measure.ts";
import type { Definition, Library, Shape } from "./peers/peer.ts";
import { hostmem, ourType, raw, views } from "./peers/ours.ts";
import { loadPeers } from "./peers/all.ts";
import { memory, type Record as OurRecord, SIZE } from "./_records.ts";

const { libraries: peers, missing } = await loadPeers();
for (const { name, reason } of missing) {
  console.log(`${name} is left out, it does not load: ${reason}`);
}

const RECORD: Shape = {
  tag: "u8",
  count: "i32",
  bytes: "u64",
  load: "f64",
  port: "u16",
  flags: "u32",
  nested: { small: "i16", ratio: "f32", deep: { x: "i32", y: "i32" } },
  words: 3,
  last: "u32",
};
/** The same bytes without nesting. */
const FLAT: Shape = {
  tag: "u8",
  count: "i32",
  bytes: "u64",
  load: "f64",
  port: "u16",
  flags: "u32",
  small: "i16",
  ratio: "f32",
  x: "i32",
  y: "i32",
  words: 3,
  last: "u32",
};
const EIGHT = "tag count load port flags small ratio last".split(" ");

const libraries = [raw, hostmem, ...peers];

// ------------------------------------------------------------ generated code

/** The values that a kernel's text can name besides the library's own. */
interface Given {
  readonly buffer: ArrayBuffer;
  readonly handles?: readonly unknown[];
  readonly kept?: unknown[];
}

/** A kernel of `n` operations; its text is like no other's. */
function kernel(
  title: string,
  scope: Readonly<Record<string, unknown>>,
  given: Given,
  n: number,
  body: string,
): () => number {
  const values = { ...scope, v: views(given.buffer), ...given, n };
  // Memory comes in as arguments: the optimiser folds what it finds in scopes.
  const run = new Function(
    ...Object.keys(values),
    `"use strict"; // ${title}\nlet sum = 0;\n${body}\nreturn sum;`,
  );
  const list = Object.values(values);
  return () => run(...list);
}

/** Goes round 256 handles, one in each turn. */
function turning(statement: string): string {
  return `for (let i = 0; i < n; i++) {
let r; const p = handles[i & 255];
${statement}
}`;
}

// ------------------------------------------------------------ checks

const PATHS = [
  "tag",
  "count",
  "bytes",
  "load",
  "port",
  "flags",
  "nested.small",
  "nested.ratio",
  "nested.deep.x",
  "nested.deep.y",
  "words[0]",
  "words[2]",
  "last",
];

/** A value that can be compared: some libraries have 64 bits as a number. */
function comparable(path: string, value: unknown): unknown {
  return path === "bytes" ? BigInt(value as bigint) : value;
}

function evaluate(
  { scope }: Definition,
  buffer: ArrayBuffer,
  p: unknown,
  text: string,
): unknown {
  const values = { ...scope, v: views(buffer), p };
  return new Function(...Object.keys(values), `let r; ${text}`)(
    ...Object.values(values),
  );
}

/** Throws unless a library has the record's size, values and stores right. */
function check(library: Library): void {
  const ours = raw.define("CheckRaw", RECORD);
  const theirs = library.define("Check", RECORD);
  const refuse = (what: string, actual: unknown, expected: unknown): never => {
    throw new Error(
      `${library.name} has ${what} wrong: ${actual} instead of ${expected}`,
    );
  };
  if (theirs.size !== SIZE) refuse("the size", theirs.size, SIZE);
  const buffer = memory(65536);
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 197 + (i >> 8);
  for (const offset of [0, 64, 640]) {
    const p = theirs.at(buffer, offset);
    for (const path of PATHS) {
      const read = (definition: Definition, handle: unknown) =>
        comparable(
          path,
          evaluate(
            definition,
            buffer,
            handle,
            `return ${definition.read(path)};`,
          ),
        );
      const [actual, expected] = [read(theirs, p), read(ours, offset)];
      if (!Object.is(actual, expected)) refuse(path, actual, expected);
    }
    for (const value of [-2147483648, 12345]) {
      const expected = bytes.slice();
      new DataView(expected.buffer).setInt32(offset + 4, value, true);
      evaluate(theirs, buffer, p, theirs.store("count", `${value}`));
      const at = bytes.findIndex((byte, index) => byte !== expected[index]);
      // What packs a whole record may also have written its padding.
      const padding = [1, 2, 3, 26, 27, 34, 35].includes(at - offset);
      if (at >= 0 && !(padding && library.how === "whole record")) {
        refuse(`a store, at byte ${at - offset},`, bytes[at], expected[at]);
      }
    }
  }
}

for (const library of libraries) check(library);
console.log(
  `${libraries.length - 1} libraries read and store the same in the same bytes`,
);

// ------------------------------------------------------------ measuring

/** Figures by row and library. */
const table = new Map<string, Map<string, Measurement & { note?: string }>>();

function compare(
  row: string,
  operations: number,
  kernelOf: (library: Library) => (() => number) | undefined,
  among: readonly Library[] = libraries,
  note?: string,
): void {
  const kernels: Record<string, () => number> = {};
  for (const library of among) {
    const made = kernelOf(library);
    if (made !== undefined) kernels[library.name] = made;
  }
  const measured = measure({
    name: note === undefined ? row : `${row}, ${note}`,
    operations,
    kernels,
    baseline: raw.name,
    warmUp: 400,
    rounds: 11,
    // A created view is no number, and a raw pointer is not even a view.
    compare: !row.startsWith("create"),
  });
  const cells = table.get(row) ?? new Map();
  table.set(row, cells);
  for (const [name, measurement] of Object.entries(measured)) {
    // Of a smaller scan only what had no part in the large one counts.
    if (cells.has(name)) continue;
    cells.set(
      name,
      note === undefined ? measurement : { ...measurement, note },
    );
  }
}

const TURNS = 4096;
const small = memory(256 * SIZE);

function handlesOf(definition: Definition): unknown[] {
  return Array.from(
    { length: 256 },
    (_, index) => definition.at(small, index * SIZE),
  );
}

function turns(row: string, shape: Shape, text: (d: Definition) => string) {
  compare(row, TURNS, (library) => {
    const definition = library.define(row.replaceAll(/\W/g, "_"), shape);
    const given = { buffer: small, handles: handlesOf(definition) };
    const body = turning(text(definition));
    const title = `${row} ${library.name}`;
    return kernel(title, definition.scope, given, TURNS, body);
  });
}

turns("read a field", RECORD, (d) => `sum += ${d.read("count")};`);
turns(
  "read eight fields",
  FLAT,
  (d) => `sum += ${EIGHT.map((name) => d.read(name)).join(" + ")};`,
);
turns("store a field", RECORD, (d) => d.store("count", "i & 127"));
turns(
  "read a field two structs deep",
  RECORD,
  (d) => `sum += ${d.read("nested.deep.x")};`,
);

compare("create a view at an offset", TURNS, (library) => {
  const { create, scope } = library.define("create", RECORD);
  if (create === undefined) return undefined;
  const kept = Array.from({ length: 256 });
  const body = `for (let i = 0; i < n; i++) {
const o = (i & 255) * ${SIZE};
kept[i & 255] = ${create};
}`;
  return kernel(
    `create ${library.name}`,
    scope,
    { buffer: small, kept },
    TURNS,
    body,
  );
});

const large = memory(2 ** 20 * SIZE);

function scan(count: number, among: readonly Library[], note?: string): void {
  compare(
    "scan 1 048 576 records, per record",
    count,
    (library) => {
      const definition = library.define(`scan${count}`, RECORD);
      const body = `const table = ${definition.table};
for (let i = 0; i < n; i++) {
let r; const p = ${definition.element};
sum += ${definition.read("last")};
}`;
      const title = `scan ${count} ${library.name}`;
      // To the end of its records and no further: some count what is left.
      const buffer = count === 2 ** 20 ? large : memory(count * SIZE);
      return kernel(title, definition.scope, { buffer }, count, body);
    },
    among,
    note,
  );
}

const counts = [...new Set(libraries.map(({ scan }) => scan))];
for (const count of counts.sort((a, b) => b - a)) {
  const these = libraries.filter((library) => library.scan === count);
  if (these.includes(raw)) scan(count, these);
  else scan(count, [raw, hostmem, ...these], `over ${count}`);
}

const TYPES = 50;

function shapes(): Shape[] {
  return Array.from({ length: TYPES }, (_, index) => ({
    before: index % 7 + 1,
    x: "i32",
    [`n${index}`]: "u64",
    ratio: "f64",
    y: "u32",
  }));
}

function shared(
  title: string,
  read: string,
  scope: Readonly<Record<string, unknown>>,
  handles: readonly unknown[],
): () => number {
  const given = { buffer: small, handles };
  return kernel(
    title,
    scope,
    given,
    TYPES * 80,
    `
function helper(p) { let r; return ${read}; }
for (let i = 0; i < n; i += ${TYPES}) {
for (let t = 0; t < ${TYPES}; t++) sum += helper(handles[t]);
}`,
  );
}

const definedByUs = shapes().map((shape, i) => ourType(`Offset${i}`, shape));
const offsetsOfX = definedByUs.map((type) =>
  1024 + field(type as typeof OurRecord, "x" as "count").offset
);

compare("a helper for 50 types: record.x", TYPES * 80, (library) => {
  const title = `helper ${library.name}`;
  if (library === raw) {
    return shared(title, raw.scalar!.read, {}, offsetsOfX);
  }
  // Calls by offset need one for each type: they have no such helper.
  if (library.how === "call") return undefined;
  const definitions = shapes().map((shape, index) =>
    library.define(`Type${index}`, shape)
  );
  const handles = definitions.map((d) => d.at(small, 1024));
  return shared(title, definitions[0]!.read("x"), {}, handles);
});
compare("a helper for 50 types: a pointer to x", TYPES * 80, (library) => {
  if (library.scalar === undefined) return undefined;
  const { at, read, scope } = library.scalar;
  const handles = offsetsOfX.map((offset) => at(small, offset));
  return shared(`scalar helper ${library.name}`, read, scope, handles);
});

// ------------------------------------------------------------ the table

/** Two digits that count. */
function short(value: number): string {
  const digits = value < 1 ? 2 : value < 10 ? 1 : 0;
  return (value < 100 ? value : Number(value.toPrecision(2))).toFixed(digits);
}

const marks = { view: "", call: "¹", "whole record": "²", raw: "" };

function cell(row: string, library: Library): string {
  const cells = table.get(row)!;
  const measured = cells.get(library.name);
  if (measured === undefined) return "";
  const nanoseconds = `${short(measured.nanoseconds)} ns`;
  if (library === raw || library === hostmem) return nanoseconds;
  const ours = cells.get(hostmem.name)!.nanoseconds;
  const mark = measured.note === undefined ? "" : "³";
  return `${nanoseconds}${mark}, × ${short(measured.nanoseconds / ours)}`;
}

const header = libraries.map(({ name, how }) => `${name}${marks[how]}`);
console.log(`\n| | ${header.join(" | ")} |`);
console.log(`| --- |${" ---: |".repeat(libraries.length)}`);
for (const row of table.keys()) {
  const cells = libraries.map((library) => cell(row, library));
  console.log(`| ${row} | ${cells.join(" | ")} |`);
}
console.log(`
Times (×) are those of hostmem. ¹ One native call for each access, at an address
that the caller adds up. ² Decodes, or encodes, the whole record each time.
³ Measured over fewer records, which then lie in cache.`);
