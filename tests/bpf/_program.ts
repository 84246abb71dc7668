/**
 * BPF programs assembled by hand, and running them: what no API of the package
 * does yet.
 *
 * @module
 */

import { addressOf, bpf, check, closeDescriptor } from "../../ffi/mod.ts";
import { assemble, type Instruction } from "./_instructions.ts";

/** `linux/bpf.h` */
const BPF_PROG_LOAD = 5;
const BPF_PROG_TEST_RUN = 10;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;

// Held for as long as the module, because the kernel is given its address.
const payload = new Uint8Array(new ArrayBuffer(4096));
const attributes = new DataView(new ArrayBuffer(128));

const r0 = 0;
const r1 = 1;
const r2 = 2;

/**
 * A program that adds `amount` to the 64 bits at `offset` of an array's only
 * entry, atomically: `__sync_fetch_and_add(&value, amount)`.
 */
function addInstructions(
  map: number,
  offset: number,
  amount: number,
  returns = 0,
): Instruction[] {
  return [
    [0x18, r1, 2, 0, map], // r1 = BPF_PSEUDO_MAP_VALUE of the map …
    [0x00, 0, 0, 0, offset], // … at an offset
    [0xb7, r2, 0, 0, amount], // r2 = amount
    [0xdb, r1, r2, 0, 0x00], // lock *(u64 *)(r1 + 0) += r2
    [0xb7, r0, 0, 0, returns], // r0 = returns
    [0x95, 0, 0, 0, 0], // exit
  ];
}

function clear(): DataView {
  new Uint8Array(attributes.buffer).fill(0);
  return attributes;
}

/** The kind of program to load, in the kernel's numbers. */
export interface Kind {
  /** `enum bpf_prog_type`. */
  type: number;
  /** `enum bpf_attach_type`; 0 by default. */
  attachType?: number;
  /** The value that it returns; 0 by default. */
  returns?: number;
  /** Its name. */
  name?: string;
}

/** A loaded program, closed with the block that it was made in. */
export class Program implements Disposable {
  /** Its descriptor. */
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** One that adds to the entry of an array; see `addInstructions`. */
  static adding(map: number, offset: number, amount: number): Program {
    return Program.of(addInstructions(map, offset, amount));
  }

  /** One that counts its runs in an array of one 64-bit entry. */
  static counting(map: number, kind: Kind): Program {
    return Program.of(addInstructions(map, 0, 1, kind.returns), kind);
  }

  /** One of these instructions, a socket filter unless said otherwise. */
  static of(
    instructions: readonly Instruction[],
    { type, attachType = 0, name = "" }: Kind = {
      type: BPF_PROG_TYPE_SOCKET_FILTER,
    },
  ): Program {
    assemble(payload, instructions);
    const license = 2048;
    payload.set(new TextEncoder().encode("GPL\0"), license);
    const request = clear();
    request.setUint32(0, type, true);
    request.setUint32(4, instructions.length, true);
    request.setBigUint64(8, addressOf(payload), true);
    request.setBigUint64(16, addressOf(payload) + BigInt(license), true);
    const nameBytes = new Uint8Array(request.buffer, 48, 15);
    new TextEncoder().encodeInto(name, nameBytes);
    request.setUint32(68, attachType, true);
    const fd = bpf(BPF_PROG_LOAD, request, 72);
    return new Program(check(fd, "bpf(BPF_PROG_LOAD)"));
  }

  /** Unloads it. */
  [Symbol.dispose](): void {
    closeDescriptor(this.fd);
  }
}

/** Runs a program so many times, in this thread. */
export function testRun(program: number, times: number): void {
  payload.fill(0);
  const request = clear();
  request.setUint32(0, program, true);
  request.setUint32(8, 64, true); // bytes of a packet
  request.setBigUint64(16, addressOf(payload), true);
  request.setUint32(32, times, true);
  check(bpf(BPF_PROG_TEST_RUN, request, 72), "bpf(BPF_PROG_TEST_RUN)");
}
