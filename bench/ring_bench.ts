/**
 * Consuming a ring buffer and reading one field of each record, against
 * `ring_buffer__consume` of libbpf in C, on the same map with the same records.
 *
 * A BPF program fills the ring once. Before each round the consumer's position
 * is set back to the beginning: the records are there until the program would
 * write others. As in a program, other rings were read before, with other types
 * and other callbacks.
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
import { TestRing } from "../tests/bpf/_ring_programs.ts";
import { compileC, TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";

const SIZE = 2 ** 20;

using directory = new TemporaryDirectory();
const peer = Deno.dlopen(
  await compileC(new URL("_ring_peer.c", import.meta.url), directory, [
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
