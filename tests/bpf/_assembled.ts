/**
 * BPF programs of the type `syscall`, assembled by hand: for what the compilers
 * and the libbpf of some systems do not know yet. They run when they are told
 * to, on a context of 64-bit words, which they may change.
 *
 * @module
 */

import { addressOf, bpf, closeDescriptor } from "../../ffi/mod.ts";

/** `linux/bpf.h` */
const BPF_PROG_LOAD = 5;
const BPF_PROG_TEST_RUN = 10;
const BPF_PROG_TYPE_SYSCALL = 31;
const BPF_F_SLEEPABLE = 1 << 4;

/** `struct bpf_insn`: code, registers, offset, immediate. */
export type Instruction = readonly [
  code: number,
  target: number,
  source: number,
  offset: number,
  immediate: number,
];

const WORDS = 16;
const SIZES = { code: 8192, license: 8, log: 65536, context: WORDS * 8 };

// Held for as long as the module, because the kernel is given their addresses.
const code = new Uint8Array(new ArrayBuffer(SIZES.code));
const license = new Uint8Array(new ArrayBuffer(SIZES.license));
const log = new Uint8Array(new ArrayBuffer(SIZES.log));
const context = new BigUint64Array(new ArrayBuffer(SIZES.context));
license.set(new TextEncoder().encode("GPL\0"));

function encode(instructions: readonly Instruction[]): void {
  const view = new DataView(code.buffer);
  instructions.forEach(([code, target, source, offset, immediate], i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, target | source << 4);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, immediate, true);
  });
}

/** A loaded program, closed with the block that it was made in. */
export class Assembled implements Disposable {
  /** Its descriptor. */
  readonly fd: number;

  /**
   * Loads it.
   *
   * @throws {Error} with the verifier's log.
   */
  constructor(instructions: readonly Instruction[]) {
    encode(instructions);
    const request = new DataView(new ArrayBuffer(128));
    request.setUint32(0, BPF_PROG_TYPE_SYSCALL, true);
    request.setUint32(4, instructions.length, true);
    request.setBigUint64(8, addressOf(code), true);
    request.setBigUint64(16, addressOf(license), true);
    request.setUint32(24, 1, true); // log level
    request.setUint32(28, SIZES.log, true);
    request.setBigUint64(32, addressOf(log), true);
    request.setUint32(44, BPF_F_SLEEPABLE, true);
    log.fill(0);
    this.fd = bpf(BPF_PROG_LOAD, request, 128);
    if (this.fd < 0) {
      const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
      throw new Error(`BPF_PROG_LOAD: error ${-this.fd}\n${text}`);
    }
  }

  /** Runs it on some words, 16 at most: what they are afterwards. */
  run(...words: bigint[]): bigint[] {
    context.fill(0n);
    context.set(words);
    const request = new DataView(new ArrayBuffer(128));
    request.setUint32(0, this.fd, true);
    request.setUint32(40, SIZES.context, true);
    request.setBigUint64(
      48,
      addressOf(new Uint8Array(context.buffer)),
      true,
    );
    const error = bpf(BPF_PROG_TEST_RUN, request, 80);
    if (error < 0) throw new Error(`BPF_PROG_TEST_RUN: error ${-error}`);
    return [...context];
  }

  /** Unloads it. */
  [Symbol.dispose](): void {
    closeDescriptor(this.fd);
  }
}
