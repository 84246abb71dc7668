/**
 * Maps of perf events, and BPF programs that put events out.
 *
 * @module
 */

import { BpfMap } from "../../../bpf/mod.ts";
import {
  array,
  atomic,
  HostLayout,
  type Pointer,
  struct,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { Program, testRun } from "../_program.ts";
import type { Instruction } from "../_instructions.ts";

/** The output of the program, and its counts. */
export const Output = struct("output", {
  _: HostLayout,
  /** The number of the next record. */
  next: atomic(u64),
  /** The number of records that there was no room for. */
  lost: atomic(u64),
  /** The number of bytes of `data` that a record has, from 8 to 8000. */
  length: u64,
  unused: array(u64, 5),
  /** The record; the program puts its number in front. */
  data: array(u8, 8192),
});

/** `enum bpf_func_id` */
const PERF_EVENT_OUTPUT = 25;

const OFFSET = { next: 0, lost: 8, length: 16, data: 64 };

function instructions(events: number, output: number): Instruction[] {
  const exit: Instruction[] = [[0xb7, 0, 0, 0, 0], [0x95, 0, 0, 0, 0]];
  const count: Instruction[] = [
    [0xb7, 1, 0, 0, 1], // r1 = 1
    [0xdb, 7, 1, OFFSET.lost, 0], // lock r7->lost += r1
  ];
  return [
    [0xbf, 6, 1, 0, 0], // r6 = the context
    [0x18, 7, 2, 0, output], // r7 = the output
    [0, 0, 0, 0, 0],
    [0xb7, 8, 0, 0, 1], // r8 = 1
    [0xdb, 7, 8, OFFSET.next, 1], // r8 = r7->next++
    [0x7b, 7, 8, OFFSET.data, 0], // r7->data = r8
    [0x79, 5, 7, OFFSET.length, 0], // r5 = r7->length
    [0x57, 5, 0, 0, 8191], // r5 &= …
    [0xbf, 1, 6, 0, 0], // r1 = the context
    [0x18, 2, 1, 0, events], // r2 = the map
    [0, 0, 0, 0, 0],
    [0x18, 3, 0, 0, -1], // r3 = BPF_F_CURRENT_CPU
    [0, 0, 0, 0, 0],
    [0xbf, 4, 7, 0, 0], // r4 = r7->data
    [0x07, 4, 0, 0, OFFSET.data],
    [0x85, 0, 0, 0, PERF_EVENT_OUTPUT],
    [0x15, 0, 0, count.length, 0], // if r0 == 0 skip the counting
    ...count,
    ...exit,
  ];
}

/** A map of perf events, and a program that puts events out to it. */
export class TestEvents implements Disposable {
  /** The map. */
  readonly map: BpfMap;
  /** The output of the program. */
  readonly output: Pointer<typeof Output>;
  readonly #outputs: BpfMap;
  readonly #program: Program;

  /** Makes one. */
  constructor() {
    this.map = BpfMap.create({
      type: "perf_event_array",
      valueSize: 4,
      maxEntries: 128,
    });
    this.#outputs = BpfMap.create({
      type: "array",
      valueSize: Output.size,
      maxEntries: 1,
      flags: ["mmapable"],
    });
    this.output = this.#outputs.pointer(Output, 0);
    this.output.length = 16n;
    this.#program = Program.of(instructions(this.map.fd, this.#outputs.fd));
  }

  /** The descriptor of the program. */
  get program(): number {
    return this.#program.fd;
  }

  /** Puts records out, on the CPU that this thread runs on. */
  put(times = 1): void {
    testRun(this.#program.fd, times);
  }

  /** Lets go of all of it. */
  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]();
    this.#outputs.memory().close();
    this.#outputs.close();
    this.map.close();
  }
}
