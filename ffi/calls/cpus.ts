import { NotSupportedError } from "../../errors.ts";
import { decodeText } from "../c_text.ts";
import { readStart } from "./descriptors.ts";

/** The size of a file of sysfs at most: a page. */
const SIZE_MAX = 4096;

/**
 * The numbers in a list such as `0-3,8-11`, ascending; undefined if it is not
 * such a list.
 */
export function numbersOfList(list: string): number[] | undefined {
  const numbers: number[] = [];
  for (const range of list.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (last < first) return undefined;
    for (let i = first; i <= last; i++) numbers.push(i);
  }
  return numbers;
}

function readCpus(kind: "possible" | "online"): readonly number[] {
  const path = `/sys/devices/system/cpu/${kind}`;
  const bytes = new Uint8Array(new ArrayBuffer(SIZE_MAX + 1));
  const length = readStart(path, bytes, SIZE_MAX);
  const list = length > 0 ? decodeText(bytes).trimEnd() : "";
  const cpus = numbersOfList(list);
  if (cpus === undefined) {
    throw new NotSupportedError(
      `Cannot tell which CPUs are ${kind}: ${path} cannot be read`,
    );
  }
  return cpus;
}

let possible: readonly number[] | undefined;

/**
 * The CPUs that the system can have while it runs, by their numbers, ascending.
 * A value of a per-CPU map has a part for each of them, in this order, and the
 * kernel writes that many whatever room there is.
 *
 * Unlike `navigator.hardwareConcurrency`, the CPUs that this process may run on
 * at the time, the answer is always the same.
 *
 * Source: `Documentation/admin-guide/cputopology.rst` of Linux.
 *
 * @throws {NotSupportedError} if the kernel does not tell.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example Which CPU a part of a per-CPU value is of
 * ```ts
 * import { possibleCpus } from "@hostmem/hostmem/bpf";
 * import { assert } from "@std/assert";
 *
 * const [first] = possibleCpus();
 * assert(first !== undefined && first >= 0);
 * ```
 */
export function possibleCpus(): readonly number[] {
  return possible ??= Object.freeze(readCpus("possible"));
}

/**
 * The CPUs that are online now, by their numbers, ascending: those that programs
 * run on, and that a `PerfBuffer` has a ring for. One can be taken offline, and
 * put online, at any time.
 *
 * Unlike `navigator.hardwareConcurrency`, it does not depend on which of them
 * this process may run on.
 *
 * Source: `Documentation/admin-guide/cputopology.rst` of Linux.
 *
 * @throws {NotSupportedError} if the kernel does not tell.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example A counter for each CPU
 * ```ts
 * import { onlineCpus } from "@hostmem/hostmem/bpf";
 *
 * for (const cpu of onlineCpus()) console.log(`CPU ${cpu}`);
 * ```
 */
export function onlineCpus(): readonly number[] {
  return readCpus("online");
}
