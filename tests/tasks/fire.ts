/**
 * Runs the tests under flags of V8 that make the engine do all the time what it
 * does rarely, or do without what it has: move objects, collect garbage, mark;
 * threads, generated code, WebAssembly. Child processes get the same flags.
 *
 *     deno task fire [part of a flag's name]
 */

import { runTests } from "./_run_tests.ts";

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

/** What says nothing about a flag, and takes long. */
const unconcerned = [
  // They run the others again, or themselves, each time under other flags.
  "tests/layout/closures_test.ts",
  "tests/layout/tearing_test.ts",
  "tests/ffi/errno_test.ts",
  "tests/under_fire/errno_test.ts",
  // They ask C's and TypeScript's compilers.
  "tests/layout/truth_test.ts",
  "tests/layout/published_types_test.ts",
];

/** 20 000 maps while two Workers look on; one flag that moves objects does. */
const concurrency = "tests/memory/concurrency_test.ts";
/** 200 000 maps; one flag that collects garbage all the time does. */
const many = "tests/memory/many_test.ts";

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
  /^A BpfLink that was opened and dropped closes its descriptor/,
  // Nor is anything taken off a registry, which grows.
  /^10 000 arenas are mapped, used and closed/,
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
  { flag: "--gc-interval=300", tests: everything, without: unconcerned },
  {
    flag: "--stress-incremental-marking",
    tests: everything,
    without: [...unconcerned, many, concurrency],
  },
  {
    flag: "--single-threaded",
    tests: everything,
    without: [...unconcerned, many, concurrency],
    leaveOut: [...finalized, ...awaited],
  },
  // Closures stand in for generated code: whoever uses pointers is concerned.
  {
    flag: "--disallow-code-generation-from-strings",
    tests: everything.filter((folder) => folder !== "tests/ffi"),
    without: [...unconcerned, many, concurrency],
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
      "tests/memory/lifetime_test.ts",
      "tests/memory/detach_test.ts",
      "tests/under_fire/stale_access_test.ts",
    ],
  })),
];

const part = Deno.args[0] ?? "";
const chosen = runs.filter(({ flag }) => flag.includes(part));
if (chosen.length === 0) {
  console.error(
    `No flag is named so: ${part}. They are ${
      runs.map(({ flag }) => flag).join(", ")
    }`,
  );
  Deno.exit(1);
}
let failed = false;
for (const run of chosen) {
  const success = await runTests({
    ...run,
    title: run.flag,
    env: {
      DENO_V8_FLAGS: run.flag,
      HOSTMEM_PATIENCE: "3",
      // As much as at a developer's desk, whatever was asked of other runs.
      HOSTMEM_FIRE: "0",
      HOSTMEM_FUZZ_SECONDS: "5",
      HOSTMEM_ROUNDS: "20000",
    },
  });
  failed ||= !success;
}
if (failed) Deno.exit(1);
