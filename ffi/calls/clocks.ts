/** Clocks of the kernel, and the dates of their times. */

import { requireU64 } from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import { decodeText } from "../c_text.ts";
import { resultOf } from "../errno/errno.ts";
import { check } from "../errno/system_error.ts";
import { libcClock } from "../libc/clock_functions.ts";
import { readStart } from "./descriptors.ts";

/**
 * A clock that BPF programs read, each in nanoseconds.
 *
 * | clock         | is read by                                            | counts from  |
 * | ------------- | ----------------------------------------------------- | ------------ |
 * | `"monotonic"` | `bpf_ktime_get_ns`, `bpf_ktime_get_coarse_ns`         | the boot, without the time in suspend |
 * | `"boottime"`  | `bpf_ktime_get_boot_ns`; `start_boottime` of a task   | the boot     |
 * | `"tai"`       | `bpf_ktime_get_tai_ns`                                | 1970, with leap seconds |
 *
 * Source: bpf-helpers(7), clock_gettime(2).
 */
export type KernelClock = "monotonic" | "boottime" | "tai";

/** `linux/time.h` */
const CLOCK_REALTIME = 0;
const clocks: Readonly<Record<KernelClock, number>> = {
  monotonic: 1,
  boottime: 7,
  tai: 11,
};

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;

// struct timespec { time_t tv_sec; long tv_nsec; }
const timespec = new BigInt64Array(new ArrayBuffer(16));

function read(clock: number): bigint {
  const result = resultOf(() => libcClock().clock_gettime(clock, timespec));
  check(result, "clock_gettime");
  return timespec[0]! * SECOND + timespec[1]!;
}

/**
 * Reads how far this process's clock is ahead of the kernel's: the process may
 * live in a time namespace, as in time_namespaces(7), and programs of the
 * kernel do not.
 */
function namespaceOffset(clock: KernelClock): bigint {
  const bytes = new Uint8Array(new ArrayBuffer(256));
  // Linux before 5.6 has no such file, and no such namespaces.
  const length = readStart(
    "/proc/self/timens_offsets",
    bytes,
    bytes.length - 1,
  );
  const text = length > 0 ? decodeText(bytes) : "";
  const line = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)$`, "m").exec(text);
  return line === null ? 0n : BigInt(line[1]!) * SECOND + BigInt(line[2]!);
}

const namespaceOffsets = new Map<KernelClock, bigint>();

function requireClock(clock: unknown): asserts clock is KernelClock {
  if (typeof clock === "string" && Object.hasOwn(clocks, clock)) return;
  throw new TypeError(
    `Clock must be one of ${
      Object.keys(clocks).map(show).join(", ")
    }: received ${show(clock)}`,
  );
}

/** A clock as the kernel's programs read it. */
function readAsKernel(clock: KernelClock): bigint {
  let offset = namespaceOffsets.get(clock);
  if (offset === undefined) {
    namespaceOffsets.set(clock, offset = namespaceOffset(clock));
  }
  return read(clocks[clock]) - offset;
}

/** The difference of the time of day and a clock lies between these. */
interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

/** Reads the time of day between two readings of a clock. */
function compare(clock: KernelClock): Bounds {
  const before = readAsKernel(clock);
  const now = read(CLOCK_REALTIME);
  const after = readAsKernel(clock);
  return { least: now - after, most: now - before };
}

const width = ({ least, most }: Bounds) => most - least;

/** The beginning of each clock, in nanoseconds since 1970, as found before. */
const epochs = new Map<KernelClock, bigint>();
const COMPARISONS = 8;

/**
 * Finds the time that a clock counts from. The one that was found before is
 * kept while it can be so, so that the dates of two times are as far apart as
 * the times: until the time of day is set, or the machine suspended.
 */
function epochOf(clock: KernelClock): bigint {
  const known = epochs.get(clock);
  const first = compare(clock);
  if (known !== undefined && first.least <= known && known <= first.most) {
    return known;
  }
  const narrowest = Array.from({ length: COMPARISONS }, () => compare(clock))
    .reduce((a, b) => width(b) < width(a) ? b : a, first);
  const found = (narrowest.least + narrowest.most) / 2n;
  epochs.set(clock, found);
  return found;
}

/**
 * The time of a clock now, in nanoseconds, as a BPF program would read it: also
 * in a time namespace, where clock_gettime(2) reads another.
 *
 * @param clock The clock; by default that of `bpf_ktime_get_ns`.
 * @throws {TypeError} if there is no such clock.
 * @throws {SystemError} with the reason of clock_gettime(2).
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example How long ago an event was
 * ```ts
 * import { kernelTime } from "@hostmem/hostmem/bpf";
 *
 * const event = { time: kernelTime() }; // bpf_ktime_get_ns() in a program
 * const age = kernelTime() - event.time; // in nanoseconds
 * console.log(`${age / 1_000_000n} ms ago`);
 * ```
 */
export function kernelTime(clock: KernelClock = "monotonic"): bigint {
  requireClock(clock);
  return readAsKernel(clock);
}

/**
 * The nanoseconds from 1970 to a time of the kernel's clock, by the time of day
 * as it is set now. The result is right to about a microsecond. Two results
 * differ as the two times do, unless the time of day is set, or the machine
 * suspended, in between.
 *
 * @param time The time in nanoseconds, such as a program had it from
 * `bpf_ktime_get_ns`.
 * @param clock Its clock; by default that of `bpf_ktime_get_ns`.
 * @throws {TypeError | RangeError} if the time is not an unsigned bigint of 64
 * bits, or there is no such clock.
 * @throws {SystemError} with the reason of clock_gettime(2).
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example For Temporal
 * ```ts ignore
 * const time = epochNanoseconds(event.time);
 * console.log(`${Temporal.Instant.fromEpochNanoseconds(time)}`);
 * ```
 */
export function epochNanoseconds(
  time: bigint,
  clock: KernelClock = "monotonic",
): bigint {
  requireU64("Time", time);
  requireClock(clock);
  return epochOf(clock) + time;
}

/**
 * The date of a time of the kernel's clock: {@linkcode epochNanoseconds}, to the
 * millisecond.
 *
 * @param time The time in nanoseconds, such as a program had it from
 * `bpf_ktime_get_ns`.
 * @param clock Its clock; by default that of `bpf_ktime_get_ns`.
 * @throws as {@linkcode epochNanoseconds} does.
 *
 * @example
 * ```ts
 * import { dateOf, kernelTime } from "@hostmem/hostmem/bpf";
 *
 * console.log(dateOf(kernelTime()).toISOString()); // now
 * console.log(dateOf(0n, "boottime")); // when the machine was started
 * ```
 */
export function dateOf(time: bigint, clock: KernelClock = "monotonic"): Date {
  return new Date(Number(epochNanoseconds(time, clock) / MILLISECOND));
}
