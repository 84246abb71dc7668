/** Histograms over powers of two. */

import {
  requireOptions,
  requireText,
  requireWhole,
} from "../base/arguments.ts";
import { show } from "../base/show.ts";

/** The bits of the largest value. */
const BUCKETS = 64;
const U64_MAX = (1n << 64n) - 1n;

/**
 * The bucket of a value in a histogram over powers of two: ⌊log₂ value⌋, and 0 for
 * 0. So bucket 0 has 0 and 1, bucket 1 has 2 and 3, bucket 2 has 4 to 7, bucket
 * 63 has all values from 2⁶³ on. For programs in C, the guide has the same
 * function, `log2_bucket`.
 *
 * @param value A whole number from 0 to 2⁶⁴ − 1.
 * @throws {RangeError} if it is not.
 *
 * @example
 * ```ts
 * import { log2Bucket } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([0, 1, 2, 3, 4, 1000].map(log2Bucket), [0, 0, 1, 1, 2, 9]);
 * assertEquals(log2Bucket(1n << 63n), 63);
 * ```
 */
export function log2Bucket(value: number | bigint): number {
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
  const whole = isWhole ? BigInt(value) : -1n;
  if (whole < 0n || whole > U64_MAX) {
    throw new RangeError(
      `Value must be a whole number from 0 to 2^64 - 1: received ${
        show(value)
      }`,
    );
  }
  return whole === 0n ? 0 : whole.toString(2).length - 1;
}

/** Options of {@linkcode histogramLines}. */
export interface HistogramOptions {
  /** The heading of the values, such as `"nsecs"`; by default `"value"`. */
  readonly unit?: string | undefined;
  /** The columns of the longest bar, from 1; by default 40. */
  readonly width?: number | undefined;
}

const knownOptions = { unit: true, width: true } as const;

/**
 * A histogram over powers of two as lines of text, as the tools of bcc and
 * bpftrace draw it, from the first bucket that is not 0 to the last. There are
 * no lines if all buckets are 0.
 *
 * @param counts The counts of the buckets of {@linkcode log2Bucket}, from bucket
 * 0 on, at most 64: an array or typed array, the elements of a map, or the sums
 * over all CPUs.
 * @throws {TypeError} if an option is not of its kind, or is not known.
 * @throws {RangeError} if there are more than 64 counts, or one is not a whole
 * number from 0.
 *
 * @example Counts of one's own
 * ```ts
 * import { histogramLines } from "@hostmem/hostmem/bpf";
 *
 * console.log(histogramLines([0, 0, 3, 12, 5], { unit: "usecs" }).join("\n"));
 * // usecs    : count  distribution
 * //  4 -> 7  : 3     |**********                              |
 * //  8 -> 15 : 12    |****************************************|
 * // 16 -> 31 : 5     |****************                        |
 * ```
 *
 * @example Counts that a program keeps in a map
 * ```ts ignore
 * // In C: an array of 64 u64, or a per-CPU array of them
 * histogramLines(object.map("latencies").elements(u64));
 * const slots = object.map("latencies").perCpu({ valueType: u64 });
 * histogramLines(Array.from({ length: 64 }, (_, index) => slots.sum(index)!));
 * ```
 */
export function histogramLines(
  counts: Iterable<number | bigint>,
  options: HistogramOptions = {},
): string[] {
  requireOptions(options, knownOptions);
  const { unit = "value", width = 40 } = options;
  requireText("Unit", unit);
  requireWhole("Width", width, 1);
  const all = Array.from(counts, requireCount);
  if (all.length > BUCKETS) {
    throw new RangeError(
      `A histogram has at most ${BUCKETS} buckets: received ${all.length}`,
    );
  }
  const first = all.findIndex((count) => count > 0n);
  const last = all.findLastIndex((count) => count > 0n);
  if (first < 0) return [];
  const buckets = all.slice(first, last + 1);
  const most = buckets.reduce((a, b) => a > b ? a : b);
  const digits = `${highest(last)}`.length;
  const range = (index: number) =>
    `${`${lowest(index)}`.padStart(digits)} -> ${
      `${highest(index)}`.padEnd(digits)
    }`;
  const values = Math.max(2 * digits + 4, unit.length);
  const numbers = Math.max(`${most}`.length, "count".length);
  return [
    `${unit.padEnd(values)} : ${"count".padEnd(numbers)}  distribution`,
    ...buckets.map((count, index) => {
      const bar = "*".repeat(Number(count * BigInt(width) / most));
      return `${range(first + index).padEnd(values)} : ${
        `${count}`.padEnd(numbers)
      } |${bar.padEnd(width)}|`;
    }),
  ];
}

function requireCount(count: number | bigint): bigint {
  const isWhole = typeof count === "bigint" || Number.isSafeInteger(count);
  if (isWhole && count >= 0) return BigInt(count);
  throw new RangeError(
    `Counts of a histogram must be whole numbers from 0: received ${
      show(count)
    }`,
  );
}

/** The smallest value of a bucket. */
function lowest(bucket: number): bigint {
  return bucket === 0 ? 0n : 1n << BigInt(bucket);
}

/** The largest value of a bucket. */
function highest(bucket: number): bigint {
  return (1n << BigInt(bucket + 1)) - 1n;
}
