/**
 * From the submit of a record to the body of the loop that waits for it, beside
 * what waking takes anyway: a bare nonblocking call of read(2) on a pipe.
 *
 * The three are woken in turn, so that each sleeps while the others run, and one
 * as long as the other: a CPU that has slept for longer takes longer. The readers
 * of rings change their places half-way. It is the median of so many in µs.
 *
 * @module
 */

import { BpfObject, RingBuffer } from "../bpf/mod.ts";
import { HostLayout, struct, u64 } from "../layout/mod.ts";
import { bpfObjects, unmetOf } from "../tests/_needs.ts";
import { compileText } from "../tests/bpf/_objects.ts";
import { compileC, TemporaryDirectory } from "../tests/_support.ts";

const Submitted = struct("submitted", { _: HostLayout, when: u64 });

const unmet = unmetOf(bpfObjects);
if (unmet !== undefined) {
  console.log(`  not measured: ${unmet}`);
  Deno.exit();
}

using directory = new TemporaryDirectory();
const text = Deno.readTextFileSync(
  new URL("programs/wake.bpf.c", import.meta.url),
);
using object = BpfObject.load(await compileText(text, directory));
const source = new URL("programs/wake_peer.c", import.meta.url);
const flags = ["-O2", "-shared", "-fPIC", "-pthread", "-lbpf"];
const { symbols: peer } = Deno.dlopen(
  await compileC(source, directory, flags),
  {
    now: { parameters: [], result: "u64" },
    start: { parameters: ["i32", "i32", "i32", "u32", "u32"], result: "i32" },
    join: { parameters: [], result: "void" },
  },
);
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  pipe: { parameters: ["buffer"], result: "i32" },
  read: {
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
});
const ends = new Int32Array(new ArrayBuffer(8));
libc.pipe(ends);
const [input, output] = ends as unknown as [number, number];

async function bare(rounds: number): Promise<number[]> {
  const when = new BigUint64Array(new ArrayBuffer(8));
  const times: number[] = [];
  while (times.length < rounds) {
    await libc.read(input, when, 8n);
    times.push(Number(peer.now() - when[0]!));
  }
  return times;
}

async function awaited(map: string, rounds: number): Promise<number[]> {
  using ring = new RingBuffer(object.map(map), Submitted);
  const times: number[] = [];
  for await (const { when } of ring) {
    times.push(Number(peer.now() - when));
    if (times.length === rounds) break;
  }
  return times;
}

async function called(map: string, rounds: number): Promise<number[]> {
  using ring = new RingBuffer(object.map(map), Submitted);
  const times: number[] = [];
  await ring.forEach(({ when }) => {
    times.push(Number(peer.now() - when));
  }, { limit: rounds });
  return times;
}

function median(times: number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]! / 1000;
}

const [first, second] = ["submit_first", "submit_second"].map((name) =>
  object.program(name).fd
) as [number, number];

/** The times of a bare read, of `for await` and of `forEach()`. */
async function timesOf(
  rate: number,
  rounds: number,
  maps: readonly [string, string],
): Promise<number[][]> {
  const reading = [
    bare(rounds),
    awaited(maps[0], rounds),
    called(maps[1], rounds),
  ];
  peer.start(output, first, second, Math.round(1e6 / rate / 3), rounds);
  const times = await Promise.all(reading);
  peer.join();
  return times;
}

for (const rate of [200, 2000]) {
  const rounds = rate * 3;
  const once = await timesOf(rate, rounds, ["first", "second"]);
  const again = await timesOf(rate, rounds, ["second", "first"]);
  const [floor, ...ours] = once.map((times, i) =>
    median([...times, ...again[i]!])
  ) as [number, number, number];
  const name = `woken ${rate} times a second`;
  const row = (kernel: string, time: number) =>
    console.log(
      `${name.padEnd(46)} ${kernel.padEnd(20)} ${
        time.toFixed(0).padStart(6)
      } µs  × ${(time / floor).toFixed(2)}`,
    );
  row("a bare read", floor);
  row("for await", ours[0]!);
  row("forEach()", ours[1]!);
}
