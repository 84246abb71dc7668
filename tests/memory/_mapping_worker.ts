/// <reference lib="deno.worker" />
/**
 * A Worker that maps and unmaps without pause, by this package and by libc, so
 * that any hole another thread leaves is soon filled. Asked, it answers how
 * often it did.
 *
 * @module
 */

import { Memory, pageSize } from "../../memory/mod.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
  },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
});

using origin = Memory.create(16 * pageSize());
const fd = origin.fd!;
let rounds = 0;
let asked = false;

onmessage = () => asked = true;
postMessage("ready");

while (!asked) {
  for (let i = 0; i < 50; i++) {
    const memory = Memory.map(fd, 16 * pageSize());
    memory.writeAt(new Uint8Array([i]), 0);
    const address = libc.mmap(0n, 65536n, 3, 0x22, -1, 0n);
    memory.close();
    libc.munmap(address, 65536n);
    rounds++;
  }
  await new Promise((resolve) => setTimeout(resolve));
}
postMessage(rounds);
