/**
 * Tries to map descriptors of every kind with every option, and prints what
 * came of it and what that left behind.
 *
 * @module
 */

import { NotSupportedError, ReadOnlyError, SystemError } from "../../errors.ts";
import { u8 } from "../../layout/mod.ts";
import { type MapOptions, Memory, pageSize } from "../../memory/mod.ts";
import { arenas } from "../_needs.ts";
import {
  addressSpace,
  collect,
  mappings,
  openDescriptors,
} from "../_support.ts";
import { BPF_F_RDONLY, BpfMap, memfd, MFD_HUGETLB } from "../memory/_kernel.ts";
import { cString, libc, Pipe } from "./_native.ts";

const page = pageSize();
const [group, directory] = Deno.args as [group: string, directory: string];
const hugeSize = Number(Deno.args[2]);

function open(path: string, flags: number): number {
  const { open } = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  }).symbols;
  const fd = open(cString(path), flags | 0o2000000, 0o600);
  if (fd < 0) throw new Error(`open(${path})`);
  return fd;
}

function file(name: string, flags: number, size = 3 * page): number {
  const path = `${directory}/${name}`;
  Deno.writeFileSync(path, new Uint8Array(size).fill(1));
  return open(path, flags);
}

/** `perf_event_open(2)` of a software clock. */
function perfEvent(): number {
  const attributes = new Uint32Array(32);
  attributes[0] = 1; // PERF_TYPE_SOFTWARE
  attributes[1] = 128; // size
  const number = Deno.build.arch === "x86_64" ? 298n : 241n;
  return libc.perf_event_open(number, attributes, 0, -1, -1, 0n);
}

/** A BPF map of another type than the tests of memory make. */
function bpfMap(
  type: number,
  value: number,
  entries: number,
  flags = 0,
): number {
  const attributes = new Uint32Array(18);
  const key = type === 27 ? 0 : 4;
  attributes.set([type, key, value, entries, flags]);
  const number = Deno.build.arch === "x86_64" ? 321n : 280n;
  return libc.syscall(number, 0, attributes, 72);
}

const BPF_MAP_TYPE_PERCPU_ARRAY = 6;
const BPF_MAP_TYPE_RINGBUF = 27;

/** Opens what another process holds, through that process. */
function ofAnotherProcess(): number {
  // Not closed on exec, unlike all other descriptors: what is executed has it.
  const fd = libc.memfd_create(cString("inherited"), 2);
  libc.ftruncate(fd, BigInt(3 * page));
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  libc.close(fd);
  const path = `/proc/${child.pid}/fd/${fd}`;
  try {
    return open(path, 2);
  } finally {
    child.kill();
  }
}

function pipeEnd(): number {
  return new Pipe().read;
}

function closedNumber(): number {
  const fd = memfd(0).fd;
  libc.close(fd);
  return fd;
}

type Kinds = Record<string, () => number>;

/** The kinds that take privileges. Each is made when its turn comes. */
const privileged: Kinds = {
  "BPF array": () => BpfMap.array(4 * page / 8).fd,
  "BPF array, frozen": () => {
    const map = BpfMap.array(4 * page / 8);
    map.freeze();
    return map.fd;
  },
  "BPF array, opened for reading": () =>
    BpfMap.array(4 * page / 8).reopen(BPF_F_RDONLY).fd,
  "BPF array, not mmapable": () => BpfMap.unmappable(4 * page / 8).fd,
  "BPF hash table": () => BpfMap.hash(64).fd,
  "BPF array per CPU": () => bpfMap(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 64),
  "BPF ring buffer": () => bpfMap(BPF_MAP_TYPE_RINGBUF, 0, 4 * page),
  ...arenas.met ? { "BPF arena": () => BpfMap.arena(4).fd } : {},
  "perf event": perfEvent,
};

