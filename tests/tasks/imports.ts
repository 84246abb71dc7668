/**
 * Checks the shape of the source: no file imports itself by way of others, types
 * included; rooms know only the rooms below them; no folder holds more than
 * twenty files, among tests, benches and examples too.
 *
 * ```sh
 * deno run --allow-read tests/tasks/imports.ts
 * ```
 *
 * @module
 */

import { dirname, join, relative } from "@std/path";

const root = join(import.meta.dirname!, "..", "..");

/** The rooms, and the rooms that each may import from. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  layout: ["base"],
  // The structs that system calls take are described by the layout language.
  ffi: ["base", "layout"],
  memory: ["base", "ffi", "layout"],
  btf: ["base", "ffi", "layout", "memory"],
  sync: ["base", "ffi", "layout", "memory"],
  bpf: ["base", "ffi", "layout", "memory", "btf"],
  cli: ["base", "layout", "memory", "btf", "bpf", "sync"],
};

/** The most files that a folder may hold. */
const MOST_FILES = 20;

/** The folders that are no part of the package: they are counted alone. */
const OUTSIDE = ["tests", "bench", "examples"];

/** The files of the source, relative to the root. */
function sourceFiles(): string[] {
  return [...filesIn(Object.keys(ROOMS)), "errors.ts", "mod.ts"].toSorted();
}

/** The files of TypeScript in folders and in those below, relative to the root. */
function filesIn(folders: readonly string[]): string[] {
  const files: string[] = [];
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(root, folder))) {
      const path = join(folder, name);
      if (isDirectory) visit(path);
      else if (name.endsWith(".ts")) files.push(path);
    }
  };
  folders.forEach(visit);
  return files;
}

/** Lists what a file imports or exports again from files of its own package. */
function importsOf(file: string): string[] {
  // Examples in comments import the package by its name, and are no imports.
  const text = Deno.readTextFileSync(join(root, file))
    .replaceAll(/\/\*[^]*?\*\//g, "");
  const pattern = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
  return [...text.matchAll(pattern)].map(([, specifier]) =>
    relative(root, join(root, dirname(file), specifier!))
  );
}

/** The circles of a graph: components in which every file reaches every other. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  // Tarjan's algorithm.
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) {
        lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!));
      }
    }
    if (lowest.get(file) !== order.get(file)) return;
    const component = stack.splice(stack.indexOf(file));
    const isCircle = component.length > 1 || graph.get(file)?.includes(file);
    if (isCircle) circles.push(component);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
}

/** A shortest way from a file of a circle back to itself. */
function wayRound(
  circle: readonly string[],
  graph: ReadonlyMap<string, readonly string[]>,
): string[] {
  const start = circle[0]!;
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1)!) ?? []) {
      if (next === start) return [...way, start];
      if (!circle.includes(next) || seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return [...circle];
}

/** Everything that is wrong, one line each. */
function faults(): string[] {
  const files = sourceFiles();
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  const found = circlesIn(graph).map((circle) =>
    `circle of ${circle.length} files: ${wayRound(circle, graph).join(" → ")}`
  );
  for (const [file, imports] of graph) {
    const room = file.split("/")[0]!;
    for (const target of imports) {
      const other = target.split("/")[0]!;
      if (
        room in ROOMS && other in ROOMS && other !== room &&
        !ROOMS[room]!.includes(other)
      ) found.push(`${file} imports ${target}: ${room} must not know ${other}`);
    }
  }
  const folders = Map.groupBy(
    [...files, ...filesIn(OUTSIDE)],
    (file) => dirname(file),
  );
  for (const [folder, { length }] of folders) {
    if (length > MOST_FILES) found.push(`${folder} has ${length} files`);
  }
  return found;
}

if (import.meta.main) {
  const found = faults();
  for (const fault of found) console.error(fault);
  if (found.length > 0) Deno.exit(1);
}
