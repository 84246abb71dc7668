/**
 * Measures ratios between kernels that run interleaved in one process.
 * Nanoseconds move by a factor of two with what else the machine does; ratios
 * of neighbours in time hardly do.
 *
 * @module
 */

/**
 * A piece of work, `operations` operations long, that returns a checksum of
 * what it read, so that nothing is optimised away and all kernels of a
 * benchmark can be seen to do the same.
 *
 * Pass memory, arrays and pointers into the measured function as arguments:
 * the optimiser folds what it finds in module constants. Fill memory before it
 * is read: pages never written all share one page of zeroes, which is always in
 * cache.
 */
export type Kernel = () => number;

/**
 * The most that a kernel may cost: times the baseline, times another kernel, or
 * in nanoseconds per operation.
 */
export type Bar =
  | number
  | { readonly against: string; readonly ratio: number }
  | { readonly nanoseconds: number };

/** A benchmark: the kernels to measure. */
export interface Benchmark<Name extends string> {
  /** The work that is done, for the first column. */
  readonly name: string;
  /** The number of operations that one call of each kernel does. */
  readonly operations: number;
  /** The kernels by name. */
  readonly kernels: Readonly<Record<Name, Kernel>>;
  /** The kernel that ratios refer to; the first one if left out. */
  readonly baseline?: NoInfer<Name>;
  /** The most that kernels may cost: printed `ok` or `OVER`, not asserted. */
  readonly bars?: Readonly<
    Partial<Record<NoInfer<Name>, Bar | readonly Bar[]>>
  >;
  /** Rounds in which every kernel is timed; 21 if left out. */
  readonly rounds?: number;
  /** Milliseconds each kernel runs before anything is timed; 700. */
  readonly warmUp?: number;
  /** Milliseconds that one timing takes at least; 3. */
  readonly sample?: number;
  /**
   * True (the default) if the kernels' first calls must return one checksum.
   * False only for kernels that can't agree, such as `map` and `close`.
   */
  readonly compare?: boolean;
}

/** The figures of one kernel. */
export interface Measurement {
  /** Median nanoseconds per operation. */
  readonly nanoseconds: number;
  /** Median of the rounds' ratios to the baseline. */
  readonly ratio: number;
}

/** `HOSTMEM_BENCH=quick` only shows that the benches run: its figures lie. */
const quick = Deno.env.get("HOSTMEM_BENCH") === "quick";

/**
 * Measures the kernels of a benchmark against each other and prints one row for
 * each. Returns the measurements by the kernels' names.
 *
 * In a round the baseline is timed first, in the middle and last, and the
 * others once, in an order that rotates from round to round. A ratio is the
 * median of the rounds' ratios.
 *
 * @throws {Error} when two kernels return different checksums.
 */
export function measure<const Name extends string>(
  benchmark: Benchmark<Name>,
): Record<Name, Measurement> {
  const { kernels, operations } = benchmark;
  const names = Object.keys(kernels) as Name[];
  const baseline = benchmark.baseline ?? names[0];
  if (baseline === undefined) throw new Error("There is nothing to measure");
  if (benchmark.compare !== false) compareChecksums(benchmark.name, kernels);

  // All are warm before the first is timed: V8 specialises shared code on what
  // it has seen, and each kernel is to meet the code that all of them left.
  const repeats: Record<string, number> = {};
  for (const name of names) {
    const once = warmUp(kernels[name], quick ? 20 : benchmark.warmUp ?? 700);
    const sample = quick ? 0.2 : benchmark.sample ?? 3;
    repeats[name] = Math.max(1, Math.ceil(sample / once));
  }

  const time = (name: Name): number =>
    timed(kernels[name], repeats[name]!) / operations;
  const others = names.filter((name) => name !== baseline);
  const half = others.length >> 1;
  const rounds = quick ? 3 : benchmark.rounds ?? 21;
  const times: Record<string, number[]> = {};
  for (const name of names) times[name] = [];
  for (let round = 0; round < rounds; round++) {
    const order = rotated(others, round);
    const reference = [time(baseline)];
    for (const name of order.slice(0, half)) times[name]!.push(time(name));
    reference.push(time(baseline));
    for (const name of order.slice(half)) times[name]!.push(time(name));
    reference.push(time(baseline));
    times[baseline]!.push(median(reference));
  }

  const measurements = {} as Record<Name, Measurement>;
  for (const name of names) {
    const nanoseconds = median(times[name]!);
    const ratio = medianRatio(times[name]!, times[baseline]!);
    measurements[name] = { nanoseconds, ratio };
    const verdicts = barsOf(benchmark.bars?.[name])
      .map((bar) => verdict(bar, times, name, baseline));
    printRow(benchmark.name, name, nanoseconds, ratio, verdicts);
  }
  return measurements;
}

