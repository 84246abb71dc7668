/**
 * Consuming a ring buffer and reading one field of each record, against
 * `ring_buffer__consume` of libbpf in C, on the same map with the same records.
 *
 * A BPF program fills the ring once. Before each round the consumer's position
 * is set back to the beginning: the records are there until the program would
 * write others. As in a program, other rings were read before, with other types
 * and other callbacks.
 *
 * Then `for await`, of records that are there, and end to end: a program that
 * runs in another thread writes while they are read.
 *
 * @module
 */

import { RingBuffer } from "../bpf/mod.ts";
import {
  HostLayout,
  padding,
  struct,
  type StructType,
  u32,
  u64,
} from "../layout/mod.ts";
import { Memory, pageSize } from "../memory/mod.ts";
import { TestRing } from "../tests/bpf/ring/_ring_programs.ts";
import { compileC, TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";

const SIZE = 2 ** 20;

using directory = new TemporaryDirectory();
const peer = Deno.dlopen(
  await compileC(new URL("programs/ring_peer.c", import.meta.url), directory, [
    "-O2",
    "-shared",
    "-fPIC",
    "-lbpf",
  ]),
  {
    peer_open: { parameters: ["i32"], result: "i32" },
    peer_consume: { parameters: ["i32"], result: "u32" },
  },
).symbols;

function recordOf(name: string, size: number) {
  return struct(name, { _: HostLayout, number: u32, rest: padding(size - 4) });
}

/** Reads rings of other types, so that what they share has seen them. */
function readOthers(count: number): void {
  for (let i = 0; i < count; i++) {
    using other = new TestRing(65536);
    const Other = struct(`Other${i}`, { _: HostLayout, [`field${i}`]: u64 });
    using ring = new RingBuffer(other.map, Other as StructType);
    let sum = 0n;
    const key = `field${i}` as never;
    const read = new Function("record", `return record.field${i};`) as (
      record: object,
    ) => bigint;
    const program = other.numbering(8);
    for (let j = 0; j < 20; j++) {
      other.run(program, 4000);
      ring.consume((record) => sum += read(record) + (record[key] as bigint));
      other.run(program, 1000);
      for (const record of ring) sum += read(record);
    }
  }
}

function fill(test: TestRing, size: number): number {
  const program = test.numbering(size);
  test.control.flags = 1n; // BPF_RB_NO_WAKEUP
  const records = Math.floor((SIZE - 1) / (size + 8));
  test.run(program, records);
  return records;
}

readOthers(12);
for (const size of [16, 64]) {
  const test = new TestRing(SIZE);
  const records = fill(test, size);
  const index = peer.peer_open(test.map.fd);
  const Record = recordOf(`record${size}`, size);
  const ring = new RingBuffer(test.map, Record);
  const raw = new RingBuffer(test.map);
  const page = Memory.map(test.map.fd, pageSize());
  const position = page.pointer(u64);

  const consume = (): number => {
    position.value = 0n;
    let sum = 0;
    ring.consume((record) => sum = (sum + record.number) | 0);
    return sum >>> 0;
  };
  const iterate = (): number => {
    position.value = 0n;
    let sum = 0;
    for (const record of ring) sum = (sum + record.number) | 0;
    return sum >>> 0;
  };
  const consumeUntyped = (): number => {
    position.value = 0n;
    let sum = 0;
    raw.consume((record) => sum = (sum + record.view(u32).value) | 0);
    return sum >>> 0;
  };

  measure({
    name: `consume ${size}-byte records`,
    operations: records,
    kernels: {
      "libbpf": () => peer.peer_consume(index),
      "consume": consume,
      "for": iterate,
      "untyped, view()": consumeUntyped,
    },
    bars: { "consume": 1.2 },
  });
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Nanoseconds for each record of a ring that is full. */
async function iterateFull(): Promise<number> {
  using test = new TestRing(SIZE);
  const records = fill(test, 16);
  using ring = new RingBuffer(test.map, recordOf("full", 16));
  using page = Memory.map(test.map.fd, pageSize());
  const position = page.pointer(u64);
  const times: number[] = [];
  for (let round = 0; round < 31; round++) {
    position.value = 0n;
    let left = records;
    let sum = 0;
    const start = performance.now();
    for await (const record of ring) {
      sum = (sum + record.number) | 0;
      if (--left === 0) break;
    }
    times.push((performance.now() - start) * 1e6 / records);
  }
  return median(times);
}

/** Nanoseconds for each record, from when the program begins to write. */
async function endToEnd(): Promise<{ each: number; lost: number }> {
  const total = 3_000_000;
  const times = 1000;
  using test = new TestRing(SIZE);
  const program = test.numbering(16);
  using ring = new RingBuffer(test.map, recordOf("written", 16), {
    lost: test.control.lost,
  });
  const worker = new Worker(
    new URL("../tests/bpf/_program_worker.ts", import.meta.url).href,
    { type: "module" },
  );
  await new Promise((resolve) => worker.onmessage = resolve);
  const shared = () => new Int32Array(new SharedArrayBuffer(4));
  const consumed = shared();
  worker.postMessage({
    program: program.fd,
    times,
    rounds: total / times,
    ended: shared(),
    consumed,
    room: 30_000,
  });
  let count = 0;
  const start = performance.now();
  for await (const _ of ring) {
    if (++count % times === 0) {
      Atomics.store(consumed, 0, count);
      Atomics.notify(consumed, 0);
      if (count === total) break;
    }
  }
  const each = (performance.now() - start) * 1e6 / total;
  worker.terminate();
  return { each, lost: Number(ring.lost) };
}

function print(name: string, each: number, note = ""): void {
  const rate = (1000 / each).toFixed(1);
  console.log(
    `${name.padEnd(63)} ${
      each.toFixed(1).padStart(11)
    } ns = ${rate} M/s${note}`,
  );
}

print("for await, a full ring", await iterateFull());
const { each, lost } = await endToEnd();
print(
  "for await, end to end",
  each,
  `  ≥ 1 M/s ${each <= 1000 ? "ok" : "OVER"}, ${lost} lost`,
);
