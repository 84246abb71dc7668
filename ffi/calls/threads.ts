/** Threads of any process, as `/proc` tells of them: proc(5). */

import { decodeText } from "../c_text.ts";
import { ENOENT, ESRCH } from "../constants.ts";
import { libcAttach } from "../libc/functions.ts";
import { resultOf } from "../errno/errno.ts";
import { cString, readStart } from "./descriptors.ts";

/**
 * The most bytes of `/proc/…/stat` that are read; the name in it has 64 bytes
 * at the most.
 */
const STAT_SIZE = 1024;

/** `linux/threads.h`, `PID_MAX_LIMIT`: the most that a thread's number can be. */
const ID_MAX = 2 ** 22;
/** `linux/nsfs.h`: the number of the time namespace that the machine begins with. */
const TIME_NS_INIT_INO = 0xeffffffa;

/** A thread, told apart from later ones of the same number. */
export interface Thread {
  /** Its number, in this process's namespace of them. */
  readonly id: number;
  /** The time when it began, in clock ticks since the machine was started. */
  readonly start: bigint;
  /** True if it ended and is not reaped yet. */
  readonly ended: boolean;
}

/** Reads what a file says of a thread, or gives the negative reason. */
function readStat(path: string): Thread | number {
  const bytes = new Uint8Array(new ArrayBuffer(STAT_SIZE + 1));
  const length = readStart(path, bytes, STAT_SIZE);
  if (length < 0) return length;
  const text = decodeText(bytes);
  // The name, in parentheses, can have any characters in it.
  const rest = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = ""] = rest;
  const start = rest[19];
  // The file of a thread that ended meanwhile.
  if (start === undefined) return -ESRCH;
  return {
    id: parseInt(text),
    start: BigInt(start),
    ended: state === "Z" || state === "X",
  };
}

/** The thread that calls, or the negative reason why `/proc` does not tell. */
export function thisThread(): Thread | number {
  return readStat("/proc/thread-self/stat");
}

/**
 * A thread by its number: `"none"` where there is none; `"hidden"` where `/proc`
 * does not tell of it: to this user, with the mount option `hidepid`, or to this
 * process, which may have no descriptor left to read it by.
 */
export function threadOf(id: number): Thread | "none" | "hidden" {
  if (id === 0 || id > ID_MAX) return "none";
  const thread = readStat(`/proc/${id}/stat`);
  if (typeof thread !== "number") return thread;
  if (thread === -ESRCH) return "none";
  // So says `hidepid` of threads that are there.
  if (thread === -ENOENT && signalNothing(id) === -ESRCH) return "none";
  return "hidden";
}

/** Asks whether there is a thread that a signal could be sent to: 0 or -EPERM. */
function signalNothing(id: number): number {
  return resultOf(() => libcAttach().kill(id, 0));
}

/** The number that a namespace has in `/proc`; 0 where it is not to be known. */
function namespaceOf(kind: "pid" | "time"): number {
  const target = new Uint8Array(new ArrayBuffer(64));
  const path = cString(`/proc/self/ns/${kind}`) as BufferSource;
  const length = resultOf(() => libcAttach().readlink(path, target, 63n));
  if (length < 0) return 0;
  return Number(/\[(\d+)\]/.exec(decodeText(target))?.[1] ?? 0) >>> 0;
}

/**
 * The number of this process's namespace of threads' numbers; 0 where it is not
 * to be known.
 */
export function pidNamespace(): number {
  return namespaceOf("pid");
}

/**
 * True if this process is told of times as the machine has them: in a time
 * namespace of its own (Linux 5.6), the kernel tells it other start times of
 * threads than it tells the rest.
 */
export function hasMachineTime(): boolean {
  const namespace = namespaceOf("time");
  return namespace === 0 || namespace === TIME_NS_INIT_INO;
}
