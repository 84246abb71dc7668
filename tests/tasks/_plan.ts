/**
 * Which tests share a process, which of them begin first, and which are quick.
 * Every process counts its own mappings and descriptors, so tests disturb each
 * other only by what the whole machine has one of.
 *
 * @module
 */

import { examplesIn, roomOf } from "./_test_files.ts";

/**
 * Seconds of one CPU that files take, children included, where they are many.
 * They decide what begins first and what is told at the beginning, nothing else.
 */
const LONG: Readonly<Record<string, number>> = {};

/** Seconds that any other file takes. */
const ORDINARY = 1;
/** Seconds that an example takes, which is a module of its own. */
const EXAMPLE = 0.4;
/** Seconds that the type check takes. */
const TYPES = 12;
/** Seconds that are worth a process of their own. */
const ENOUGH = 6;

/** Files that run one after the other, since they would disturb each other. */
const TOGETHER: readonly (readonly string[])[] = [
  // How many huge pages the machine has.
  ["tests/memory/huge_pages_test.ts", "tests/under_fire/descriptors_test.ts"],
  // How often a system call is made that only these make, whoever makes it.
  ["tests/bpf/attach_event_test.ts", "tests/bpf/attach_tracing_test.ts"],
];

/** Some of every room, chosen for what they tell in little time. */
export const QUICK: readonly string[] = [];

/** What runs in one process. */
export interface Group {
  /** The room that all of it belongs to, or `types`. */
  readonly room: string;
  /** Files of tests, folders and files of documentation, or what is checked. */
  readonly files: readonly string[];
  /** What is done with them. */
  readonly kind: "tests" | "examples" | "types";
  /** Seconds that it takes on a quiet CPU. */
  readonly seconds: number;
}

/** Parts files into groups, those that take longest first. */
export function groupsOf(
  tests: readonly string[],
  examples: readonly string[],
): Group[] {
  const groups: Group[] = [
    ...pack("tests", bundlesOf(tests)),
    ...pack("examples", examples.map((file) => [file])),
  ];
  groups.push({
    room: "types",
    files: [...tests, ...examples],
    kind: "types",
    seconds: TYPES,
  });
  return groups.sort((one, other) => other.seconds - one.seconds);
}

/** The files, those that must not run side by side in one bundle. */
function bundlesOf(files: readonly string[]): string[][] {
  const bundles = Map.groupBy(
    files,
    (file) => TOGETHER.find((some) => some.includes(file)) ?? file,
  );
  return [...bundles.values()];
}

/** Puts bundles of a room together until they are worth a process. */
function pack(kind: "tests" | "examples", bundles: string[][]): Group[] {
  const groups: (Group & { files: string[]; seconds: number })[] = [];
  for (const files of bundles) {
    const room = roomOf(files[0]!);
    const seconds = files.reduce((sum, file) => sum + secondsOf(file), 0);
    const open = groups.find((group) =>
      group.room === room && group.seconds + seconds <= ENOUGH
    );
    if (open === undefined) groups.push({ room, files, kind, seconds });
    else {
      open.files.push(...files);
      open.seconds += seconds;
    }
  }
  return groups;
}

function secondsOf(path: string): number {
  if (path.endsWith("_test.ts")) return LONG[path] ?? ORDINARY;
  return EXAMPLE * examplesIn(path);
}
