/**
 * Runs the tests under flags of V8 that make the engine do all the time what it
 * does rarely, or do without what it has: move objects, collect garbage, mark;
 * threads, generated code, WebAssembly. Child processes get the same flags. What
 * needs time to fail is tried for long, at full size, under no flag.
 *
 *     deno task fire [part of a flag's name, or of "full size"]
 */

import { repository } from "../_support.ts";
import { runAll } from "./_run_all.ts";
import type { TestRun } from "./_run_tests.ts";
import { allTests, roomOf, testsIn } from "./_test_files.ts";

/** One run of tests. */
interface Run {
  /** The flag of V8, or several. */
  readonly flag: string;
  /** The folders or files to run. */
  readonly tests: readonly string[];
  /** Files that are left out. */
  readonly without?: readonly string[];
  /** Tests that are left out, by their names. */
  readonly leaveOut?: readonly RegExp[];
}

const everything = [
  "tests/layout",
  "tests/memory",
  "tests/bpf",
  "tests/ffi",
  "tests/under_fire",
  "tests/fuzz",
];

/** Tests that say nothing about a flag, and take long. */
const unconcerned = [
  // They run the others again, or themselves, each time under other flags.
  "tests/layout/specialised_test.ts",
  "tests/layout/tearing/tearing_test.ts",
  "tests/ffi/errno_test.ts",
  "tests/under_fire/errno_test.ts",
  // They ask compilers, of C and of TypeScript.
  "tests/layout/truth/truth_test.ts",
  "tests/layout/types/published_types_test.ts",
  "tests/layout/types/inference_test.ts",
  // Thousands of damaged object files, each for libbpf alone to judge.
  "tests/bpf/object/mutations_test.ts",
  "tests/bpf/object/file_test.ts",
  // What programs attach to is the kernel's business, and libbpf's.
  "tests/bpf/link/attach_cgroup_test.ts",
  "tests/bpf/link/attach_event_test.ts",
  "tests/bpf/link/attach_network_test.ts",
  "tests/bpf/link/attach_tracing_test.ts",
  // Privileges are the kernel's too, and a child process each.
  "tests/bpf/object/load_privilege_test.ts",
  "tests/bpf/program/privilege_test.ts",
  // Names, and thousands of fields; programs that replace built-ins.
  "tests/layout/types/names_test.ts",
  "tests/layout/hostile_caller_test.ts",
  // Limits and descriptors of every kind, and what a child process inherits.
  "tests/under_fire/limits_test.ts",
  "tests/under_fire/descriptors_test.ts",
  "tests/memory/surroundings_test.ts",
  // Another thread's system calls change what is read by system calls.
  "tests/bpf/map/concurrent_entries_test.ts",
];

/** Thousands of maps while two Workers look on; one flag that moves objects does. */
const concurrency = "tests/memory/lifetime/concurrency_test.ts";
/** Thousands of arenas beside a Worker that maps; one flag that moves objects does. */
const arenas = "tests/bpf/arena/threads_test.ts";
/** Some 100 000 maps; one flag that collects garbage all the time does. */
const many = "tests/memory/lifetime/many_test.ts";
/** Tests that move no memory: they show whether values and names are taken. */
const values = [
  "tests/layout/checked_stores_test.ts",
  "tests/layout/bits_test.ts",
];

/** Deno runs no callback of a FinalizationRegistry under --single-threaded. */
const finalized = [
  /^A handle of read-only memory that was dropped says so/,
  /^A handle of memory over a file that was dropped refuses/,
  /^Memory\.create\(\) closes the descriptor of memory that was dropped/,
  // Read-only memory is held by its descriptor, and that by a registry.
  /^Read-only memory lives until the last of Memory, view/,
  /^Memory that a Worker held, read-only, is gone after it is terminated/,
  /^mappingStats\(\) takes back what was dropped once it is collected/,
  /^A Bpf(Map|Program|Object) that was dropped without close goes/,
  /^A closed or dropped (Perf|UserRing)Buffer leaves nothing behind/,
  /^200 rings dropped leave/,
  /^A BpfLink that was opened and dropped closes its descriptor/,
  // They end with the question whether all descriptors are closed.
  /^Random operations do to memory/,
  /^Without code generation random operations/,
];

/** Nor does it settle the promise of Atomics.waitAsync. */
const awaited = [/^Memory for Workers wakes who waits for its end/];

