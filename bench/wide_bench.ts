/**
 * Functions that touch many fields of one struct. The optimiser inlines
 * accessors into their caller until a budget is spent, and small ones beyond
 * that: an accessor that is too large for it costs nothing in a short function
 * and a call for every field in a long one.
 *
 * @module
 */

import {
  f64,
  HostLayout,
  i32,
  pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../layout/mod.ts";
import { measure } from "./_measure.ts";
import { memory, Views, warmOthers } from "./_records.ts";

warmOthers();

const TYPES = { u8, u16, u32, i32, f64, u64 };
type Kind = keyof typeof TYPES;

/** The number of structs in a round: few enough for the first cache. */
const STRUCTS = 8;
/** The approximate number of fields that one call of a kernel touches. */
const TOUCHED = 40_000;

/** A struct of many fields, and where its fields and eight of its kind lie. */
interface Wide {
  readonly kinds: readonly Kind[];
  readonly offsets: readonly number[];
  readonly buffer: ArrayBuffer;
  readonly starts: readonly number[];
  readonly pointers: readonly object[];
}

function wide(count: number, pattern: readonly Kind[]): Wide {
  const kinds = Array.from(
    { length: count },
    (_, index) => pattern[index % pattern.length]!,
  );
  const fields = kinds.map((kind, index) =>
    [`f${index}`, TYPES[kind]] as const
  );
  const type = struct(`Wide${count}`, {
    _: HostLayout,
    ...Object.fromEntries(fields),
  });
  const buffer = memory(STRUCTS * type.size);
  const starts = Array.from({ length: STRUCTS }, (_, i) => i * type.size);
  const pointers = starts.map((start) => pointer(type, buffer, start));
  // Fields lie where C puts them; the raw side finds them without our help.
  const offsets: number[] = [];
  let end = 0;
  for (const kind of kinds) {
    const { size } = TYPES[kind];
    offsets.push(Math.ceil(end / size) * size);
    end = offsets.at(-1)! + size;
  }
  return { kinds, offsets, buffer, starts, pointers };
}

/** The raw access to a field of the struct that begins at `o`. */
function rawField({ kinds, offsets }: Wide, index: number): string {
  const size = TYPES[kinds[index]!].size;
  return `v.${kinds[index]}[o + ${offsets[index]} >> ${Math.log2(size)}]`;
}

/**
 * A loop over all structs with many accesses in its body. The text differs for
 * every kernel: the engine keeps what it learns of a function with its text.
 */
function looped(title: string, struct: string, body: string) {
  return new Function(
    "v",
    "structs",
    "n",
    `// ${title}
let sum = 0;
for (let i = 0; i < n; i++) {
const ${struct} = structs[i & ${STRUCTS - 1}], a = i & 63;
${body}
}
return sum;`,
  ) as (v: Views, structs: readonly unknown[], n: number) => number;
}

function reading(count: number, pattern: readonly Kind[], title: string): void {
  const struct = wide(count, pattern);
  const views = new Views(struct.buffer);
  const calls = Math.ceil(TOUCHED / count);
  const sumOf = (read: (index: number) => string) =>
    `sum += ${struct.kinds.map((_, index) => read(index)).join(" +\n")};`;
  const name = `read ${count} fields in one function, ${title}`;
  const raw = looped(
    `raw ${name}`,
    "o",
    sumOf((index) => rawField(struct, index)),
  );
  const ours = looped(`hostmem ${name}`, "p", sumOf((index) => `p.f${index}`));
  measure({
    name,
    operations: calls * count,
    kernels: {
      raw: () => raw(views, struct.starts, calls),
      hostmem: () => ours(views, struct.pointers, calls),
    },
    bars: { hostmem: 2.3 },
  });
}

function storing(count: number, kind: Kind, bar?: number): void {
  const struct = wide(count, [kind]);
  const views = new Views(struct.buffer);
  const calls = Math.ceil(TOUCHED / count);
  const storesOf = (target: (index: number) => string) =>
    struct.kinds.map((_, index) => `${target(index)} = a + ${index};`)
      .join("\n");
  const name = `store ${count} fields in one function, ${kind}`;
  const raw = looped(
    `raw ${name}`,
    "o",
    storesOf((index) => rawField(struct, index)),
  );
  const ours = looped(
    `hostmem ${name}`,
    "p",
    storesOf((index) => `p.f${index}`),
  );
  measure({
    name,
    operations: calls * count,
    kernels: {
      unchecked: () => raw(views, struct.starts, calls),
      hostmem: () => ours(views, struct.pointers, calls),
    },
    ...(bar === undefined ? {} : { bars: { hostmem: bar } }),
  });
}

for (const count of [8, 32, 96, 250]) {
  reading(count, ["u32"], "u32");
  reading(count, ["u8", "i32", "f64", "u16"], "mixed");
}
for (const kind of ["i32", "u8", "f64"] as const) {
  storing(8, kind, 2);
  storing(16, kind, 2);
  storing(32, kind);
}
