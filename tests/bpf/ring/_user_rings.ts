/**
 * Ring buffers that processes write, a BPF program that drains them, and the
 * memory in which it says what it read.
 *
 * @module
 */

import { BpfMap } from "../../../bpf/mod.ts";
import {
  array,
  HostLayout,
  type Pointer,
  struct,
  u64,
} from "../../../layout/mod.ts";
import { Assembled } from "../_assembled.ts";
import type { Instruction } from "../_instructions.ts";

/** The number of records that are remembered, the last ones. */
export const REMEMBERED = 1024;

/** The program's account of the records that it read. */
export const Drained = struct("drained", {
  _: HostLayout,
  /** The number of records. */
  count: u64,
  /** The number of records that did not follow the one before by number. */
  disordered: u64,
  /** The number of records too short for the two words. */
  short: u64,
  /** The number of the last record plus one. */
  next: u64,
  /** The offset of the second word in a record, in bytes. */
  offset: u64,
  unused: array(u64, 3),
  /** The first word of each record, its number, and the second. */
  words: array(u64, 2 * REMEMBERED),
});

/** `enum bpf_func_id` */
const DYNPTR_READ = 201;
const USER_RINGBUF_DRAIN = 209;

const OFFSET = {
  count: 0,
  disordered: 8,
  short: 16,
  next: 24,
  offset: 32,
  words: 64,
};

const move = (to: number, from: number): Instruction => [0xbf, to, from, 0, 0];
const set = (to: number, value: number): Instruction => [0xb7, to, 0, 0, value];
const add = (to: number, value: number): Instruction => [0x07, to, 0, 0, value];
const call = (helper: number): Instruction => [0x85, 0, 0, 0, helper];
const load = (to: number, from: number, offset: number): Instruction => [
  0x79,
  to,
  from,
  offset,
  0,
];
const store = (to: number, offset: number, from: number): Instruction => [
  0x7b,
  to,
  from,
  offset,
  0,
];
const exit: Instruction = [0x95, 0, 0, 0, 0];

/** `*(u64 *)(r6 + offset) += 1`, by way of r1. */
function increment(offset: number): Instruction[] {
  return [load(1, 6, offset), add(1, 1), store(6, offset, 1)];
}

/** Reads 8 bytes of the record at r7 to the stack; r4 says where from. */
function read(slot: number, skip: number): Instruction[] {
  return [
    move(1, 10),
    add(1, slot),
    set(2, 8),
    move(3, 7),
    set(5, 0),
    call(DYNPTR_READ),
    [0x55, 0, 0, skip, 0], // if r0 != 0 skip so many
  ];
}

function drainInstructions(ring: number, result: number): {
  main: Instruction[];
  callback: Instruction[];
} {
  const remember: Instruction[] = [
    load(8, 10, -8),
    load(9, 10, -16),
    load(1, 6, OFFSET.next),
    [0x1d, 1, 8, 3, 0], // if r1 == r8 skip the next three
    ...increment(OFFSET.disordered),
    move(1, 8),
    add(1, 1),
    store(6, OFFSET.next, 1),
    load(1, 6, OFFSET.count),
    [0x57, 1, 0, 0, REMEMBERED - 1], // r1 &= …
    [0x67, 1, 0, 0, 4], // r1 <<= 4
    [0x0f, 1, 6, 0, 0], // r1 += r6
    store(1, OFFSET.words, 8),
    store(1, OFFSET.words + 8, 9),
    ...increment(OFFSET.count),
    set(0, 0),
    exit,
  ];
  const second = [load(4, 6, OFFSET.offset), ...read(-16, remember.length)];
  const first = [set(4, 0), ...read(-8, second.length + remember.length)];
  const callback: Instruction[] = [
    move(7, 1),
    [0x18, 6, 2, 0, result], // r6 = the memory
    [0, 0, 0, 0, 0],
    ...first,
    ...second,
    ...remember,
    ...increment(OFFSET.short),
    set(0, 0),
    exit,
  ];
  const main: Instruction[] = [
    move(6, 1),
    [0x18, 1, 1, 0, ring],
    [0, 0, 0, 0, 0],
    [0x18, 2, 4, 0, 6], // r2 = the callback
    [0, 0, 0, 0, 0],
    set(3, 0),
    load(4, 6, 8), // r4 = the flags, word 1
    call(USER_RINGBUF_DRAIN),
    store(6, 0, 0), // word 0 = how many
    set(0, 0),
    exit,
  ];
  main[3] = [0x18, 2, 4, 0, main.length - 4];
  return { main, callback };
}

/** A ring buffer, and a program that drains it. */
export class TestUserRing implements Disposable {
  /** The ring buffer. */
  readonly map: BpfMap;
  /** The program's account of what it drained. */
  readonly drained: Pointer<typeof Drained>;
  readonly #results: BpfMap;
  /** The program. */
  readonly program: Assembled;

  /** Makes one of so many bytes. */
  constructor(size = 4096) {
    this.map = BpfMap.create({ type: "user_ringbuf", maxEntries: size });
    this.#results = BpfMap.create({
      type: "array",
      valueSize: Drained.size,
      maxEntries: 1,
      flags: ["mmapable"],
    });
    this.drained = this.#results.pointer(Drained, 0);
    this.drained.offset = 8n;
    const { main, callback } = drainInstructions(
      this.map.fd,
      this.#results.fd,
    );
    this.program = new Assembled([...main, ...callback], main.length);
  }

  /** Drains it: how many records, or a negative error number. */
  drain(flags = 0n): number {
    return Number(BigInt.asIntN(64, this.program.run(0n, flags)[0]!));
  }

  /** The two words of a record that was drained, by its place. */
  words(index: number): [bigint, bigint] {
    const { words } = this.drained;
    const at = index % REMEMBERED * 2;
    return [words[at]!, words[at + 1]!];
  }

  /** Lets go of all of it. */
  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
    this.#results.memory().close();
    this.#results.close();
    this.map.close();
  }
}
