/**
 * Shows which process opens which file, as it happens: a BPF program writes a
 * record for each call of openat(2) into a ring buffer, and this reads them in
 * place, through a type that is checked against the BTF of the program.
 *
 * ```sh
 * sudo npx -y deno@2.9.6 run -A examples/opensnoop.ts [--failed] [--pid=N]
 * ```
 *
 * Needs root, clang and the headers and library of libbpf (Debian: `clang
 * libbpf-dev`).
 *
 * @module
 */

import { HostLayout, i32, struct, text, u32, u64 } from "@hostmem/hostmem";
import { BpfObject, RingBuffer } from "@hostmem/hostmem/bpf";
import { checkLayout } from "@hostmem/hostmem/btf";
import { compileBpf } from "./_compile_bpf.ts";

/** As opensnoop.bpf.c has it, which is checked below. */
const Event = struct("event", {
  _: HostLayout,
  time: u64,
  pid: u32,
  uid: u32,
  result: i32,
  flags: u32,
  comm: text(16),
  path: text(256),
});

/** The number of openat(2), which is not the same everywhere. */
const OPENAT = { "x86_64": 257n, "aarch64": 56n };

function option(name: string): string | undefined {
  const found = Deno.args.find((arg) => arg.split("=")[0] === `--${name}`);
  return found?.split("=")[1] ?? (found && "");
}

using object = BpfObject.load(
  await compileBpf(new URL("opensnoop.bpf.c", import.meta.url)),
  {
    // What the program has as `const volatile`: the kernel leaves out what is
    // never reached then.
    constants: {
      openat_number: OPENAT[Deno.build.arch],
      only_pid: Number(option("pid") ?? 0),
      but_pid: Deno.pid,
      only_failed: option("failed") !== undefined,
    },
  },
);
const check = checkLayout(Event, object.btf!);
if (!check.ok) throw new Error(String(check));
const lost = object.variable("lost", u64).view();
using ring = new RingBuffer(object.map("events"), Event, {
  lost: () => lost.value,
});
using _enter = object.program("enter").attach();
using _leave = object.program("leave").attach();

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => stop.abort());
}
const columns = [8, 6, 16, 4] as const;
function print(...cells: unknown[]): void {
  console.log(
    cells.map((cell, i) => String(cell).padEnd(columns[i] ?? 0)).join(" "),
  );
}

print("PID", "UID", "COMMAND", "FD", "PATH");
for await (const event of ring.records({ until: stop.signal })) {
  const { pid, uid, comm, result, path } = event;
  print(pid, uid, comm, result, path);
}
console.error(`${ring.lost} lost`);
