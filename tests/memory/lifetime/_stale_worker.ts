/// <reference lib="deno.worker" />
/**
 * A Worker that takes all it can out of attached memory, and, once the memory is
 * closed by whom it may be, tries all of that.
 *
 * @module
 */

import { Memory } from "../../../memory/mod.ts";
import { Shared } from "../workers/_workers.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  read: {
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
  memset: { parameters: ["buffer", "i32", "usize"], result: "void" },
});

/**
 * ```wat
 * (module
 *   (import "host" "memory" (memory 1 65536 shared))
 *   (func (export "get") (param i32) (result i32) local.get 0 i32.load)
 *   (func (export "set") (param i32 i32) local.get 0 local.get 1 i32.store)
 *   (func (export "add") (param i32 i32) (result i32)
 *     local.get 0 local.get 1 i32.atomic.rmw.add))
 * ```
 */
// deno-fmt-ignore
const module = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 17, 3, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0, 0x60, 2, 0x7f, 0x7f, 1, 0x7f,
  2, 19, 1, 4, 104, 111, 115, 116, 6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 0x80, 0x80, 4,
  3, 4, 3, 0, 1, 2,
  7, 19, 3, 3, 103, 101, 116, 0, 0, 3, 115, 101, 116, 0, 1, 3, 97, 100, 100, 0, 2,
  10, 30, 3,
  7, 0, 0x20, 0, 0x28, 2, 0, 0x0b,
  9, 0, 0x20, 0, 0x20, 1, 0x36, 2, 0, 0x0b,
  10, 0, 0x20, 0, 0x20, 1, 0xfe, 0x1e, 2, 0, 0x0b,
]);

/** Returns what a case gave, as text. */
function outcome(act: () => unknown): string {
  try {
    return String(act());
  } catch (error) {
    return (error as Error).name;
  }
}

let cases: Record<string, () => unknown> = {};
let pending: Promise<unknown>[] = [];