function compareChecksums(
  title: string,
  kernels: Readonly<Record<string, Kernel>>,
): void {
  let first: { name: string; checksum: number } | undefined;
  for (const [name, kernel] of Object.entries(kernels)) {
    const checksum = kernel();
    first ??= { name, checksum };
    if (!Object.is(checksum, first.checksum)) {
      throw new Error(
        `Cannot compare the kernels of "${title}" as they do different work: ` +
          `"${first.name}" returns ${first.checksum}, "${name}" ${checksum}`,
      );
    }
  }
}

/** The sum of checksums, so that no call of a kernel is without effect. */
let sink = 0;

/** Returns the milliseconds of one call, once warm. */
function warmUp(kernel: Kernel, milliseconds: number): number {
  const start = performance.now();
  let calls = 0;
  let before = start;
  let now = start;
  // By time and not by count: optimisation happens on another thread.
  while (now - start < milliseconds || calls < 2) {
    before = now;
    sink += kernel();
    calls++;
    now = performance.now();
  }
  const last = now - before;
  return Math.max(Math.min(last, (now - start) / calls), 1e-6);
}

/** Returns the nanoseconds of one call, over `repeats` calls. */
function timed(kernel: Kernel, repeats: number): number {
  // One call site for every kernel, hence megamorphic: none is inlined here.
  const start = performance.now();
  for (let i = 0; i < repeats; i++) sink += kernel();
  return (performance.now() - start) * 1e6 / repeats;
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const start = values.length === 0 ? 0 : by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function medianRatio(
  numerators: readonly number[],
  denominators: readonly number[],
): number {
  return median(numerators.map((value, i) => value / denominators[i]!));
}

function barsOf(bars: Bar | readonly Bar[] | undefined): readonly Bar[] {
  if (bars === undefined) return [];
  return Array.isArray(bars) ? bars : [bars as Bar];
}

function verdict(
  bar: Bar,
  times: Record<string, number[]>,
  name: string,
  baseline: string,
): string {
  if (typeof bar === "object" && "nanoseconds" in bar) {
    const within = median(times[name]!) <= bar.nanoseconds;
    return `≤ ${bar.nanoseconds} ns ${okOrOver(within)}`;
  }
  const { against, ratio } = typeof bar === "number"
    ? { against: baseline, ratio: bar }
    : bar;
  const reference = times[against];
  if (reference === undefined) throw new Error(`No kernel "${against}"`);
  const measured = medianRatio(times[name]!, reference);
  const shown = against === baseline ? "" : `${against} × ${digits(measured)} `;
  return `${shown}≤ ${ratio} ${okOrOver(measured <= ratio)}`;
}

function okOrOver(within: boolean): string {
  return within ? "ok" : "OVER";
}

const widths = [46, 16, 11, 9] as const;
let headed = false;

function printRow(
  title: string,
  kernel: string,
  nanoseconds: number,
  ratio: number,
  verdicts: readonly string[],
): void {
  if (!headed) {
    headed = true;
    if (quick) console.log("quick run: the figures mean nothing");
    console.log(columns("", "kernel", "ns", "ratio", "bar"));
  }
  const bars = verdicts.join(", ");
  console.log(
    columns(title, kernel, digits(nanoseconds), `× ${digits(ratio)}`, bars),
  );
}

function columns(
  title: string,
  kernel: string,
  nanoseconds: string,
  ratio: string,
  bars: string,
): string {
  return [
    title.padEnd(widths[0]),
    kernel.padEnd(widths[1]),
    nanoseconds.padStart(widths[2]),
    ratio.padStart(widths[3]),
    `  ${bars}`,
  ].join(" ").trimEnd();
}

/** Three digits that count, without an exponent. */
function digits(value: number): string {
  const decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
  return value.toFixed(decimals);
}
