/** Loads a program of a few instructions, to see what the kernel says. */

import { Descriptor } from "../../ffi/descriptor.ts";
import { cString } from "../../ffi/calls/descriptors.ts";
import { decodeText } from "../../ffi/c_text.ts";
import { Block } from "../../ffi/block.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { type AttachType, attachTypeNumber } from "../link/attach_type.ts";
import { type ProgramType, programTypeNumber } from "../program/type.ts";

/** `linux/bpf.h`: the program may sleep. */
const BPF_F_SLEEPABLE = 1 << 4;

/** The program to load. */
export interface Load {
  readonly type: ProgramType;
  /** By default one that the type can have, where it must have one. */
  readonly attachType?: AttachType | undefined;
  /** The id of its target in the kernel's BTF. */
  readonly btfId?: number;
  /** The number of a helper that it calls. */
  readonly helper?: number;
}

/** `struct bpf_insn`: code, registers, offset, immediate. */
type Instruction = readonly [code: number, target: number, immediate: number];

const RETURN: Instruction = [0x95, 0, 0];
const CALL = 0x85;
const MOVE = 0xb7;

/** A call of a helper whose arguments nobody set, or a return. */
function instructionsOf(load: Load): readonly [Instruction, Instruction] {
  return load.helper === undefined
    ? [[MOVE, 0, isObserver(load) ? 0 : 1], RETURN]
    : [[CALL, 0, load.helper], RETURN];
}

/** Tests whether 0 is what a program returns that is to change nothing. */
function isObserver({ type, attachType }: Load): boolean {
  return type === "tracing" || type === "lsm" && attachType !== "lsm_cgroup";
}

/** Puts instructions where the kernel reads them. */
function assemble(instructions: readonly Instruction[]): void {
  const view = new DataView(assembled.buffer);
  instructions.forEach(([code, target, immediate], i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, target);
    view.setInt32(i * 8 + 4, immediate, true);
  });
}

/** The attach type of a program that cannot be loaded without one. */
function usualAttachType(type: ProgramType): AttachType | undefined {
  switch (type) {
    case "cgroup_sock_addr":
      return "cgroup_inet4_connect";
    case "cgroup_sockopt":
      return "cgroup_getsockopt";
    case "sk_lookup":
      return "sk_lookup";
    case "netfilter":
      return "netfilter";
    default:
      return undefined;
  }
}

// Addresses would not keep these. The offsets of instructions stay zero.
const assembled = new Block(2 * 8);
const license = Block.of(cString("GPL"));
const LOG_SIZE = 4096;

/** The kernel's answer. */
export interface Loaded extends Disposable {
  /** A descriptor, or the negative reason. */
  readonly result: number;
  /** The verifier's log; of a long one, the beginning. */
  readonly log: string;
}

/** Loads a program, until the answer is disposed of. */
export function loadProgram(load: Load): Loaded {
  const { type, btfId = 0, attachType = usualAttachType(type) } = load;
  assemble(instructionsOf(load));
  const log = new Block(LOG_SIZE);
  const { progLoad } = clearAttributes();
  progLoad.progType = programTypeNumber(type);
  progLoad.insnCnt = assembled.bytes.length / 8;
  progLoad.insns = assembled.address;
  progLoad.license = license.address;
  progLoad.logLevel = 1;
  progLoad.logSize = LOG_SIZE;
  progLoad.logBuf = log.address;
  progLoad.progFlags = type === "syscall" ? BPF_F_SLEEPABLE : 0;
  progLoad.expectedAttachType = attachType === undefined
    ? 0
    : attachTypeNumber(attachType);
  progLoad.attachBtfId = btfId;
  const result = run("BPF_PROG_LOAD", SIZE.progLoad);
  const program = result < 0 ? undefined : new Descriptor(result);
  return {
    result,
    log: decodeText(log.bytes),
    [Symbol.dispose]: () => program?.close(),
  };
}
