/**
 * The version of Linux. Asked only where a command failed, to say whether the
 * kernel is too old for it: distributions bring features to older kernels.
 */

import { decodeText } from "./c_text.ts";
import { readStart } from "./mod.ts";

const PATH = "/proc/sys/kernel/osrelease";
const SIZE_MAX = 64;

/** A version: `[6, 18]`. */
export type KernelVersion = readonly [major: number, minor: number];

/** The version in a release such as `6.18.44-generic`; undefined if none is. */
export function versionOfRelease(release: string): KernelVersion | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** True for a version before another. */
export function isBefore(a: KernelVersion, b: KernelVersion): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** The release of the running kernel; empty where it does not say. */
function release(): string {
  const text = new Uint8Array(SIZE_MAX + 1);
  return readStart(PATH, text, SIZE_MAX) < 0 ? "" : decodeText(text);
}

/** True if the running kernel is older than a version. */
export function kernelIsOlderThan(version: KernelVersion): boolean {
  const running = versionOfRelease(release());
  return running !== undefined && isBefore(running, version);
}