const runs: readonly Run[] = [
  {
    flag: "--stress-compaction",
    tests: everything,
    without: [...unconcerned, many],
  },
  {
    flag: "--gc-interval=300",
    tests: everything,
    without: [...unconcerned, concurrency, arenas],
  },
  {
    flag: "--stress-incremental-marking",
    tests: everything,
    without: [...unconcerned, many, concurrency, arenas, ...values],
    // It marks at each of two thousand Workers' beginnings.
    leaveOut: [/^No sleeper is missed/],
  },
  {
    flag: "--single-threaded",
    tests: everything,
    without: [...unconcerned, many, concurrency, arenas],
    leaveOut: [...finalized, ...awaited],
  },
  // Closures stand in for generated code: whoever uses pointers is concerned.
  {
    flag: "--disallow-code-generation-from-strings",
    tests: everything.filter((folder) => folder !== "tests/ffi"),
    without: [
      ...unconcerned,
      many,
      concurrency,
      arenas,
      // No reader is generated, which it proves by itself, and no class.
      "tests/layout/reader_test.ts",
      "tests/layout/golden_test.ts",
      // It makes types of what a page says, by generated code of its own.
      "tests/layout/types/types_page_test.ts",
    ],
  },
  // There is no WebAssembly, and so no mapping, but all of the layouts.
  {
    flag: "--jitless",
    tests: ["tests/layout", "tests/memory/platform_test.ts"],
    // It takes gigabytes of addresses from WebAssembly.
    without: [...unconcerned, "tests/layout/wide_test.ts"],
    leaveOut: [
      // WebAssembly has as many bytes.
      /^A view moves over more than 2 GiB/,
      // Among what a pointer takes is the buffer of a WebAssembly.Memory.
      /takes nothing but buffers and views of them/,
      // All but the refusal.
      /^Memory (?!says under)/,
    ],
  },
  // Who holds memory, and who reaches it after its end, in other ways to move
  // objects, to collect, and to compile.
  ...[
    "--stress-scavenge=50",
    "--stress-wasm-memory-moving",
    "--stress-concurrent-allocation",
    "--minor-ms",
    "--stress-maglev",
    "--no-wasm-tier-up",
    "--optimize-for-size",
  ].map((flag) => ({
    flag,
    tests: [
      "tests/memory/lifetime/lifetime_test.ts",
      "tests/memory/detach_test.ts",
      "tests/under_fire/stale_access_test.ts",
    ],
    leaveOut: [
      // The flags above do it.
      /as it is, over and over/,
      /^Thousands of memories made and dropped/,
      /^Memories beyond the budget of mappings/,
    ],
  })),
];

/** Files with tests that are tried for longer under `HOSTMEM_FIRE=1`. */
const sized = allTests().filter((file) =>
  Deno.readTextFileSync(`${repository}/${file}`).includes('/_fire.ts"')
);

const fullSize: TestRun[] = [...Map.groupBy(sized, roomOf)].map(
  ([room, files]) => ({
    title: `full size: ${room}`,
    files,
    env: { HOSTMEM_FIRE: "1", HOSTMEM_PATIENCE: "3" },
  }),
);

const underFlags: TestRun[] = runs.map(({ flag, leaveOut, ...files }) => ({
  title: flag,
  files: filesOf(files),
  leaveOut: leaveOut ?? [],
  leaveOutAll: true,
  apart: true,
  env: {
    DENO_V8_FLAGS: flag,
    HOSTMEM_PATIENCE: "3",
    // Ordinary sizes, but more of what moves memory and changes at random.
    HOSTMEM_FIRE: "0",
    HOSTMEM_FUZZ_SECONDS: "5",
    HOSTMEM_ROUNDS: "20000",
  },
}));

/**
 * The files to run, all by name: `--ignore` of Deno 2.9 leaves out only some of
 * the files that it names.
 */
function filesOf({ tests, without = [] }: Pick<Run, "tests" | "without">) {
  // What is left out must exist, so that the lists do not outlive the files.
  for (const path of without) Deno.statSync(`${repository}/${path}`);
  return tests.flatMap(testsIn).filter((file) => !without.includes(file));
}

const part = Deno.args[0] ?? "";
const all = [...fullSize, ...underFlags];
const chosen = all.filter(({ title }) => title.includes(part));
if (chosen.length === 0) {
  console.error(
    `No run is named so: ${part}. They are ${
      all.map(({ title }) => title).join(", ")
    }`,
  );
  Deno.exit(1);
}
// Two side by side: tests wait for much, and a run keeps about one core busy.
if (!await runAll(chosen, 2)) Deno.exitCode = 1;
