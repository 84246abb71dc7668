/** The CPUs that the kernel reckons with, as `/sys/devices/system/cpu` lists them. */

import { NotSupportedError } from "../../errors.ts";
import { readStart } from "../../ffi/mod.ts";

const FOLDER = "/sys/devices/system/cpu";

/** What `/sys` gives of one file at most: a page. */
const SIZE_MAX = 4096;

/**
 * The numbers in a list such as `0-3,8-11`; undefined if it is none. Memory
 * depends on the answer.
 */
export function numbersIn(text: string): number[] | undefined {
  const numbers: number[] = [];
  for (const range of text.split(",")) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first === undefined) return undefined;
    const end = Number(last ?? first);
    if (end < Number(first)) return undefined;
    for (let cpu = Number(first); cpu <= end; cpu++) numbers.push(cpu);
  }
  return numbers;
}

let possible: number | undefined;

/**
 * The number of CPUs that there may be while the system runs, online or not. A
 * value of a per-CPU map has a part for each, and the kernel writes that many
 * whatever room there is. It is not `navigator.hardwareConcurrency`, which counts
 * the CPUs that this process may run on.
 *
 * @throws {NotSupportedError} if it cannot be found out.
 */
export function possibleCpus(): number {
  return possible ??= cpusIn("possible").length;
}

/**
 * The numbers of the CPUs that are online now, ascending. Others may be switched
 * on and off at any time.
 *
 * @throws {NotSupportedError} if they cannot be found out.
 */
export function onlineCpus(): number[] {
  return cpusIn("online");
}

function cpusIn(file: "possible" | "online"): number[] {
  const path = `${FOLDER}/${file}`;
  const bytes = new Uint8Array(new ArrayBuffer(SIZE_MAX));
  const length = readStart(path, bytes, SIZE_MAX);
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(length, 0)));
  const cpus = numbersIn(text.trimEnd());
  if (cpus === undefined) {
    throw new NotSupportedError(
      `Values of a per-CPU map need the number of CPUs: ${path} cannot be read`,
    );
  }
  return cpus;
}
