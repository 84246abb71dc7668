/**
 * BTF of the running kernel: one struct in a process of its own, beside pahole
 * and bpftool as whole processes; every struct in one process; and the memory
 * that it takes.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const ROUNDS = 9;
const root = fromFileUrl(new URL("../", import.meta.url));
const mod = new URL("../btf/mod.ts", import.meta.url).href;

/** Runs a program; its output, and how long it took in milliseconds. */
async function timed(
  command: string,
  args: string[],
): Promise<{ text: string; milliseconds: number }> {
  const start = performance.now();
  const { stdout } = await new Deno.Command(command, {
    args,
    cwd: root,
    stdin: "null",
    stderr: "null",
  }).output();
  const milliseconds = performance.now() - start;
  return { text: new TextDecoder().decode(stdout), milliseconds };
}

async function deno(source: string): Promise<unknown> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const { text } = await timed(Deno.execPath(), [
      "run",
      "-A",
      "--no-check",
      `--config=${root}deno.json`,
      "--no-lock",
      file,
    ]);
    return JSON.parse(text);
  } finally {
    await Deno.remove(file);
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function row(name: string, value: string, bar = ""): void {
  console.log(`  ${name.padEnd(44)} ${value.padStart(10)}  ${bar}`);
}

function verdict(value: number, bar: number, unit: string): string {
  return `${value <= bar ? "ok" : "OVER"}, bar ${bar} ${unit}`;
}

/** Cold: nothing was compiled or read before. The import is not counted. */
const cold = `
  import { Btf } from ${JSON.stringify(mod)};
  const start = performance.now();
  const btf = Btf.kernel();
  const opened = performance.now();
  const { size } = btf.layout("sock_common");
  const done = performance.now();
  console.log(JSON.stringify([opened - start, done - start, size]));`;

/** Everything: the layout of each struct and union. */
const all = `
  import { Btf } from ${JSON.stringify(mod)};
  const start = performance.now();
  const btf = Btf.kernel();
  let count = 0;
  for (const { id, kind } of btf) {
    if (kind !== "struct" && kind !== "union") continue;
    btf.layout(id);
    count++;
  }
  console.log(JSON.stringify([performance.now() - start, count]));`;

/** A program that prints what stays after all garbage was collected. */
const memory = `
  import { Btf } from ${JSON.stringify(mod)};
  import { collect } from ${
  JSON.stringify(new URL("../tests/_support.ts", import.meta.url).href)
};
  function used() {
    collect();
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  }
  const before = used();
  const btf = Btf.kernel();
  btf.layout("task_struct");
  const one = used() - before;
  for (const { id, kind } of btf) {
    if (kind === "struct" || kind === "union") btf.layout(id);
  }
  const all = used() - before;
  for (const { id, kind } of btf) {
    if (kind === "struct" || kind === "union") btf.layout(id).fields;
  }
  const fields = used() - before;
  console.log(JSON.stringify([one, all, fields]));`;

const fileSize = Deno.readFileSync(VMLINUX).length;

const opens: number[] = [];
const firsts: number[] = [];
const everything: number[] = [];
const wholes = new Map<string, number[]>();
const peers = new Map<string, readonly [string, string[]]>([
  ["pahole -C sock_common", ["pahole", [
    "-F",
    "btf",
    "-C",
    "sock_common",
    VMLINUX,
  ]]],
  ["bpftool btf dump file", ["bpftool", ["btf", "dump", "file", VMLINUX]]],
]);
let structs = 0;
for (let round = 0; round < ROUNDS; round++) {
  const [opened, done] = await deno(cold) as [number, number];
  opens.push(opened);
  firsts.push(done);
  const [milliseconds, count] = await deno(all) as [number, number];
  everything.push(milliseconds);
  structs = count;
  for (const [name, [command, args]] of peers) {
    try {
      const { milliseconds } = await timed(command, args);
      wholes.set(name, [...wholes.get(name) ?? [], milliseconds]);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      peers.delete(name);
      row(name, "not there");
    }
  }
}

console.log(`BTF of ${(fileSize / 1e6).toFixed(1)} MB`);
row("open, cold", `${median(opens).toFixed(1)} ms`);
row(
  "open and one struct, cold",
  `${median(firsts).toFixed(1)} ms`,
  verdict(median(firsts), 30, "ms"),
);
for (const [name, times] of wholes) {
  row(`${name}, the process`, `${median(times).toFixed(1)} ms`);
}
row(
  `open and all ${structs} structs and unions`,
  `${median(everything).toFixed(0)} ms`,
  verdict(median(everything), 1000, "ms"),
);
const [one, whole, fields] = await deno(memory) as [number, number, number];
row(
  "memory of it, with one struct",
  `${(one / fileSize).toFixed(2)} files`,
  verdict(one / fileSize, 3, "files"),
);
row(
  "memory with the layouts of all",
  `${(whole / fileSize).toFixed(2)} files`,
  verdict(whole / fileSize, 3, "files"),
);
// Of hardly any type the fields are used: they are made when they are.
row("… and with the fields of each", `${(fields / fileSize).toFixed(2)} files`);
