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
import { runAll } from "./_run_all.ts";

/**
 * The tests, by the part of the machine that they show. A test that is skipped
 * is left out. What is not here is the same on every machine: BTF, types of
 * TypeScript, what a program may replace, who holds memory until when.
 */
const tests = [
  // Calls, structures and numbers of libc and of the kernel.
  "tests/ffi/descriptors_test.ts",
  "tests/ffi/errno_test.ts",
  "tests/ffi/libc_test.ts",
  // `struct epoll_event`, which is packed on x86-64 alone.
  "tests/bpf/ring/poller_test.ts",
  // Where fields lie, and how bytes, bits and atomics are reached by what the
  // engine compiles. That they lie where C has them truth_test.ts asks gcc for
  // aarch64, without emulation.
  "tests/layout/assign_test.ts",
  "tests/layout/atomics_test.ts",
  "tests/layout/bits_test.ts",
  "tests/layout/checked_stores_test.ts",
  "tests/layout/flexible_test.ts",
  "tests/layout/kinds_test.ts",
  "tests/layout/moving_view_test.ts",
  "tests/layout/pointer_checks_test.ts",
  "tests/layout/reader_test.ts",
  "tests/layout/records_test.ts",
  "tests/layout/text_test.ts",
  "tests/btf/check_layout_test.ts",
  // Pages: their size, and how a mapping comes to lie where the engine has it.
  "tests/memory/workers/attach_test.ts",
  "tests/memory/copy_test.ts",
  "tests/memory/create_test.ts",
  "tests/memory/detach_test.ts",
  "tests/memory/holes_test.ts",
  "tests/memory/huge_pages_test.ts",
  "tests/memory/map_test.ts",
  "tests/memory/open_test.ts",
  "tests/memory/platform_test.ts",
  "tests/memory/read_only_test.ts",
  "tests/memory/size_test.ts",
  "tests/memory/workers/workers_test.ts",
  // The order of loads and stores: by models of both machines, since emulation
  // shows that of the host.
  "tests/bpf/ring/order_test.ts",
];

const leaveOut = [
  // A child process takes ten seconds to start, a Worker three: one of a kind.
  /^libc is found (where some|among several)/,
  /^What was used under .* works after the permission is revoked/,
  /^Without permission the first call/,
  /^Any other platform is refused/,
  /^The error number of a failed call is the call's, (?!as it comes)/,
  /^Memory says under --/,
  /^Memory throws Deno's own error/,
  /^Memory\.open\(\) asks Deno/,
  /^Views move where code cannot be generated/,
  /^There are no readers where no text can be compiled/,
  /^A handle (can be posted to several Workers|of closed memory)/,
  // What JavaScript's arithmetic refuses, at every width of every type.
  / refuses? what does not fit/,
  // Types of this kernel, hundreds, which is not that machine's.
  /^A generated reader reads structs of the kernel/,
  // It waits until the engine collects, which no machine differs in.
  /^Memory\.create\(\) closes the descriptor of memory that was dropped/,
  /^A handle of memory over a file that was dropped/,
  // Nor when it has none left, before which it collects.
  /^Memory\.map\(\) says ENOMEM where there are no huge pages/,
  // Gigabytes, whose pages the emulator counts one by one.
  /^Memory for Workers of \d+ bytes reads/,
  /^Memory of (?!4294967296 )\d+ bytes reads/,
  /^Memory\.create\(\) makes 16 GiB/,
  // qemu takes MADV_POPULATE_READ for advice that may be ignored.
  /^Memory\.open\(\) for reading fails where a full tmpfs has no room/,
];

if (Deno.build.arch === "aarch64") {
  console.log("This is aarch64: deno task test does it, and more");
  console.log("0 passed, 0 failed, 0 skipped");
  Deno.exit();
}
const part = Deno.args[0] ?? "";
const files = tests.filter((file) => file.includes(part));
if (files.length === 0) {
  console.error(`No file of tests has this in its path: ${part}`);
  Deno.exit(1);
}
using deno = new EmulatedDeno();
const ok = await runAll([{
  title: "aarch64",
  files,
  leaveOut,
  // A part need not have all of them.
  leaveOutAll: part === "",
  leaveOutSkipped: true,
  env: {
    // Collecting as the last resort takes seconds.
    DENO_V8_FLAGS: "--expose-gc",
    HOSTMEM_EMULATOR: deno.emulator.join(" "),
    HOSTMEM_FIRE: "0",
    HOSTMEM_PATIENCE: "10",
  },
  deno: [...deno.emulator, deno.path],
}], 1);
if (!ok) Deno.exitCode = 1;