/** Every other kind of descriptor. */
const ordinary: Kinds = {
  "memfd, sealed": () => memfd(3 * page).seal(2).fd,
  "memfd, sealed against writing": () => memfd(3 * page).seal(2 | 16).fd,
  "memfd": () => memfd(3 * page).fd,
  "file": () => file("rw", 2),
  "file for reading": () => file("ro", 0),
  "file for writing": () => file("wo", 1),
  "file for appending": () => file("append", 2 | 0o2000),
  "file that is empty": () => file("empty", 2, 0),
  "file without a name": () => {
    const fd = open(directory, 2 | 0o20200000); // O_TMPFILE
    libc.ftruncate(fd, BigInt(3 * page));
    return fd;
  },
  "file of O_PATH": () => file("path", 0o10000000),
  "shared memory": () => {
    const path = `/dev/shm/hostmem-${crypto.randomUUID()}`;
    Deno.writeFileSync(path, new Uint8Array(3 * page));
    const fd = open(path, 2);
    Deno.removeSync(path);
    return fd;
  },
  "of another process": ofAnotherProcess,
  "/dev/zero": () => open("/dev/zero", 2),
  "/dev/null": () => open("/dev/null", 2),
  "/proc/self/maps": () => open("/proc/self/maps", 0),
  "/proc/self/mem": () => open("/proc/self/mem", 2),
  "directory": () => open("/", 0),
  "pipe": pipeEnd,
  "socket": () => libc.socket(1, 1, 0),
  "TCP socket": () => libc.socket(2, 1, 0),
  "eventfd": () => libc.eventfd(0, 0),
  "epoll": () => libc.epoll_create1(0),
  "timer": () => libc.timerfd_create(1, 0),
  "inotify": () => libc.inotify_init1(0),
  "closed": closedNumber,
  "-1": () => -1,
  "the working directory": () => -100, // AT_FDCWD
  "-2147483648": () => -(2 ** 31),
  "NaN": () => NaN,
  "1.5": () => 1.5,
  "2147483648": () => 2 ** 31,
  "4294967296": () => 2 ** 32,
  "a string": () => "3" as unknown as number,
  "a bigint": () => 3n as unknown as number,
  "nothing": () => undefined as unknown as number,
};

const huge: Kinds = {
  "memfd of huge pages": () => memfd(hugeSize, "huge", MFD_HUGETLB).seal(2).fd,
};

const kinds = { privileged, ordinary, huge }[group]!;

/** Names an error, if it is one that callers are promised. */
function nameOf(error: unknown): string {
  if (error instanceof SystemError) return error.code;
  if (
    error instanceof RangeError || error instanceof NotSupportedError ||
    error instanceof ReadOnlyError
  ) return error.name;
  return `unexpected ${error}`;
}

/** Maps, and touches both ends. */
function outcomeOf(fd: number, size: number, options: MapOptions): string {
  let memory: Memory;
  try {
    memory = Memory.map(fd, size, options);
  } catch (error) {
    return nameOf(error);
  }
  try {
    for (const offset of [0, size - 1]) {
      const { value } = memory.view(u8, offset);
      if (!memory.readOnly) memory.pointer(u8, offset).value = value;
    }
    return memory.readOnly ? "reads" : "writes";
  } finally {
    memory.close();
  }
}

/** Counts mappings of all kinds, descriptors, and bytes of addresses. */
function left(): { mappings: number; descriptors: number; bytes: number } {
  collect();
  const beginnings = [
    "anon_inode:bpf-map",
    "anon_inode:[perf_event]",
    "/memfd:",
    directory,
    "/dev/zero",
    "/sys/kernel/btf/vmlinux",
  ];
  return {
    mappings: mappings(...beginnings).length,
    descriptors: openDescriptors().length,
    bytes: addressSpace(),
  };
}

const outcomes: Record<string, Record<string, string>> = {};
const leaks: string[] = [];
let count = 0;
const start = left();
for (const [kind, make] of Object.entries(kinds)) {
  const fd = make();
  const size = group === "huge" ? hugeSize : page;
  const before = left();
  const found: Record<string, string> = outcomes[kind] = {};
  for (const readOnly of [false, true]) {
    for (const allowTruncatable of [false, true]) {
      for (const offset of [0, page, 1]) {
        const name = [
          readOnly ? "reading" : "writing",
          ...allowTruncatable ? ["truncatable"] : [],
          ...offset > 0 ? [`from a ${offset === 1 ? "byte" : "page"} on`] : [],
        ].join(", ");
        for (const workers of [false, true]) {
          const options = { readOnly, allowTruncatable, offset, workers };
          const outcome = outcomeOf(fd, size, options);
          count++;
          if (found[name] === undefined) found[name] = outcome;
          else if (found[name] !== outcome) {
            found[name] += ` or, for Workers, ${outcome}`;
          }
        }
      }
    }
  }
  const after = left();
  if (after.mappings !== before.mappings) leaks.push(`${kind}: mappings`);
  if (after.descriptors !== before.descriptors) {
    leaks.push(`${kind}: descriptors`);
  }
  libc.close(Number.isInteger(fd) && fd >= 0 && fd < 2 ** 31 ? fd : -1);
}
const grown = left().bytes - start.bytes;
console.log(JSON.stringify({ count, outcomes, leaks, grown }));
