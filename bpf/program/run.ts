/** Running a program once, or so many times: `BPF_PROG_TEST_RUN`. */

import { BoundsError, NotSupportedError } from "../../errors.ts";
import {
  EINTR,
  EINVAL,
  ENOSPC,
  ENOTSUPP,
  EPERM,
  systemError,
} from "../../ffi/mod.ts";
import {
  type OptionNames,
  requireBytes,
  requireFlag,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { lengthOf } from "../../base/bytes.ts";
import { roundUp } from "../../base/round.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import { Block } from "../../ffi/block.ts";
import type { UsedProgram } from "./used_program.ts";
import type { ProgramType } from "./type.ts";

const runOptions: OptionNames<RunOptions> = {
  data: true,
  context: true,
  repeat: true,
  cpu: true,
  liveFrames: true,
  batchSize: true,
};

/** The options of {@linkcode BpfProgram.run}. */
export interface RunOptions {
  /**
   * The packet, for programs that are run for packets: at least 14 bytes, the
   * header of Ethernet, and no more than fits a page; for XDP no more than fits 18
   * pages (Linux 5.18).
   */
  readonly data?: Uint8Array | undefined;
  /**
   * The program's argument: a `struct __sk_buff`, a `struct xdp_md`, the
   * arguments of a raw tracepoint, whatever a program of type `"syscall"` takes.
   */
  readonly context?: Uint8Array | undefined;
  /**
   * The number of runs, 1 by default; the results are those of the last run.
   */
  readonly repeat?: number | undefined;
  /** The CPU to run it on, of raw tracepoints alone (Linux 5.10). */
  readonly cpu?: number | undefined;
  /**
   * Carries out what an XDP program decides for the packets: they are sent,
   * redirected, received (`BPF_F_TEST_XDP_LIVE_FRAMES`, Linux 5.18).
   */
  readonly liveFrames?: boolean | undefined;
  /**
   * The number of packets that are live at once, with `liveFrames`; 64 by
   * default.
   */
  readonly batchSize?: number | undefined;
}

/** The result of running a program. */
export interface RunResult {
  /** The value that it returned, an `int` in C. */
  readonly returnValue: number;
  /** The average time of one run, in nanoseconds; 0 where not measured. */
  readonly duration: number;
  /** The packet afterwards; undefined where none was given. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
  /**
   * The context afterwards, as large as the kernel has it; undefined where none
   * was given, and of raw tracepoints.
   */
  readonly context: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The bytes by which the output may be longer than the input. A packet grows by
 * what the program puts before it, within the 256 bytes that the kernel leaves
 * there, or behind it, within the last of its up to 18 pages; a context is what
 * the kernel's struct has, 192 bytes at most so far.
 */
const DATA_ROOM = 65536;
const CONTEXT_ROOM = 4096;

/** Room for all but large inputs, kept for as long as this module. */
const KEPT_SIZE = 2 * DATA_ROOM + 4 * CONTEXT_ROOM;

/** The blocks of input and output: addresses alone do not keep them. */
const held: { kept: Block | undefined; current: Block | undefined } = {
  kept: undefined,
  current: undefined,
};

function roomOf(size: number): Block {
  return held.current = size > KEPT_SIZE
    ? new Block(size)
    : held.kept ??= new Block(KEPT_SIZE);
}

/** A part of the room; none of it where `size` is undefined. */
interface Part {
  readonly at: number;
  readonly size: number | undefined;
}

/** A part behind another, at a multiple of 8. */
function behind({ at, size }: Part, next: number | undefined): Part {
  return { at: roundUp(at + (size ?? 0), 8), size: next };
}

/** The kernel is told sizes in 32 bits; far less is all that it takes. */
const MOST = 2 ** 31 - 1;

function lengthIn(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  requireBytes(name, value);
  const length = lengthOf(value);
  if (length > MOST) {
    throw new RangeError(
      `${name} must have at most ${MOST} bytes: it has ${length}`,
    );
  }
  return length;
}

/** `linux/bpf.h`, "flags for BPF_PROG_TEST_RUN". */
const BPF_F_TEST_RUN_ON_CPU = 1 << 0;
const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;

/** Tests whether the context that was given is changed in its place. */
function changesContext(type: ProgramType | undefined): boolean {
  return type === "syscall";
}

/** Tests whether a context is given back, beside the one that was given. */
function givesContext(type: ProgramType | undefined): boolean {
  return type !== "syscall" && type !== "raw_tracepoint" &&
    type !== "raw_tracepoint_writable";
}

/** The parts of the room, one behind the other. */
interface Parts {
  readonly dataIn: Part;
  readonly contextIn: Part;
  readonly dataOut: Part;
  readonly contextOut: Part;
  /** The size of all of them, in bytes. */
  readonly size: number;
}

/** Divides the room. @throws {TypeError | RangeError} for what is no such input. */
function partsOf(
  type: ProgramType | undefined,
  { data, context }: RunOptions,
  liveFrames: boolean,
): Parts {
  const dataLength = lengthIn("Data", data);
  const contextLength = lengthIn("Context", context);
  const dataIn: Part = { at: 0, size: dataLength };
  const contextIn = behind(dataIn, contextLength);
  const dataOut = behind(
    contextIn,
    dataLength === undefined || liveFrames ? undefined : dataLength + DATA_ROOM,
  );
  const contextOut = behind(
    dataOut,
    contextLength === undefined || !givesContext(type)
      ? undefined
      : contextLength + CONTEXT_ROOM,
  );
  const { at: size } = behind(contextOut, undefined);
  return { dataIn, contextIn, dataOut, contextOut, size };
}

/** Runs a program. */
export function runProgram(
  program: UsedProgram,
  options: RunOptions,
): RunResult {
  const { type } = program;
  requireOptions(options, runOptions);
  const { data, context, repeat, cpu, batchSize } = options;
  const liveFrames = requireFlag("liveFrames", options.liveFrames);
  const parts = partsOf(type, { data, context }, liveFrames);
  const { dataIn, contextIn, dataOut, contextOut } = parts;
  const repeats = repeat === undefined
    ? 0
    : requireU32("Option repeat", repeat, 1);
  let flags = liveFrames ? BPF_F_TEST_XDP_LIVE_FRAMES : 0;
  if (cpu !== undefined) flags |= BPF_F_TEST_RUN_ON_CPU;
  const onCpu = cpu === undefined ? 0 : requireU32("CPU", cpu, 0);
  const batch = batchSize === undefined
    ? 0
    : requireU32("Option batchSize", batchSize, 1);

  const room = roomOf(parts.size);
  try {
    // The lengths are those read above, whatever became of the arrays since.
    put(room, dataIn, data);
    put(room, contextIn, context);
    const { testRun } = clearAttributes();
    testRun.progFd = program.open();
    testRun.dataIn = addressIn(room, dataIn);
    testRun.dataSizeIn = dataIn.size ?? 0;
    testRun.dataOut = addressIn(room, dataOut);
    testRun.dataSizeOut = dataOut.size ?? 0;
    testRun.ctxIn = addressIn(room, contextIn);
    testRun.ctxSizeIn = contextIn.size ?? 0;
    testRun.ctxOut = addressIn(room, contextOut);
    testRun.ctxSizeOut = contextOut.size ?? 0;
    testRun.repeat = repeats;
    testRun.flags = flags;
    testRun.cpu = onCpu;
    testRun.batchSize = batch;
    const attributesSize = batch !== 0
      ? SIZE.testRunBatch
      : flags !== 0
      ? SIZE.testRunCpu
      : SIZE.testRun;
    const result = run("BPF_PROG_TEST_RUN", attributesSize);
    if (result < 0) {
      throw failure(-result, program, testRun, dataOut, contextOut);
    }
    return {
      returnValue: testRun.returned,
      duration: testRun.duration,
      data: takeOutput(room, dataOut, testRun.dataSizeOut),
      context: changesContext(type)
        ? take(room, contextIn, contextIn.size)
        : takeOutput(room, contextOut, testRun.ctxSizeOut),
    };
  } finally {
    held.current = undefined;
  }
}

function put(
  { bytes }: Block,
  { at, size = 0 }: Part,
  source: Uint8Array | undefined,
): void {
  // What is detached has no bytes, and cannot be copied from.
  if (source !== undefined && size > 0) bytes.set(source, at);
}

function addressIn({ address }: Block, { at, size }: Part): bigint {
  return size === undefined ? 0n : address + BigInt(at);
}

/** A copy of so many bytes of a part; undefined where there are none. */
function take(
  { buffer }: Block,
  { at, size = 0 }: Part,
  length: number | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  if (length === undefined) return undefined;
  const bounded = length < size ? length : size;
  const copy = new Uint8Array(new ArrayBuffer(bounded));
  copy.set(new Uint8Array(buffer, at, bounded));
  return copy;
}

/**
 * A copy of what the kernel has put into a part. It leaves the size as it is
 * where programs of a type have no such output.
 */
function takeOutput(
  room: Block,
  part: Part,
  length: number,
): Uint8Array<ArrayBuffer> | undefined {
  const none = part.size === undefined || length === part.size;
  return take(room, part, none ? undefined : length);
}

/** The sizes that the kernel would have needed. */
interface Sizes {
  readonly dataSizeOut: number;
  readonly ctxSizeOut: number;
}

function failure(
  errno: number,
  { label, type }: UsedProgram,
  { dataSizeOut, ctxSizeOut }: Sizes,
  data: Part,
  context: Part,
): Error {
  const reason = systemError(
    errno,
    "bpf(BPF_PROG_TEST_RUN)",
    hintOf(errno, type),
  );
  switch (errno) {
    case ENOTSUPP:
      return new NotSupportedError(
        `Cannot run program ${label} of type ${
          type ?? "unknown"
        }: the kernel runs programs of this type only where they are attached`,
        { cause: reason },
      );
    case ENOSPC: {
      const [what, wanted, room] = data.size !== undefined &&
          dataSizeOut > data.size
        ? ["data", dataSizeOut, data.size]
        : ["context", ctxSizeOut, context.size ?? 0];
      return new BoundsError(
        `Program ${label} has run, but its ${what} did not fit: ${wanted} bytes, and there was room for ${room}`,
        { cause: reason },
      );
    }
    default:
      return reason;
  }
}

function hintOf(
  errno: number,
  type: ProgramType | undefined,
): string | undefined {
  switch (errno) {
    case EPERM:
      return "running a program needs CAP_BPF, and CAP_PERFMON or CAP_NET_ADMIN by its type; a container's seccomp profile may forbid bpf(2)";
    case EINVAL:
      return type !== undefined && !givesContext(type)
        ? `programs of type ${type} take no data and no repeat, and a context that has at least the bytes that they read`
        : "programs of this type are not run with these options: those for packets need data of at least 14 bytes and, unless they are XDP, no more than fits a page";
    case EINTR:
      return "a signal came while it ran; it has run, but not as often as asked";
    default:
      return undefined;
  }
}
