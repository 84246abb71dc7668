/**
 * BPF programs of the type `syscall`, assembled by hand: for what the compilers
 * and the libbpf of some systems do not know yet. They run when they are told
 * to, on a context of 64-bit words, which they may change.
 *
 * A program that is called back has a second function, `callback`, behind its
 * first. The kernel wants BTF that says so.
 *
 * @module
 */

import { addressOf, bpf, closeDescriptor } from "../../ffi/mod.ts";
import { assemble, type Instruction } from "./_instructions.ts";

/** `linux/bpf.h` */
const BPF_PROG_LOAD = 5;
const BPF_BTF_LOAD = 18;
const BPF_PROG_TEST_RUN = 10;
const BPF_PROG_TYPE_SYSCALL = 31;
const BPF_F_SLEEPABLE = 1 << 4;

const WORDS = 16;
const SIZES = {
  code: 8192,
  btf: 4096,
  license: 8,
  log: 65536,
  context: WORDS * 8,
};

// Held for as long as the module, because the kernel is given their addresses.
const code = new Uint8Array(new ArrayBuffer(SIZES.code));
const license = new Uint8Array(new ArrayBuffer(SIZES.license));
const btf = new Uint8Array(new ArrayBuffer(SIZES.btf));
const log = new Uint8Array(new ArrayBuffer(SIZES.log));
const context = new BigUint64Array(new ArrayBuffer(SIZES.context));
license.set(new TextEncoder().encode("GPL\0"));

/**
 * Loads BTF of two functions, `int main()` and `static int callback()`: its
 * descriptor, and where their `struct bpf_func_info` lie.
 */
function loadFunctions(callback: number): { fd: number; info: bigint } {
  const [INT, FUNC, FUNC_PROTO] = [1, 12, 13].map((kind) => kind << 24);
  const strings = "\0int\0main\0callback\0";
  const types = [
    // name, info, size or type; of an integer also its encoding
    [1, INT!, 4, 1 << 24 | 32],
    [0, FUNC_PROTO!, 1],
    [5, FUNC! | 1, 2],
    [10, FUNC!, 2],
  ].flat();
  const view = new DataView(btf.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  const header = [24, 0, types.length * 4, types.length * 4, strings.length];
  [...header, ...types].forEach((word, i) =>
    view.setUint32(4 + i * 4, word, true)
  );
  const end = 24 + types.length * 4;
  btf.set(new TextEncoder().encode(strings), end);
  const request = new DataView(new ArrayBuffer(32));
  request.setBigUint64(0, addressOf(btf), true);
  request.setUint32(16, end + strings.length, true);
  const fd = bpf(BPF_BTF_LOAD, request, 28);
  if (fd < 0) throw new Error(`BPF_BTF_LOAD: error ${-fd}`);
  const info = SIZES.btf - 16;
  [0, 3, callback, 4].forEach((word, i) =>
    view.setUint32(info + i * 4, word, true)
  );
  return { fd, info: addressOf(btf) + BigInt(info) };
}

/** A loaded program, closed with the block that it was made in. */
export class Assembled implements Disposable {
  /** Its descriptor. */
  readonly fd: number;

  /**
   * Loads it.
   *
   * @param instructions Its instructions.
   * @param callback The index of its callback's first instruction, if any.
   * @throws {Error} with the verifier's log.
   */
  constructor(instructions: readonly Instruction[], callback?: number) {
    assemble(code, instructions);
    const request = new DataView(new ArrayBuffer(128));
    request.setUint32(0, BPF_PROG_TYPE_SYSCALL, true);
    request.setUint32(4, instructions.length, true);
    request.setBigUint64(8, addressOf(code), true);
    request.setBigUint64(16, addressOf(license), true);
    request.setUint32(24, 1, true); // log level
    request.setUint32(28, SIZES.log, true);
    request.setBigUint64(32, addressOf(log), true);
    request.setUint32(44, BPF_F_SLEEPABLE, true);
    const functions = callback === undefined
      ? undefined
      : loadFunctions(callback);
    if (functions !== undefined) {
      request.setUint32(72, functions.fd, true);
      request.setUint32(76, 8, true); // bytes of a func_info
      request.setBigUint64(80, functions.info, true);
      request.setUint32(88, 2, true);
    }
    log.fill(0);
    this.fd = bpf(BPF_PROG_LOAD, request, 128);
    if (functions !== undefined) closeDescriptor(functions.fd);
    if (this.fd < 0) {
      const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
      throw new Error(`BPF_PROG_LOAD: error ${-this.fd}\n${text}`);
    }
  }

  /** Runs it on some words, 16 at most: what they are afterwards. */
  run(...words: bigint[]): bigint[] {
    return runProgram(this.fd, ...words);
  }

  /** Unloads it. */
  [Symbol.dispose](): void {
    closeDescriptor(this.fd);
  }
}

/** Runs a program by its descriptor, in whichever thread. */
export function runProgram(fd: number, ...words: bigint[]): bigint[] {
  context.fill(0n);
  context.set(words);
  const request = new DataView(new ArrayBuffer(128));
  request.setUint32(0, fd, true);
  request.setUint32(40, SIZES.context, true);
  request.setBigUint64(48, addressOf(new Uint8Array(context.buffer)), true);
  const error = bpf(BPF_PROG_TEST_RUN, request, 80);
  if (error < 0) throw new Error(`BPF_PROG_TEST_RUN: error ${-error}`);
  return [...context];
}
