/**
 * Stale access by native code and by WebAssembly, also while they are at work.
 *
 * @module
 */

import {
  type Accessor,
  accessor,
  addressOf,
  cString,
  libc,
  Pipe,
} from "./_native.ts";
import type { Case, Run, Scene } from "./_stale_scene.ts";

const FIRST = 0x5a5a5a5a;
const hello = cString("hello");

function instantiate(scene: Scene, f: () => void = () => {}): Accessor {
  const { memory } = scene;
  return new WebAssembly.Instance(accessor(memory.workers), {
    m: { m: memory.webAssembly, f },
  }).exports as unknown as Accessor;
}

function wasm(use: (module: Accessor) => unknown): Run {
  return (scene) => {
    const module = instantiate(scene);
    scene.close();
    return use(module);
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The cases by name. */
export const nativeCases: Record<string, Case> = {
  "a load by WebAssembly": [wasm((module) => module.load(0)), "0"],
  "a store by WebAssembly": [
    wasm((module) => {
      module.store(0, 7);
      return module.load(0);
    }),
    "7",
  ],
  "memory.fill by WebAssembly": [
    wasm((module) => {
      module.fill(1, 65536);
      return module.load(65532);
    }),
    `${0x01010101}`,
  ],
  "an atomic addition by WebAssembly": [
    wasm((module) => [module.add(3), module.add(0)]),
    "[ 0, 3 ]",
  ],
  "a load by WebAssembly after a call that closes": [
    (scene) => instantiate(scene, () => scene.close()).call(),
    "0",
  ],
  "memory.grow by WebAssembly": [
    wasm((module) => [module.grow(), module.load(0)]),
    "[ 1, 0 ]",
    "[ 2, 0 ]",
  ],
  "an instance made of the kept WebAssembly.Memory": [
    (scene) => {
      const m = scene.memory.webAssembly;
      scene.close();
      const { exports } = new WebAssembly.Instance(
        accessor(scene.memory.workers),
        { m: { m, f() {} } },
      );
      return (exports as unknown as Accessor).load(0);
    },
    "0",
  ],
  "the kept WebAssembly.Memory's buffer": [
    (scene) => {
      const memory = scene.memory.webAssembly;
      scene.close();
      const bytes = new Uint8Array(memory.buffer);
      bytes.fill(1);
      return bytes.length;
    },
    "65536",
    "131072",
  ],
  "growing the kept WebAssembly.Memory": [
    (scene) => {
      const memory = scene.memory.webAssembly;
      scene.close();
      memory.grow(0);
      return memory.grow(1);
    },
    "RangeError",
  ],
  "the address that native code gets": [
    (scene) => {
      const before = addressOf(scene.bytes);
      scene.close();
      const address = addressOf(scene.bytes);
      return address === 0n ? "NULL" : address === before ? "the same" : "else";
    },
    "NULL",
    "the same",
  ],
  "a copy by native code to a stale array": [
    (scene) => {
      scene.close();
      using ends = new Pipe();
      libc.write(ends.write, hello, 6n);
      const count = libc.read(ends.read, scene.bytes as Bytes, 6n);
      return count;
    },
    "-1n",
    "6n",
  ],
  "a native read in flight": [
    async (scene) => {
      using ends = new Pipe();
      const { bytes } = scene;
      const promise = libc.readLater(ends.read, bytes as Bytes, 6n);
      await new Promise((resolve) => setTimeout(resolve, 5));
      scene.close();
      libc.write(ends.write, hello, 6n);
      const count = await promise;
      return [count, bytes[0]];
    },
    "[ 6n, undefined ]",
    "[ 6n, 104 ]",
  ],
  "a native read in flight into what nothing else holds": [
    async (scene) => {
      using ends = new Pipe();
      const { memory } = scene;
      const promise = libc.readLater(ends.read, scene.bytes as Bytes, 6n);
      await new Promise((resolve) => setTimeout(resolve, 5));
      scene.close();
      libc.write(ends.write, hello, 6n);
      const count = await promise;
      return [count, memory.closed];
    },
    "[ 6n, true ]",
  ],
  "native code that calls back what closes": [
    (scene) => {
      const { words } = scene.root;
      const compare = new Deno.UnsafeCallback(
        { parameters: ["pointer", "pointer"], result: "i32" },
        () => scene.closing(1),
      );
      const bytes = new Uint8Array(scene.buffer, words.byteOffset, 64);
      libc.qsort(bytes, 16n, 4n, compare.pointer);
      compare.close();
      return words[0] === undefined || words[0] === 0 || words[0] === FIRST;
    },
    "true",
  ],
  "a pointer object from before": [
    (scene) => {
      const pointer = Deno.UnsafePointer.of(scene.bytes as Bytes)!;
      scene.close();
      return new Deno.UnsafePointerView(pointer).getUint32();
    },
    "0",
  ],
  "a pointer object from after": [
    (scene) => {
      scene.close();
      const pointer = Deno.UnsafePointer.of(scene.bytes as Bytes);
      return pointer === null ? "null" : "an address";
    },
    "null",
    "an address",
  ],
};
