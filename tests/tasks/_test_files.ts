/**
 * The files that have tests, and the rooms that they belong to: a folder of
 * `tests/`, or one beside it. Examples in the documentation belong to the folder
 * that has them, those of the front door to the room `docs`.
 *
 * @module
 */

import { repository } from "../_support.ts";
import { examplesOf } from "../_examples.ts";

/** The room of what is in no folder. */
const FRONT = "docs";

/** Folders that have neither tests nor documentation of the package. */
const OUTSIDE = ["bench", "coverage", "node_modules", "shim"];

/** The room that a file or folder belongs to. */
export function roomOf(path: string): string {
  const [first = "", second] = path.split("/");
  if (first === "tests" && second !== undefined) return second;
  return first.includes(".") ? FRONT : first;
}

/** The files of tests at a path. */
export function testsIn(path: string): string[] {
  return filesIn(path).filter((file) => file.endsWith("_test.ts"));
}

/** All files of tests. */
export function allTests(): string[] {
  return topLevel().flatMap(testsIn);
}

/** The files at a path whose documentation has examples. */
export function examplesIn(path: string): string[] {
  return filesIn(path).filter((file) =>
    /\.(md|ts)$/.test(file) && !file.startsWith("tests/") &&
    examplesOf(file).length > 0
  );
}

/** All files whose documentation has examples. */
export function allExamples(): string[] {
  return topLevel().flatMap(examplesIn);
}

function topLevel(): string[] {
  return Array.from(Deno.readDirSync(repository), ({ name }) => name)
    .filter((name) => !name.startsWith(".") && !OUTSIDE.includes(name))
    .sort();
}

/** The path itself, or all files in it and in its folders. */
function filesIn(path: string): string[] {
  const whole = `${repository}/${path}`;
  if (!Deno.statSync(whole).isDirectory) return [path];
  return Array.from(Deno.readDirSync(whole), ({ name }) => `${path}/${name}`)
    .sort()
    .flatMap(filesIn);
}
