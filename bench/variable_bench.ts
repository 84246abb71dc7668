/**
 * Reading and adding to a variable of a BPF program through a pointer, against C
 * on the same mapped memory; and by `get`, against the system call that libbpf
 * makes.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { BpfObject } from "../bpf/mod.ts";
import { atomic, u32, u64 } from "../layout/mod.ts";
import { succeed } from "../tests/bpf/_objects.ts";
import { compileC, TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";

using directory = new TemporaryDirectory();
const file = directory.join("variable.bpf.o");
await succeed("clang", [
  "-target",
  "bpf",
  "-O2",
  "-g",
  `-I/usr/include/${Deno.build.arch}-linux-gnu`,
  "-c",
  fromFileUrl(new URL("programs/variable.bpf.c", import.meta.url)),
  "-o",
  file,
]);

const loop = { parameters: ["i32"], result: "f64" } as const;
const peer = Deno.dlopen(
  await compileC(
    new URL("programs/variable_peer.c", import.meta.url),
    directory,
    [
      "-O2",
      "-shared",
      "-fPIC",
      "-lbpf",
    ],
  ),
  {
    peer_open: { parameters: ["i32", "u32", "u32"], result: "i32" },
    peer_read: loop,
    peer_read_small: loop,
    peer_add: loop,
    peer_add_small: loop,
    peer_atomic_add: loop,
    peer_lookup: loop,
  },
).symbols;

const TIMES = 10_000;

using object = BpfObject.load(file);
const hits = object.variable("hits", u64);
const small = object.variable("small", u32);
const fd = object.map(".bss").fd;
if (peer.peer_open(fd, hits.offset, small.offset) < 0) {
  throw new Error("The peer cannot map the variables");
}

interface Cell<T> {
  value: T;
}

function read(cell: Cell<bigint>): number {
  let sum = 0n;
  for (let i = 0; i < TIMES; i++) sum += cell.value & 1n;
  return Number(sum);
}

function readSmall(cell: Cell<number>): number {
  let sum = 0;
  for (let i = 0; i < TIMES; i++) sum += cell.value & 1;
  return sum;
}

function add(cell: Cell<bigint>): number {
  for (let i = 0; i < TIMES; i++) cell.value += 2n;
  return Number(cell.value & 1n);
}

function addSmall(cell: Cell<number>): number {
  for (let i = 0; i < TIMES; i++) cell.value += 2;
  return cell.value & 1;
}

const counter = object.variable("hits", atomic(u64)).pointer();

function addAtomic(): number {
  for (let i = 0; i < TIMES; i++) counter.add(2n);
  return Number(counter.load() & 1n);
}

const hitsPointer = hits.pointer();
const smallPointer = small.pointer();

measure({
  name: "read a u64 variable",
  operations: TIMES,
  kernels: {
    "C, mapped": () => peer.peer_read(TIMES),
    "pointer": () => read(hitsPointer),
  },
});

measure({
  name: "read a u32 variable",
  operations: TIMES,
  kernels: {
    "C, mapped": () => peer.peer_read_small(TIMES),
    "pointer": () => readSmall(smallPointer),
  },
});

measure({
  name: "add to a u64 variable",
  operations: TIMES,
  kernels: {
    "C, mapped": () => peer.peer_add(TIMES),
    "pointer": () => add(hitsPointer),
  },
});

/** So that adding to it all the while never overflows, which would throw. */
function reset(): void {
  smallPointer.value = 0;
}

measure({
  name: "add to a u32 variable",
  operations: TIMES,
  kernels: {
    "C, mapped": () => {
      reset();
      return peer.peer_add_small(TIMES);
    },
    "pointer": () => {
      reset();
      return addSmall(smallPointer);
    },
  },
});

measure({
  name: "add to a u64 variable, atomically",
  operations: TIMES,
  kernels: {
    "C, mapped": () => peer.peer_atomic_add(TIMES),
    "atomic pointer": addAtomic,
  },
});

measure({
  name: "a copy of a u32 variable",
  operations: 100,
  kernels: {
    "C, lookup": () => peer.peer_lookup(100),
    "get()": () => {
      let sum = 0;
      for (let i = 0; i < 100; i++) sum += small.get() & 1;
      return sum;
    },
  },
});
