/** Threads of any process, as `/proc` tells of them: proc(5). */

import { decodeText } from "../c_text.ts";
import { libcAttach } from "../libc/functions.ts";
import { resultOf } from "../errno/errno.ts";
import { cString, readStart } from "./descriptors.ts";

/**
 * The most bytes of `/proc/…/stat` that are read; the name in it has 64 bytes
 * at the most.
 */
const STAT_SIZE = 1024;

/** A thread, told apart from later ones of the same number. */
export interface Thread {
  /** Its number, in this process's namespace of them. */
  readonly id: number;
  /** The time when it began, in clock ticks since the machine was started. */
  readonly start: bigint;
  /** True if it ended and is not reaped yet. */
  readonly ended: boolean;
}

function readStat(path: string): Thread | undefined {
  const bytes = new Uint8Array(new ArrayBuffer(STAT_SIZE + 1));
  if (readStart(path, bytes, STAT_SIZE) <= 0) return undefined;
  const text = decodeText(bytes);
  // The name, in parentheses, can have any characters in it.
  const rest = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = ""] = rest;
  const start = rest[19];
  if (start === undefined) return undefined;
  return {
    id: parseInt(text),
    start: BigInt(start),
    ended: state === "Z" || state === "X",
  };
}

/** The thread that calls; undefined where there is no `/proc`. */
export function thisThread(): Thread | undefined {
  return readStat("/proc/thread-self/stat");
}

/** A thread by its number; undefined where there is none. */
export function threadOf(id: number): Thread | undefined {
  return readStat(`/proc/${id}/stat`);
}

/**
 * The number of this process's namespace of threads' numbers; 0 where it is not
 * to be known.
 */
export function pidNamespace(): number {
  const target = new Uint8Array(new ArrayBuffer(64));
  const path = cString("/proc/self/ns/pid") as BufferSource;
  const length = resultOf(() => libcAttach().readlink(path, target, 63n));
  if (length < 0) return 0;
  return Number(/\[(\d+)\]/.exec(decodeText(target))?.[1] ?? 0) >>> 0;
}
