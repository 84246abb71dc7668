/** The arguments of `deno task test`. */

import { relative, resolve } from "@std/path";
import { repository } from "../_support.ts";
import { QUICK } from "./_plan.ts";
import {
  allExamples,
  allTests,
  examplesIn,
  roomOf,
  testsIn,
} from "./_test_files.ts";

/** The files to run. */
interface Selection {
  /** Files of tests. */
  readonly tests: readonly string[];
  /** Files whose examples are tried. */
  readonly examples: readonly string[];
}

/** A request to run tests. */
export interface Request extends Selection {
  /** Arguments of `deno test`. */
  readonly options: readonly string[];
  /** True if all tests run that there are. */
  readonly everything: boolean;
  /** True if there must be as many tests as there have to be. */
  readonly count: boolean;
  /** True if the number of tests is to be written down. */
  readonly recount: boolean;
}

/** @throws {RangeError} if a name is neither that of a room nor a path. */
export function requestOf(args: readonly string[]): Request {
  const names: string[] = [];
  const options: string[] = [];
  const rest = args.values();
  for (const arg of rest) {
    if (arg === "--count" || arg === "--recount") continue;
    if (arg === "--filter") options.push(`${arg}=${rest.next().value ?? ""}`);
    else (arg.startsWith("-") ? options : names).push(arg);
  }
  const everything = names.length + options.length === 0;
  const recount = args.includes("--recount");
  if (recount && !everything) {
    throw new RangeError("--recount needs all tests: it takes nothing besides");
  }
  const all: Selection = { tests: allTests(), examples: allExamples() };
  const chosen = names.map((name) => select(name, all));
  const selection: Selection = names.length === 0 ? all : {
    tests: unique(chosen.flatMap(({ tests }) => tests)),
    examples: unique(chosen.flatMap(({ examples }) => examples)),
  };
  return {
    ...selection,
    options,
    everything,
    count: args.includes("--count"),
    recount,
  };
}

/** Selects what is quick, belongs to a room, or lies at a path. */
function select(name: string, { tests, examples }: Selection): Selection {
  if (name === "quick") return { tests: QUICK, examples: [] };
  const isIn = (path: string) => roomOf(path) === name;
  const room = { tests: tests.filter(isIn), examples: examples.filter(isIn) };
  if (room.tests.length + room.examples.length > 0) return room;
  const path = relative(repository, resolve(name));
  if (!exists(name)) {
    const rooms = new Set([...tests, ...examples].map(roomOf));
    throw new RangeError(
      `There is no room and no file "${name}". The rooms are ${
        [...rooms].sort().join(", ")
      }`,
    );
  }
  const there = { tests: testsIn(path), examples: examplesIn(path) };
  if (there.tests.length + there.examples.length > 0) return there;
  throw new RangeError(`"${name}" has no tests and no examples`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)];
}
