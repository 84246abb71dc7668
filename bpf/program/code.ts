/** The code of a loaded program: instructions, machine code, and their lines. */

import { bytesOfId } from "../../btf/kernel_objects.ts";
import { readSections } from "../../btf/format/sections.ts";
import { TypeTable } from "../../btf/format/type_table.ts";
import { Block } from "../../ffi/block.ts";
import { decodeText } from "../../ffi/c_text.ts";
import { askInfo } from "../../ffi/bpf/object_info.ts";
import { type Pointer, pointer, sizeOf } from "../../layout/mod.ts";
import { KernelProgramInfo } from "./kernel_info.ts";

/** A line of the source that a program was compiled from (`clang -g`). */
export interface ProgramLine {
  /** The index of the first instruction of it. */
  readonly instruction: number;
  /** The address of the first machine code of it; undefined where hidden. */
  readonly address: bigint | undefined;
  /** The path of the file, as the compiler was given it. */
  readonly file: string;
  /** The number of the line, from 1. */
  readonly line: number;
  /** The column, from 1; 0 for none. */
  readonly column: number;
  /** The text of the line. */
  readonly text: string;
}

/** An instruction (`linux/bpf.h`, `struct bpf_insn`). */
export interface ProgramInstruction {
  /** The operation: a class, an operation and its operands' kind. */
  readonly code: number;
  /** The number of the register that it writes. */
  readonly target: number;
  /**
   * The number of the register that it reads, or the meaning of the immediate.
   */
  readonly source: number;
  /** The distance of a jump in instructions, or another one in bytes. */
  readonly offset: number;
  /**
   * Its constant. One of 64 bits (`code` 0x18) takes two instructions, the
   * second of which has the upper half.
   */
  readonly immediate: number;
  /** The line that it is of; undefined where nothing tells. */
  readonly line: ProgramLine | undefined;
}

/** A function of a program. */
export interface ProgramFunction {
  /** Its name in C; undefined where no BTF tells it. */
  readonly name: string | undefined;
  /** The index of its first instruction. */
  readonly instruction: number;
  /** The address of its machine code; undefined where that is hidden. */
  readonly address: bigint | undefined;
  /** Its machine code; empty where it is hidden, or there is none. */
  readonly machineCode: Uint8Array<ArrayBuffer>;
}

/** The code that the verifier, and the compiler behind it, made of a program. */
export interface ProgramCode {
  /**
   * Its instructions as the verifier left them: helpers are replaced by offsets,
   * maps by addresses.
   */
  readonly instructions: readonly ProgramInstruction[];
  /** The lines that it was compiled from, in the order of instructions. */
  readonly lines: readonly ProgramLine[];
  /** Its functions; of one without BTF, one. */
  readonly functions: readonly ProgramFunction[];
  /**
   * Its machine code, one function behind the other; empty where the kernel
   * interprets it, or hides it.
   */
  readonly machineCode: Uint8Array<ArrayBuffer>;
}

type RawInfo = Pointer<typeof KernelProgramInfo>;

/** Asks for the info, in which addresses may say where to put the rest. */
function ask(fd: number, block: Block): void {
  const size = sizeOf(KernelProgramInfo);
  askInfo(fd, block.address, size, "the program", "program");
}

/** Numbers in a block, that begin at records of a size. */
class Records {
  readonly block: Block;
  readonly size: number;
  readonly #view: DataView;

  constructor(count: number, size: number) {
    this.block = new Block(count * size);
    this.size = size;
    this.#view = new DataView(this.block.buffer);
  }

  u32(index: number, word: number): number {
    return this.#view.getUint32(index * this.size + word * 4, true);
  }

  u64(index: number): bigint | undefined {
    return this.#view.getBigUint64(index * this.size, true) || undefined;
  }
}

/** `struct bpf_line_info`: `line_col` has ten bits for the column. */
const COLUMN_BITS = 10;

/** The names and lines of a program's BTF. */
class Strings {
  readonly #types: TypeTable;
  readonly #strings: Uint8Array<ArrayBuffer>;

  constructor(btfId: number) {
    const { bytes } = bytesOfId(btfId);
    this.#types = new TypeTable(bytes, undefined);
    this.#strings = new Uint8Array(readSections(bytes, false).strings);
  }

