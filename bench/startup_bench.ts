/**
 * The costs of a program before it reads its first byte: the imports, as whole
 * processes against one that runs an empty script, and the first use of a type.
 *
 * @module
 */

import {
  array,
  atomic,
  f64,
  HostLayout,
  i32,
  i64,
  pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../layout/mod.ts";
import { memory } from "./_records.ts";

const quick = Deno.env.get("HOSTMEM_BENCH") === "quick";
if (quick) console.log("quick run: the figures mean nothing");

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function print(name: string, milliseconds: number, bar?: number): void {
  const verdict = bar === undefined
    ? ""
    : `  ≤ ${bar} ms ${milliseconds <= bar ? "ok" : "OVER"}`;
  const shown = `${milliseconds.toFixed(3)} ms`.padStart(12);
  console.log(`${name.padEnd(52)}${shown}${verdict}`);
}

// ------------------------------------------------------------ imports

/** Runs a script in a process of its own; returns its wall time. */
function run(script: string): number {
  const start = performance.now();
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "--allow-ffi", script],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  const milliseconds = performance.now() - start;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return milliseconds;
}

function measureImports(bars: Readonly<Record<string, number>>): void {
  // Beside this file, so that the children find the same configuration.
  const directory = Deno.makeTempDirSync({
    dir: import.meta.dirname!,
    prefix: ".run-",
  });
  try {
    const write = (name: string, text: string): string => {
      const path = `${directory}/${name}.ts`;
      Deno.writeTextFileSync(path, text);
      return path;
    };
    const empty = write("empty", "");
    const scripts = Object.keys(bars).map((module, index) => ({
      module,
      path: write(`import${index}`, `import "../../${module}";\n`),
      more: [] as number[],
    }));
    // The first runs transpile and fill the caches.
    for (const path of [empty, ...scripts.map(({ path }) => path)]) run(path);
    const emptyTimes: number[] = [];
    for (let round = 0; round < (quick ? 1 : 21); round++) {
      for (const { path, more } of scripts) {
        const before = run(empty);
        const time = run(path);
        const after = run(empty);
        emptyTimes.push(before, after);
        more.push(time - (before + after) / 2);
      }
    }
    print("an empty script, whole process", median(emptyTimes));
    for (const { module, more } of scripts) {
      print(`importing ${module}, more than that`, median(more), bars[module]);
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

measureImports({ "mod.ts": 25, "layout/mod.ts": 25 });

// ------------------------------------------------------------ first use

/** The steps of the first use of a type, in milliseconds. */
interface FirstUse {
  readonly define: number;
  readonly point: number;
  readonly read: number;
}

/** Makes types that no other is like, and uses each for the first time. */
function measureFirstUse(
  name: string,
  use: (index: number, buffer: ArrayBuffer) => FirstUse,
  bar: number,
): void {
  const buffer = memory(65536);
  const count = quick ? 3 : 200;
  // The library's own code is to be warm, as after a program's first types.
  for (let index = 0; index < 20; index++) use(index, buffer);
  const uses: FirstUse[] = [];
  for (let index = 20; index < 20 + count; index++) {
    uses.push(use(index, buffer));
  }
  const total = uses.map(({ define, point, read }) => define + point + read);
  print(`${name}: struct()`, median(uses.map(({ define }) => define)));
  print(`${name}: first pointer()`, median(uses.map(({ point }) => point)));
  print(`${name}: first reads`, median(uses.map(({ read }) => read)));
  print(`${name}: first use in all`, median(total), bar);
}

let sink = 0;

function flat(index: number, buffer: ArrayBuffer): FirstUse {
  const begin = performance.now();
  const type = struct(`Flat${index}`, {
    _: HostLayout,
    a: u8,
    b: i32,
    c: u64,
    d: f64,
    e: u16,
    f: u32,
    g: i32,
    h: u32,
    i: u16,
    [`j${index}`]: u8,
  });
  const defined = performance.now();
  const p = pointer(type, buffer, 64);
  const pointed = performance.now();
  sink += p.a + p.b + Number(p.c) + p.d + p.e + p.f + p.g + p.h + p.i +
    (p as unknown as Record<string, number>)[`j${index}`]!;
  const read = performance.now();
  return {
    define: defined - begin,
    point: pointed - defined,
    read: read - pointed,
  };
}

function deep(index: number, buffer: ArrayBuffer): FirstUse {
  const begin = performance.now();
  const inner = struct(`Inner${index}`, { _: HostLayout, x: i32, y: i32 });
  const type = struct(`Deep${index}`, {
    _: HostLayout,
    hits: atomic(u64),
    state: atomic(i32),
    inner,
    words: array(u32, index % 7 + 1),
    inners: array(inner, 4),
    wide: i64,
    last: u32,
  });
  const defined = performance.now();
  const p = pointer(type, buffer, 64);
  const pointed = performance.now();
  sink += Number(p.hits.load()) + p.state.load() + p.inner.x + p.inner.y +
    p.words[0]! + p.inners.at(3).y + Number(p.wide) + p.last;
  const read = performance.now();
  return {
    define: defined - begin,
    point: pointed - defined,
    read: read - pointed,
  };
}

measureFirstUse("10 fields", flat, 0.5);
measureFirstUse("2 atomics, 2 arrays, nested", deep, 0.5);
if (Number.isNaN(sink)) console.log(sink);
