/**
 * Runs on aarch64, emulated, the tests that need no `bpf(2)`: whether types lie
 * where that machine's C has them, and whether its system calls, structures and
 * page size are what `ffi/` and `memory/` take them for. Everything takes some
 * ten times as long as without emulation, so what the machine makes no
 * difference to is left out.
 *
 *     deno task arm [part of a test file's path]
 */

import { EmulatedDeno } from "./_emulated_deno.ts";
import { runTests } from "./_run_tests.ts";

/**
 * Folders of tests, or files: what needs no `bpf(2)`, models of it too. A test
 * that is skipped is left out.
 */
const tests = [
  "tests/layout",
  "tests/ffi",
  "tests/memory",
  "tests/btf",
  "tests/under_fire",
];

const without = [
  // They run the others again, under other flags of the engine.
  "tests/layout/closures_test.ts",
  // They ask compilers: gcc for aarch64 too, without emulation.
  "tests/layout/truth_test.ts",
  "tests/layout/published_types_test.ts",
  "tests/layout/inference_test.ts",
  "tests/btf/typescript_test.ts",
  // Programs that replace built-ins, names of fields, thousands of fields: the
  // engine's business, and the same everywhere.
  "tests/layout/hostile_caller_test.ts",
  "tests/layout/names_test.ts",
  "tests/layout/tampering_test.ts",
  "tests/layout/wide_test.ts",
  // Emulation shows the order of the host's memory, and its tearing.
  "tests/layout/tearing_test.ts",
  "tests/memory/concurrency_test.ts",
  // What Workers do with memory: attach_test.ts shows it, and a Worker takes
  // seconds to start.
  "tests/memory/attach_read_only_test.ts",
  "tests/memory/forged_handle_test.ts",
  "tests/memory/in_flight_test.ts",
  "tests/memory/mapping_stats_test.ts",
  "tests/memory/sleep_test.ts",
  "tests/memory/stale_worker_test.ts",
  // Tens of thousands of maps, or of lines of /proc/self/maps.
  "tests/memory/many_test.ts",
  "tests/memory/failure_test.ts",
  "tests/under_fire/descriptors_test.ts",
  // Limits are the kernel's, and qemu keeps those of addresses to itself.
  "tests/under_fire/limits_test.ts",
  // Millions of calls; tests/ffi/errno_test.ts makes as many as time allows.
  "tests/under_fire/errno_test.ts",
];

const leaveOut = [
  // The same with flags of the engine, in which no machine differs.
  /^The engine leaves the pages .* while /,
  /^The error number of a failed call is the call's, (?!as it comes)/,
  // Nor in when it collects what; a hundred collections take a minute.
  /^The engine unmaps a .*WebAssembly\.Memory when/,
  // As tearing_test.ts.
  /^An aligned element of a typed array is loaded and stored at once/,
  // qemu takes MADV_POPULATE_READ for advice that may be ignored.
  /^Memory\.open\(\) for reading fails where a full tmpfs has no room/,
  // Tens of thousands of maps.
  /^20 000 memories made and dropped/,
  /^Memories beyond the budget of mappings/,
];

if (Deno.build.arch === "aarch64") {
  console.log("This is aarch64: deno task test does it, and more");
  Deno.exit();
}
const part = Deno.args[0] ?? "";
using deno = new EmulatedDeno();
const ok = await runTests({
  title: "aarch64",
  tests,
  part,
  without,
  leaveOut,
  leaveOutSkipped: true,
  env: {
    // Collecting as the last resort takes seconds.
    DENO_V8_FLAGS: "--expose-gc",
    HOSTMEM_EMULATOR: deno.emulator.join(" "),
    HOSTMEM_FIRE: "0",
    HOSTMEM_PATIENCE: "10",
  },
  deno: [...deno.emulator, deno.path],
});
if (!ok) Deno.exitCode = 1;
