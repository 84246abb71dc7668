/** Inference is checked when this file is type-checked; nothing here is read. */

import {
  type BpfMap,
  PerfBuffer,
  type RecordOf,
  RingBuffer,
  type RingRecord,
} from "../../../bpf/mod.ts";
import {
  HostLayout,
  type Marked,
  snapshot,
  struct,
  type Type,
  u32,
  u64,
  type Value,
} from "../../../layout/mod.ts";
import { assertThrows } from "@std/assert";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function expectType<_T extends true>(): void {}

const Event = struct("Event", { _: HostLayout, pid: u32, time: u64 });
const Plain = struct("Plain", { pid: u32 });

async function collect<T extends Type>(
  map: BpfMap,
  type: T & Marked<T>,
  most: number,
): Promise<Value<T>[]> {
  using ring = new RingBuffer<T>(map, type);
  const found: Value<T>[] = [];
  for await (const record of ring) {
    found.push(snapshot<T>(record));
    if (found.length === most) break;
  }
  ring.consume((record) => found.push(snapshot<T>(record)));
  using perf = new PerfBuffer<T>(map, type);
  for (const record of perf) found.push(snapshot<T>(record));
  return found;
}

function first<T extends Type>(
  records: Iterable<RecordOf<T>>,
): Value<T> | undefined {
  for (const record of records) return snapshot<T>(record);
  return undefined;
}

function check(map: BpfMap) {
  const typed = new RingBuffer(map, Event);
  for (const record of typed) {
    expectType<Equal<typeof record.pid, number>>();
    expectType<Equal<typeof record.time, bigint>>();
    const { pid } = snapshot(record);
    expectType<Equal<typeof pid, number>>();
  }
  const value = first(typed);
  const pid = first<typeof Event>(typed)?.pid;
  expectType<Equal<typeof pid, number | undefined>>();
  for (const record of new RingBuffer(map)) {
    expectType<Equal<typeof record, RingRecord>>();
  }
  for (const record of new RingBuffer(map, undefined, { lost: () => 0 })) {
    expectType<Equal<typeof record, RingRecord>>();
  }
  for (const record of new PerfBuffer(map)) {
    expectType<Equal<typeof record, RingRecord>>();
  }
  const scalar = new RingBuffer(map, u32);
  for (const record of scalar) {
    expectType<Equal<typeof record.value, number>>();
  }
  // @ts-expect-error a struct without its marker
  new RingBuffer(map, Plain);
  // @ts-expect-error a struct without its marker
  new PerfBuffer(map, Plain);
  return [collect(map, Event, 1), value];
}

Deno.test("Records of rings have their type, in generic code too", () => {
  // What it promises is checked by the compiler.
  assertThrows(() => check(undefined as never), TypeError);
});