function prepare(memory: Memory, fds: number[], path: string): void {
  const pointer = memory.pointer(Shared);
  const view = memory.view(Shared);
  const { numbers, count, flag, wide } = pointer;
  const { webAssembly } = memory;
  const { buffer } = webAssembly;
  const bytes = new Uint8Array(buffer, 0, 256);
  const words = new Int32Array(buffer, 0, 64);
  const part = bytes.subarray(8, 16);
  const data = new DataView(buffer, 0, 256);
  const iterator = numbers.values();
  iterator.next();
  const viewIterator = view.numbers[Symbol.iterator]();
  viewIterator.next();
  const clone = structuredClone(bytes);
  const { get, set, add } = new WebAssembly.Instance(
    new WebAssembly.Module(module),
    { host: { memory: webAssembly } },
  ).exports as Record<string, (...values: number[]) => number>;
  // In flight while the memory is closed.
  const target = (begin: number) => new Uint8Array(buffer, begin, 8);
  const file = Deno.openSync(path);
  pending = [
    libc.read(fds[0]!, target(128), 8n),
    libc.read(fds[1]!, target(160), 8n),
    file.read(target(192)).then(() => file.close()),
  ];
  cases = {
    "typed array read": () => bytes[20],
    "typed array write": () => bytes[20] = 1,
    "field array read": () => numbers[1],
    "field array write": () => numbers[1] = 1,
    "subarray read": () => part[0],
    "subarray write": () => part[0] = 1,
    "fill": () => bytes.fill(2, 216, 224).length,
    "set": () => bytes.set([1, 2, 3], 216),
    "copyWithin": () => bytes.copyWithin(224, 216, 224).length,
    "slice": () => bytes.slice(64, 66),
    "reverse": () => part.reverse().length,
    "sort": () => part.sort().length,
    "sort with a comparator": () => part.sort((a, b) => b - a).length,
    "indexOf": () => bytes.indexOf(99),
    "join": () => bytes.subarray(64, 66).join(),
    "with": () => part.with(0, 9).length,
    "for of": () => {
      let sum = 0;
      for (const byte of bytes.subarray(64, 72)) sum += byte;
      return sum;
    },
    "forEach": () => {
      let sum = 0;
      bytes.subarray(64, 72).forEach((byte) => sum += byte);
      return sum;
    },
    "iterator": () => iterator.next().done,
    "iterator of a view": () => viewIterator.next().done,
    "DataView read": () => data.getFloat64(64),
    "DataView write": () => data.setBigUint64(112, 1n),
    "Atomics.load": () => Atomics.load(words, 16),
    "Atomics.add": () => Atomics.add(words, 16, 0),
    "Atomics.compareExchange": () => Atomics.compareExchange(words, 16, 0, 0),
    "Atomics.notify": () => Atomics.notify(words, 16),
    "Atomics.wait": () => Atomics.wait(words, 16, 1),
    "the clone's buffer": () => clone[64],
    "structuredClone": () => structuredClone(bytes).length,
    "postMessage": () => {
      const { port1, port2 } = new MessageChannel();
      port1.postMessage(bytes);
      port1.close();
      port2.close();
    },
    "TextDecoder": () => new TextDecoder().decode(bytes.subarray(64, 66)),
    "TextEncoder": () =>
      new TextEncoder().encodeInto("ab", bytes.subarray(104, 106)).written,
    "crypto": () => crypto.getRandomValues(bytes.subarray(72, 80)).length,
    "an array made of it": () => new Uint8Array(bytes).length,
    "a new view of its buffer": () => new Uint8Array(buffer)[64],
    "native code": () => libc.memset(bytes.subarray(80, 88), 1, 8n),
    "wasm load": () => get!(64),
    "wasm store": () => set!(96, 1),
    "wasm atomic": () => add!(96, 1),
    "wasm grow": () => webAssembly.grow(0),
    "atomic load": () => count.load(),
    "atomic add": () => count.add(0n),
    "atomic notify": () => wide.notify(),
    "pointer read": () => pointer.plain,
    "pointer write": () => pointer.plain = 0,
    "view read": () => view.plain,
    "nested read": () => view.numbers.at(2),
    // From here on the Memory is asked.
    "atomic wait": () => flag.wait(0),
    "pointer read after that": () => pointer.plain,
    "pointer write after that": () => pointer.plain = 1,
    "atomic add after that": () => count.add(1n),
    "atomic of a pointer after that": () => pointer.count.load(),
    "view read after that": () => view.plain,
    "nested read after that": () => view.numbers.at(2),
    "field array after that": () => numbers[2],
    "array of a pointer after that": () => pointer.numbers.length,
    "memory.closed": () => memory.closed,
    "memory.pointer": () => memory.pointer(Shared),
    "memory.view": () => memory.view(Shared),
    "memory.readAt": () => memory.readAt(new Uint8Array(1), 0),
    "memory.writeAt": () => memory.writeAt(new Uint8Array(1), 0),
    "memory.webAssembly": () => memory.webAssembly,
    "memory.handle": () => memory.handle,
    "memory.flush": () => memory.flush(),
    "memory.fd": () => memory.fd,
    "memory.close": () => memory.close(),
    "Deno.inspect": () => Deno.inspect([memory, pointer, view]).length > 0,
  };
}

let memory: Memory;

onmessage = async ({ data: { action, handle, fds, path } }) => {
  switch (action) {
    case "prepare":
      memory = Memory.attach(handle);
      prepare(memory, fds, path);
      return postMessage("prepared");
    case "close":
      memory.close();
      return postMessage("closed");
    case "try":
      return postMessage(
        Object.entries(cases).map(([name, act]) => [name, outcome(act)]),
      );
    case "close in a callback": {
      memory = Memory.attach(handle);
      const { numbers } = memory.pointer(Shared);
      const { buffer } = memory.webAssembly;
      const bytes = new Uint8Array(buffer, 64, 64);
      bytes.forEach((_, i) => bytes[i] = 64 - i);
      const close = () => memory.close();
      const sorted = bytes.sort((a, b) => (close(), a - b)).length;
      const filled = outcome(() =>
        // deno-lint-ignore no-explicit-any
        bytes.fill({ valueOf: () => (close(), 5) } as any).length
      );
      return postMessage([sorted, filled, outcome(() => numbers[0])]);
    }
    case "finish":
      await Promise.all(pending);
      return postMessage("finished");
  }
};
postMessage("ready");