  at(offset: number): string {
    return decodeText(this.#strings.subarray(offset));
  }

  nameOf(typeId: number): string {
    return this.#types.nameAt(this.#types.startOf(typeId));
  }
}

/**
 * Reads the code of a program.
 *
 * @throws {SystemError} with the kernel's reason.
 */
export function codeOf(fd: number): ProgramCode {
  const block = new Block(sizeOf(KernelProgramInfo));
  const raw = pointer(KernelProgramInfo, block.buffer);
  ask(fd, block);
  // What it is given room for is what there is: a program does not change.
  const instructions = new Records(raw.translatedLength / 8, 8);
  const machineCode = new Block(raw.jitedLength);
  const lines = new Records(raw.lineCount, raw.lineSize);
  const lineAddresses = new Records(raw.lineAddressCount, raw.lineAddressSize);
  const functions = new Records(raw.functionInfoCount, raw.functionSize);
  const addresses = new Records(raw.functionCount, 8);
  const lengths = new Records(raw.functionLengthCount, 4);
  request(raw, {
    instructions: instructions.block,
    machineCode,
    lines: lines.block,
    lineAddresses: lineAddresses.block,
    functions: functions.block,
    addresses: addresses.block,
    lengths: lengths.block,
  });
  ask(fd, block);
  const strings = raw.lineCount + raw.functionInfoCount === 0
    ? undefined
    : new Strings(raw.btfId);
  const readLines = Array.from({ length: raw.lineCount }, (_, i) => {
    const place = lines.u32(i, 3);
    return {
      instruction: lines.u32(i, 0),
      address: i < raw.lineAddressCount ? lineAddresses.u64(i) : undefined,
      file: strings!.at(lines.u32(i, 1)),
      line: place >>> COLUMN_BITS,
      column: place & ((1 << COLUMN_BITS) - 1),
      text: strings!.at(lines.u32(i, 2)),
    };
  });
  // Where the kernel hides it, it takes the address away.
  const hasCode = raw.jitedInstructions !== 0n;
  const code = hasCode ? machineCode.bytes : new Uint8Array();
  return {
    instructions: raw.translatedInstructions === 0n
      ? []
      : readInstructions(instructions.block, readLines),
    lines: readLines,
    functions: readFunctions(raw, functions, addresses, lengths, strings, code),
    machineCode: code,
  };
}

/** Tells the kernel where to put what there is. */
function request(
  raw: RawInfo,
  blocks: Readonly<Record<string, Block>> & {
    readonly instructions: Block;
    readonly machineCode: Block;
    readonly lines: Block;
    readonly lineAddresses: Block;
    readonly functions: Block;
    readonly addresses: Block;
    readonly lengths: Block;
  },
): void {
  raw.mapCount = 0;
  raw.tagCount = 0;
  raw.translatedInstructions = blocks.instructions.address;
  raw.jitedInstructions = blocks.machineCode.address;
  raw.lines = blocks.lines.address;
  raw.lineAddresses = blocks.lineAddresses.address;
  raw.functions = blocks.functions.address;
  raw.functionAddresses = blocks.addresses.address;
  raw.functionLengths = blocks.lengths.address;
}

function readInstructions(
  block: Block,
  lines: readonly ProgramLine[],
): ProgramInstruction[] {
  const view = new DataView(block.buffer);
  let next = 0;
  return Array.from({ length: block.bytes.length / 8 }, (_, i) => {
    while (next < lines.length && lines[next]!.instruction <= i) next++;
    const registers = view.getUint8(i * 8 + 1);
    return {
      code: view.getUint8(i * 8),
      target: registers & 0xf,
      source: registers >>> 4,
      offset: view.getInt16(i * 8 + 2, true),
      immediate: view.getInt32(i * 8 + 4, true),
      line: lines[next - 1],
    };
  });
}

function readFunctions(
  { functionInfoCount, functionCount, functionLengthCount }: RawInfo,
  infos: Records,
  addresses: Records,
  lengths: Records,
  strings: Strings | undefined,
  machineCode: Uint8Array<ArrayBuffer>,
): ProgramFunction[] {
  let at = 0;
  return Array.from({ length: Math.max(functionInfoCount, 1) }, (_, i) => {
    const isKnown = i < functionInfoCount;
    const length = i < functionLengthCount ? lengths.u32(i, 0) : 0;
    const code = machineCode.slice(at, at + length);
    at += length;
    return {
      name: isKnown ? strings!.nameOf(infos.u32(i, 1)) : undefined,
      instruction: isKnown ? infos.u32(i, 0) : 0,
      address: i < functionCount ? addresses.u64(i) : undefined,
      machineCode: code,
    };
  });
}
