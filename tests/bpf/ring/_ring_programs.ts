/**
 * BPF programs that write to ring buffers, and the memory by which they and the
 * tests agree.
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
  u32,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { Program, testRun } from "../_program.ts";
import type { Instruction } from "../_instructions.ts";

/** The settings that the programs read, and their counts. */
export const Control = struct("control", {
  _: HostLayout,
  /** The number of the next record. */
  next: atomic(u64),
  /** The number of records that there was no room for. */
  lost: atomic(u64),
  /** `BPF_RB_*`, for submitting. */
  flags: u64,
  /** The number of bytes of `data` that the next variable record has. */
  length: u32,
  /** 1 while a record is reserved and held. */
  held: atomic(u32),
  /** Makes who holds a record submit it. */
  release: atomic(u32),
  unused: array(u32, 7),
  data: array(u8, 4032),
});

/** `linux/bpf.h`: submit without waking, or wake in any case. */
export const NO_WAKEUP = 1n;
/** `linux/bpf.h` */
export const FORCE_WAKEUP = 2n;

const offset = { next: 0, lost: 8, flags: 16, length: 24, held: 28, data: 64 };
const releaseOffset = 32;

/** The most words to write: a program has room for some 250 instructions. */
const WORDS_MAX = 32;

const [r0, r1, r2, r3, r4, , r6, r7, r8] = Array(9).keys() as unknown as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** `enum bpf_func_id` */
const RINGBUF_OUTPUT = 130;
const RINGBUF_RESERVE = 131;
const RINGBUF_SUBMIT = 132;
const RINGBUF_DISCARD = 133;

const loadMap = (register: number, map: number): Instruction[] => [
  [0x18, register, 1, 0, map],
  [0, 0, 0, 0, 0],
];
const loadValue = (register: number, map: number): Instruction[] => [
  [0x18, register, 2, 0, map],
  [0, 0, 0, 0, 0],
];
const move = (to: number, from: number): Instruction => [0xbf, to, from, 0, 0];
const set = (to: number, value: number): Instruction => [0xb7, to, 0, 0, value];
const call = (helper: number): Instruction => [0x85, 0, 0, 0, helper];
const load64 = (to: number, from: number, at: number): Instruction => [
  0x79,
  to,
  from,
  at,
  0,
];
const load32 = (to: number, from: number, at: number): Instruction => [
  0x61,
  to,
  from,
  at,
  0,
];
const store64 = (to: number, at: number, from: number): Instruction => [
  0x7b,
  to,
  from,
  at,
  0,
];
const exit: Instruction[] = [set(r0, 0), [0x95, 0, 0, 0, 0]];

/** `r7 = next++`, with `r6` at the control. */
const takeNumber: Instruction[] = [
  set(r7, 1),
  [0xdb, r6, r7, offset.next, 0x01],
];
/** `lost++`, and the end. */
const countLost: Instruction[] = [
  set(r1, 1),
  [0xdb, r6, r1, offset.lost, 0x00],
  ...exit,
];

/** `r8 = bpf_ringbuf_reserve(…)`; counted and ended where there is no room. */
function reserve(ring: number, size: number): Instruction[] {
  return [
    ...loadMap(r1, ring),
    set(r2, size),
    set(r3, 0),
    call(RINGBUF_RESERVE),
    [0x55, r0, 0, countLost.length, 0], // if r0 != 0 skip countLost
    ...countLost,
    move(r8, r0),
  ];
}

/** A ring buffer, and the control that its programs share with the test. */
export class TestRing implements Disposable {
  /** The ring buffer. */
  readonly map: BpfMap;
  /** The control. */
  readonly control: Pointer<typeof Control>;
  readonly #controls: BpfMap;
  readonly #programs: Program[] = [];

  /** Makes one of so many bytes. */
  constructor(size = 4096) {
    this.map = BpfMap.create({ type: "ringbuf", maxEntries: size });
    this.#controls = BpfMap.create({
      type: "array",
      valueSize: Control.size,
      maxEntries: 1,
      flags: ["mmapable"],
    });
    this.control = this.#controls.pointer(Control, 0);
  }

  #keep(instructions: Instruction[]): Program {
    const program = Program.of(instructions);
    this.#programs.push(program);
    return program;
  }

  /**
   * A program that writes a record of a number of 8-byte words, all of which are
   * the record's number (the first 32 of them), or reserves that and discards it.
   */
  numbering(size: number, { discard = false } = {}): Program {
    const words = discard ? 1 : Math.min(size >> 3, WORDS_MAX);
    return this.#keep([
      ...loadValue(r6, this.#controls.fd),
      ...takeNumber,
      ...reserve(this.map.fd, size),
      ...Array.from({ length: words }, (_, i) => store64(r8, i * 8, r7)),
      move(r1, r8),
      load64(r2, r6, offset.flags),
      call(discard ? RINGBUF_DISCARD : RINGBUF_SUBMIT),
      ...exit,
    ]);
  }

  /** A program that writes `length` bytes of `data`. */
  copying(): Program {
    return this.#keep([
      ...loadValue(r6, this.#controls.fd),
      ...loadMap(r1, this.map.fd),
      move(r2, r6),
      [0x07, r2, 0, 0, offset.data],
      load32(r3, r6, offset.length),
      [0x25, r3, 0, 6, 4032], // if r3 > 4032 skip to the end
      load64(r4, r6, offset.flags),
      call(RINGBUF_OUTPUT),
      [0x15, r0, 0, 3, 0], // if r0 == 0 skip to the end
      set(r1, 1),
      [0xdb, r6, r1, offset.lost, 0x00],
      [0x05, 0, 0, 0, 0],
      ...exit,
    ]);
  }

  /**
   * A program that reserves a record and holds it until `release`, at the most
   * for as long as the kernel lets a program loop: a quarter of a second.
   */
  holding(size: number): Program {
    return this.#keep([
      ...loadValue(r6, this.#controls.fd),
      ...takeNumber,
      ...reserve(this.map.fd, size),
      store64(r8, 0, r7),
      [0x62, r6, 0, offset.held, 1], // held = 1
      [0xe5, 0, 0, 2, 0], // may_goto: at the most so often
      load32(r1, r6, releaseOffset),
      [0x15, r1, 0, -3, 0], // if r1 == 0 once more
      [0x62, r6, 0, offset.held, 0], // held = 0
      move(r1, r8),
      load64(r2, r6, offset.flags),
      call(RINGBUF_SUBMIT),
      ...exit,
    ]);
  }

  /** Runs a program in this thread. */
  run(program: Program, times = 1): void {
    testRun(program.fd, times);
  }

  /** Writes a record of these bytes. */
  write(copying: Program, bytes: Uint8Array): void {
    this.control.data.set(bytes);
    this.control.length = bytes.length;
    this.run(copying);
  }

  /** Lets go of all of it. */
  [Symbol.dispose](): void {
    for (const program of this.#programs) program[Symbol.dispose]();
    this.#controls.memory().close();
    this.#controls.close();
    this.map.close();
  }
}
