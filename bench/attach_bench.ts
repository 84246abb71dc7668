/**
 * Attaching a program to nine functions of libc, in all processes, and closing
 * the links again: one link of many functions beside a link of each, whose places
 * are given by offset, or looked up by symbol.
 *
 * @module
 */

import { functionOffset } from "../bpf/link/targets/probes/elf_symbols.ts";
import { programFile } from "../bpf/link/targets/probes/program_file.ts";
import { type AttachTarget, BpfObject, type BpfProgram } from "../bpf/mod.ts";
import { objectFile } from "../tests/bpf/_objects.ts";
import { measure } from "./_measure.ts";

const functions = [
  "getpriority",
  "setpriority",
  "fallocate",
  "memfd_create",
  "prctl",
  "socketpair",
  "getrlimit",
  "madvise",
  "eventfd",
];
const path = programFile("libc.so.6");
const offsets = functions.map((name) => functionOffset(path, name));

const file = await objectFile("attach");
const name = "count_calls";
using one = BpfObject.load(file, {
  programs: { [name]: { attachType: "trace_uprobe_multi" } },
});
using each = BpfObject.load(file);

/** Attaches to all targets, and closes the links: how many functions there were. */
function attach(
  program: BpfProgram,
  targets: readonly AttachTarget[],
): number {
  using links = new DisposableStack();
  for (const target of targets) links.use(program.attach(target));
  return functions.length;
}

const many = [{ kind: "uprobe_multi", path, functions }] as const;
const manyPlaces = [{ kind: "uprobe_multi", path, offsets }] as const;
const byOffset = offsets.map((offset) =>
  ({ kind: "uprobe", path, offset }) as const
);
const bySymbol = functions.map((symbol) =>
  ({ kind: "uprobe", path, symbol }) as const
);

measure({
  name: "attach to nine functions of libc, and close",
  operations: 1,
  kernels: {
    "one link": () => attach(one.program(name), many),
    "by offset": () => attach(one.program(name), manyPlaces),
    "nine by offset": () => attach(each.program(name), byOffset),
    "nine by symbol": () => attach(each.program(name), bySymbol),
  },
  rounds: 7,
  warmUp: 100,
  sample: 1,
});
