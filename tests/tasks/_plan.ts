/**
 * The plan of a run: which tests share a process, which of them begin first,
 * and which are quick. Every process counts its own mappings and descriptors,
 * so tests disturb each other only by what the whole machine has one of.
 *
 * @module
 */

import { examplesOf } from "../_examples.ts";
import { roomOf } from "./_test_files.ts";

/**
 * Seconds of one CPU that files take, children included, where they are many.
 * They decide what begins first and what is told at the beginning, nothing else.
 */
const LONG: Readonly<Record<string, number>> = {
  "examples/metrics_server_test.ts": 3,
  "examples/quickstart_test.ts": 2,
  "examples/ticker/server_test.ts": 3,
  "tests/bpf/arena/arena_test.ts": 4,
  "tests/bpf/arena/threads_test.ts": 7,
  "tests/bpf/lifetime_test.ts": 4,
  "tests/bpf/link/attach_cgroup_test.ts": 2,
  "tests/bpf/link/attach_event_test.ts": 2,
  "tests/bpf/link/attach_network_test.ts": 2,
  "tests/bpf/link/attach_symbol_test.ts": 2,
  "tests/bpf/link/isolate_end_test.ts": 2,
  "tests/bpf/link/link_test.ts": 2,
  "tests/bpf/map/concurrent_entries_test.ts": 2,
  "tests/bpf/map/create_typed_test.ts": 2,
  "tests/bpf/map/table_test.ts": 2,
  "tests/bpf/needs_test.ts": 2,
  "tests/bpf/object/load_hostile_test.ts": 2,
  "tests/bpf/object/load_maps_test.ts": 2,
  "tests/bpf/object/load_privilege_test.ts": 4,
  "tests/bpf/object/load_refused_test.ts": 2,
  "tests/bpf/object/load_test.ts": 3,
  "tests/bpf/object/mutations_test.ts": 3,
  "tests/bpf/ring/async_test.ts": 2,
  "tests/bpf/ring/lifetime_test.ts": 4,
  "tests/bpf/ring/perf_buffer_test.ts": 3,
  "tests/bpf/ring/user_ring_buffer_test.ts": 5,
  "tests/bpf/token_test.ts": 2,
  "tests/btf/kernel_test.ts": 2,
  "tests/cli/dump_test.ts": 2,
  "tests/cli/guide_test.ts": 5,
  "tests/cli/objects_test.ts": 2,
  "tests/cli/skeleton_test.ts": 9,
  "tests/ffi/preload_test.ts": 3,
  "tests/fuzz/fuzz_test.ts": 2,
  "tests/layout/specialised_test.ts": 3,
  "tests/layout/tearing/tearing_test.ts": 5,
  "tests/layout/truth/truth_test.ts": 3,
  "tests/layout/types/names_test.ts": 2,
  "tests/layout/types/published_types_test.ts": 4,
  "tests/memory/failure_test.ts": 3,
  "tests/memory/lifetime/concurrency_test.ts": 2,
  "tests/memory/lifetime/drop_order_test.ts": 2,
  "tests/memory/lifetime/lifetime_test.ts": 4,
  "tests/memory/lifetime/many_test.ts": 4,
  "tests/sync/c_test.ts": 4,
  "tests/sync/killed_test.ts": 2,
  "tests/sync/languages_test.ts": 2,
  "tests/tasks/runner_test.ts": 2,
  "tests/under_fire/descriptors_test.ts": 3,
  "tests/under_fire/engine_test.ts": 4,
  "tests/under_fire/errno_test.ts": 2,
  "tests/under_fire/limits_test.ts": 3,
  "tests/under_fire/stale_access_test.ts": 2,
};

/** Seconds that any other file takes. */
const ORDINARY = 0.9;
/** Seconds that an example takes. */
const EXAMPLE = 0.1;
/** Seconds that are worth a process of their own. */
const ENOUGH = 9;

/** Files that run in one process. */
const TOGETHER: readonly (readonly string[])[] = [
  // They share a run of the type checker, see `tests/_checked_together.ts`.
  [
    "tests/btf/typescript_test.ts",
    "tests/cli/guide_test.ts",
    "tests/cli/skeleton_test.ts",
  ],
  // They would disturb each other: each counts how often a system call is made
  // that only these make, whoever makes it.
  [
    "tests/bpf/link/attach_event_test.ts",
    "tests/bpf/link/attach_tracing_test.ts",
  ],
];

/** Some of every room, chosen for what they tell in little time. */
export const QUICK: readonly string[] = [
  "examples/quickstart_test.ts",
  "tests/base/arguments_test.ts",
  "tests/bpf/map/create_test.ts",
  "tests/bpf/map/elements_test.ts",
  "tests/bpf/map/pin_test.ts",
  "tests/bpf/map/table_test.ts",
  "tests/bpf/object/variable_test.ts",
  "tests/bpf/ring/ring_buffer_test.ts",
  "tests/btf/check_layout_test.ts",
  "tests/btf/layout_test.ts",
  "tests/btf/parse_test.ts",
  "tests/cli/arguments_test.ts",
  "tests/ffi/descriptors_test.ts",
  "tests/fuzz/fuzz_test.ts",
  "tests/layout/assign_test.ts",
  "tests/layout/atomics_test.ts",
  "tests/layout/bits_test.ts",
  "tests/layout/pointer_checks_test.ts",
  "tests/layout/records_test.ts",
  "tests/layout/text_test.ts",
  "tests/layout/kinds_test.ts",
  "tests/memory/create_test.ts",
  "tests/memory/detach_test.ts",
  "tests/memory/map_test.ts",
  "tests/memory/open_test.ts",
  "tests/memory/read_only_test.ts",
  "tests/under_fire/stale_access_test.ts",
];

/** All files that are named here. */
export function namedFiles(): string[] {
  return [...Object.keys(LONG), ...TOGETHER.flat(), ...QUICK];
}

/** The files that run in one process. */
export interface Group {
  /** The room that all of it belongs to. */
  readonly room: string;
  /** Files of tests, or of documentation. */
  readonly files: readonly string[];
  /** The kind of work that is done with them. */
  readonly kind: "tests" | "examples";
  /** Seconds that it takes on a quiet CPU. */
  readonly seconds: number;
}

/** Parts files into groups, those that take longest first. */
export function groupsOf(
  tests: readonly string[],
  examples: readonly string[],
): Group[] {
  return [
    ...pack("tests", bundlesOf(tests)),
    ...pack("examples", examples.map((file) => [file])),
  ].sort((one, other) => other.seconds - one.seconds);
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
  return EXAMPLE * examplesOf(path).length;
}
