/**
 * Makes calls that fail, as many as it is told to, while it allocates without
 * pause, and counts the error numbers that are not the call's.
 *
 * @module
 */

import * as ffi from "../../ffi/mod.ts";
import { BpfMap, memfd, open, pipe } from "../memory/_kernel.ts";

/** The order: the number of calls, and whether bpf(2) can be asked. */
export interface Order {
  calls: number;
  bpf: boolean;
}

/** The findings: a call, the number that it gave, and how often. */
export interface Findings {
  calls: number;
  wrong: Record<string, number>;
}

type Failing = [name: string, expected: number, call: () => number];

const page = BigInt(ffi.pageSize());
// Nothing lies there: far below where the kernel puts what it chooses itself.
const FREE = 0x1000_0000_0000n;

function mapAt(fd: number, readOnly = false, length = page): number {
  return ffi.mmapSharedAt(FREE, { fd, length, offset: 0n, readOnly });
}

function status(result: object | number): number {
  return typeof result === "number" ? result : 0;
}

function callsWith(bpf: boolean): Failing[] {
  const [{ fd: reading }] = pipe();
  const { fd: directory } = open("/", 0);
  const { fd: unwritable } = open("/proc/self/maps", 0);
  const { fd: sealed } = memfd(4096).seal(2 | 16);
  const bytes = new Uint8Array(new ArrayBuffer(65536));
  const scratch = new Uint8Array(new ArrayBuffer(128));
  const calls: Failing[] = [
    ["mmap of a closed descriptor", -ffi.EBADF, () => mapAt(-1)],
    ["mmap of a pipe", -ffi.ENODEV, () => mapAt(reading, true)],
    ["mmap of a directory", -ffi.ENODEV, () => mapAt(directory, true)],
    ["mmap of a sealed memfd", -ffi.EPERM, () => mapAt(sealed)],
    ["mmap of nothing", -ffi.EINVAL, () => mapAt(sealed, false, 0n)],
    ["mmap of what cannot be written", -ffi.EACCES, () => mapAt(unwritable)],
    ["mmap over", -ffi.EINVAL, () => ffi.mmapOverlay(bytes, 0n)],
    ["mremap", -ffi.EINVAL, () => ffi.mremapOver(1n, page, bytes)],
    ["munmap", -ffi.EINVAL, () => ffi.munmap(1n, page)],
    ["madvise", -ffi.EINVAL, () => ffi.madvise(bytes, page, 9999)],
    ["msync", -ffi.EINVAL, () => ffi.msync(bytes, page, 9999)],
    ["open", -ffi.ENOENT, () => ffi.openFile("/nonexistent", 0)],
    ["open within a file", -20, () => ffi.openFile("/proc/self/maps/x", 0)],
    ["statx", -ffi.EBADF, () => status(ffi.fileStatus(-1))],
    ["fstatfs", -ffi.EBADF, () => status(ffi.fileSystemStatus(-1))],
    ["fcntl(F_GET_SEALS)", -ffi.EBADF, () => ffi.sealsOf(-1)],
    ["fcntl(F_ADD_SEALS)", -ffi.EPERM, () => ffi.addSeals(unwritable, 2)],
    ["fcntl(F_DUPFD)", -ffi.EBADF, () => ffi.duplicate(-1)],
    ["close", -ffi.EBADF, () => ffi.closeDescriptor(-1)],
    ["pread of a pipe", -29, () => ffi.readDescriptor(reading, bytes, 1, 0)],
    [
      "pread of a directory",
      -21,
      () => ffi.readDescriptor(directory, bytes, 1, 0),
    ],
    ["pwrite", -29, () => ffi.writeDescriptor(unwritable, bytes, 1, 0)],
    ["ftruncate", -ffi.EINVAL, () => ffi.truncateFile(reading, 1)],
    ["fallocate", -ffi.EBADF, () => ffi.allocateFile(unwritable, 0, 0, 1)],
    ["memfd_create", -ffi.EINVAL, () => ffi.createMemfd("x".repeat(250))],
  ];
  if (bpf) {
    const { fd: hash } = BpfMap.hash(1);
    calls.push(
      ["mmap of a BPF hash table", -ffi.ENOTSUPP, () => mapAt(hash)],
      ["bpf of no command", -ffi.EINVAL, () => ffi.bpf(9999, scratch, 128)],
      ["bpf of no map", -77, () => {
        scratch.fill(255, 0, 4);
        return ffi.bpf(15, scratch, 16);
      }],
    );
  }
  return calls;
}

/** Everything that is allocated between a call and the next. */
let garbage: unknown[] = [];

function litter(i: number): void {
  garbage.push({ i, text: `${i}`, big: BigInt(i) }, new Uint8Array(i & 255));
  if (garbage.length > 2000) garbage = [];
  if (i % 4096 === 0) garbage.push(new ArrayBuffer(1 << 20));
}

/** Makes all calls of an order. */
export function failAll({ calls, bpf }: Order): Findings {
  const failing = callsWith(bpf);
  const wrong: Record<string, number> = {};
  for (let i = 0; i < calls; i++) {
    const [name, expected, call] = failing[i % failing.length]!;
    const result = call();
    if (result !== expected) {
      const key = `${name}: ${result}`;
      wrong[key] = (wrong[key] ?? 0) + 1;
    }
    litter(i);
  }
  return { calls, wrong };
}
