/**
 * WebAssembly over the memory of a BPF map: a module adds up 64 MiB of it, and
 * adds to one entry with an atomic instruction. What it stores the kernel has.
 *
 * ```sh
 * npx -y deno@2.9.6 run --allow-ffi examples/wasm_sum.ts
 * ```
 *
 * Only root, or who has CAP_BPF, may make BPF maps. Everybody else gets a memfd
 * in its place, which is looked at through a second mapping.
 *
 * @module
 */

import {
  array,
  HostLayout,
  Memory,
  struct,
  SystemError,
  u64,
  view,
} from "@hostmem/hostmem";
import { BpfMap } from "@hostmem/hostmem/bpf";

const COUNT = 8 * 2 ** 20;

const Numbers = struct("Numbers", { _: HostLayout, at: array(u64, COUNT) });

/**
 * The module below in the text format; each line of the bytes is one of these.
 *
 * ```wat
 * (module
 *   (type $sum (func (param i32 i32) (result i64)))
 *   (type $add (func (param i32 i64) (result i64)))
 *   (import "host" "memory" (memory 1))
 *   (func (export "sum") (type $sum) (local $sum i64)
 *     loop                               ;; at least once
 *       local.get $sum
 *       local.get 0  i64.load  i64.add
 *       local.set $sum
 *       local.get 0  i32.const 8  i32.add  local.tee 0
 *       local.get 1  i32.lt_u  br_if 0   ;; again below the end
 *     end
 *     local.get $sum)
 *   (func (export "add") (type $add)
 *     local.get 0  local.get 1  i64.atomic.rmw.add))
 * ```
 *
 * The memory is imported, so its bytes stay where they are.
 */
const bytes = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
  ...section(1, [
    2, // types
    ...[0x60, 2, 0x7f, 0x7f, 1, 0x7e], // (func (param i32 i32) (result i64))
    ...[0x60, 2, 0x7f, 0x7e, 1, 0x7e], // (func (param i32 i64) (result i64))
  ]),
  ...section(2, [
    1, // import
    ...[...name("host"), ...name("memory"), 0x02, 0x00, 1], // (memory 1)
  ]),
  ...section(3, [2, 0, 1]), // two functions, of the types 0 and 1
  ...section(7, [
    2, // exports
    ...[...name("sum"), 0x00, 0],
    ...[...name("add"), 0x00, 1],
  ]),
  ...section(10, [
    2, // bodies
    ...body([
      ...[1, 1, 0x7e], // (local $sum i64)
      ...[0x03, 0x40], // loop
      ...[0x20, 2], // local.get $sum
      ...[0x20, 0, 0x29, 3, 0, 0x7c], // local.get 0, i64.load, i64.add
      ...[0x21, 2], // local.set $sum
      ...[0x20, 0, 0x41, 8, 0x6a, 0x22, 0], // local.get 0, + 8, local.tee 0
      ...[0x20, 1, 0x49, 0x0d, 0], // local.get 1, i32.lt_u, br_if 0
      ...[0x0b], // end
      ...[0x20, 2], // local.get $sum
    ]),
    ...body([
      ...[0], // no locals
      ...[0x20, 0, 0x20, 1], // local.get 0, local.get 1
      ...[0xfe, 0x1f, 3, 0], // i64.atomic.rmw.add
    ]),
  ]),
]);

function section(id: number, content: number[]): number[] {
  return [id, content.length, ...content];
}

function body(code: number[]): number[] {
  return [code.length + 1, ...code, 0x0b]; // end
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

interface Exports {
  /** Adds up the 64-bit numbers from one address to another. */
  sum(begin: number, end: number): bigint;
  /** Adds to the 64-bit number at an address, and gives what was there. */
  add(address: number, value: bigint): bigint;
}

function instantiate(memory: Memory): Exports {
  const module = new WebAssembly.Module(bytes);
  const host = { memory: memory.webAssembly };
  const instance = new WebAssembly.Instance(module, { host });
  return instance.exports as unknown as Exports;
}

function main(): void {
  const map = makeMap();
  if (map === undefined) useMemfd();
  else useMap(map);
}

/** A BPF array of 64 MiB, where the kernel lets us have one. */
function makeMap(): BpfMap | undefined {
  try {
    return BpfMap.create({
      type: "array",
      valueSize: u64.size,
      maxEntries: COUNT,
      flags: ["mmapable"],
      name: "wasm_sum",
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    console.log(`No BPF map for this user: ${error.message}`);
    return undefined;
  }
}

function useMap(map: BpfMap): void {
  using _map = map;
  console.log(`A BPF array of ${COUNT} numbers, BPF map ${map.info.id}`);
  using memory = map.memory();
  use(memory);
  const value = view(u64, map.lookup(3)!).value;
  console.log(`bpf(BPF_MAP_LOOKUP_ELEM) of entry 3 gives ${value}`);
}

function useMemfd(): void {
  using memory = Memory.create(COUNT * u64.size, { name: "wasm_sum" });
  console.log(`A memfd of ${COUNT} numbers, descriptor ${memory.fd}`);
  use(memory);
  using other = Memory.map(memory.fd!, memory.size);
  const { value } = other.view(u64, 3 * u64.size);
  console.log(`Another mapping has ${value} in entry 3`);
}

function use(memory: Memory): void {
  const numbers = memory.pointer(Numbers).at;
  for (let i = 0; i < COUNT; i++) numbers[i] = BigInt(i);
  const { sum, add } = instantiate(memory);
  const begin = performance.now();
  const total = sum(0, COUNT * u64.size);
  const took = (performance.now() - begin).toFixed(1);
  console.log(`The sum from WebAssembly: ${total}, in ${took} ms`);
  const before = add(3 * u64.size, 1_000_000n);
  console.log(`i64.atomic.rmw.add of 1000000 to entry 3, which was ${before}`);
}

main();
