/**
 * Mapping and closing 64 KiB of a memfd, against `mmap` and `munmap` called
 * through FFI with nothing checked and nothing kept.
 *
 * @module
 */

import { Memory } from "../memory/mod.ts";
import { measure } from "./_measure.ts";

const SIZE = 65536;
const CALLS = 200;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
  },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
});

using origin = Memory.create(SIZE);
const fd = origin.fd!;

function mapAndClose(): number {
  for (let i = 0; i < CALLS; i++) Memory.map(fd, SIZE).close();
  return 0;
}

function mapAndCloseForWorkers(): number {
  for (let i = 0; i < CALLS; i++) {
    Memory.map(fd, SIZE, { workers: true }).close();
  }
  return 0;
}

function mmapAndMunmap(): number {
  for (let i = 0; i < CALLS; i++) {
    const address = libc.mmap(0n, BigInt(SIZE), 3, 1, fd, 0n);
    libc.munmap(address, BigInt(SIZE));
  }
  return 0;
}

measure({
  name: "map and close 64 KiB",
  operations: CALLS,
  kernels: {
    "mmap + munmap": mmapAndMunmap,
    "map + close": mapAndClose,
    "for Workers": mapAndCloseForWorkers,
  },
  bars: { "map + close": 8 },
  compare: false,
});
