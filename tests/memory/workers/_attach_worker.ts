/// <reference lib="deno.worker" />
/**
 * A Worker that attaches memory and does with it what it is told; see
 * `_workers.ts`.
 *
 * @module
 */

import { atomic, type Pointer, u64, type View } from "../../../layout/mod.ts";
import { Memory, type MemoryHandle, pageSize } from "../../../memory/mod.ts";
import { collect, eventually } from "../../_support.ts";
import { testRun } from "../../bpf/_program.ts";
import { Attached, Shared } from "./_workers.ts";

let memory: Memory | undefined;
let pointer: Pointer<typeof Shared> | undefined;
let view: View<typeof Shared> | undefined;
let numbers: Uint32Array | undefined;
let nested: Attached | undefined;
const held = new Map<number, Memory>();

const actions: Record<string, (argument: never) => unknown> = {
  attach(handle: MemoryHandle) {
    memory = Memory.attach(handle);
    const { size, readOnly, workers, fd } = memory;
    return { size, readOnly, workers, fd };
  },
  point() {
    pointer = memory!.pointer(Shared);
    numbers = pointer.numbers;
    pointer.numbers[0] = 1;
  },
  pointAt(offset: number) {
    pointer = memory!.pointer(Shared, offset);
  },
  view() {
    view = memory!.view(Shared);
  },
  plain: () => (pointer ?? view)!.plain,
  store: (value: number) => pointer!.plain = value,
  numbers: () => Array.from(numbers!),
  add(times: number) {
    const { count } = pointer!;
    for (let i = 0; i < times; i++) count.add(1n);
  },
  /** Adds to the first 64 bits. */
  addFirst(times: number) {
    const first = memory!.pointer(atomic(u64));
    for (let i = 0; i < times; i++) first.add(1n);
  },
  /** Runs a BPF program. */
  runProgram([program, times, rounds]: [number, number, number]) {
    for (let i = 0; i < rounds; i++) testRun(program, times);
  },
  wait: ([expected, timeout]: [number, number?]) =>
    pointer!.flag.wait(expected, timeout),
  waitWide: ([expected, timeout]: [bigint, number?]) =>
    pointer!.wide.wait(expected, timeout),
  async notifyUntilWoken() {
    await eventually(() => pointer!.flag.notify() === 1);
    return true;
  },
  async closeWhenAsleep() {
    const { buffer } = memory!.webAssembly;
    const words = new Int32Array(buffer, buffer.byteLength - 65536);
    await eventually(() => words[16] === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    memory!.close();
  },
  readAt(offset: number) {
    const target = new Uint8Array(16);
    return [memory!.readAt(target, offset), target];
  },
  writeAt: ([bytes, offset]: [Uint8Array, number]) =>
    memory!.writeAt(bytes, offset),
  closed: () => memory!.closed,
  makePointer: () => memory!.pointer(Shared).plain,
  makeView: () => memory!.view(Shared).plain,
  close: () => memory!.close(),
  handle: () => memory!.handle,
  /** Hammers until it is told by the memory, or the memory is closed. */
  hammer(seed: number) {
    let rounds = 0;
    while (!memory!.closed) {
      for (let i = 0; i < 1000; i++) {
        pointer!.count.add(1n);
        pointer!.numbers[seed] = i;
        rounds++;
        // Zeros are what is left of memory that was closed.
        const seen = pointer!.numbers[seed];
        if (seen !== i && seen !== 0) return `saw ${seen} instead of ${i}`;
        if (pointer!.plain === 77) return rounds;
      }
    }
    try {
      pointer!.plain = 1;
    } catch (error) {
      return (error as Error).name;
    }
    return "no error";
  },
  async nest(handle: MemoryHandle) {
    nested = new Attached();
    await nested.ask("attach", handle);
    await nested.ask("point");
    return await nested.ask("plain");
  },
  hold([key, handle]: [number, MemoryHandle]) {
    held.set(key, Memory.attach(handle));
  },
  drop(keys: number[]) {
    for (const key of keys) held.delete(key);
  },
  /** Makes memories and holds them. */
  make([count, workers, name]: [number, boolean, string]) {
    for (let key = 0; key < count; key++) {
      held.set(key, Memory.create(pageSize(), { workers, name }));
    }
  },
  end: () => self.close(),
  forget() {
    memory =
      pointer =
      view =
      numbers =
        undefined;
  },
  collect,
};

onmessage = async ({ data: { action, argument } }: MessageEvent) => {
  try {
    const result = await actions[action]!(argument as never);
    postMessage({ result });
  } catch (error) {
    const { name, message } = error as Error;
    postMessage({ error: name, message });
  }
};
