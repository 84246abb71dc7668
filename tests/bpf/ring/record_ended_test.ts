import { assertEquals, assertThrows } from "@std/assert";
import { RingBuffer, type RingRecord } from "../../../bpf/mod.ts";
import { ClosedError } from "../../../errors.ts";
import {
  array,
  atomic,
  bits,
  HostLayout,
  snapshot,
  struct,
  text,
  u32,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { TestRing } from "./_ring_programs.ts";

const Inner = struct("Inner", { _: HostLayout, low: u8, list: array(u8, 3) });
const Event = struct("Event", {
  _: HostLayout,
  flag: bits(u32, 3),
  inner: Inner,
  name: text(8),
  numbers: array(u32, 2),
  hits: atomic(u64),
});

const ENDED =
  "This record is no longer valid: it lasts until the next one is read; keep snapshot(record)";

function assertEnded(...accesses: (() => unknown)[]): void {
  for (const access of accesses) {
    const error = assertThrows(access, ClosedError);
    assertEquals(error.message, ENDED, String(access));
  }
}

bpfTest(
  "A record that was kept says that it has ended, and how to keep one",
  () => {
    using test = new TestRing();
    using copying = test.copying();
    using ring = new RingBuffer(test.map, Event);
    test.write(copying, new Uint8Array(Event.size));
    const [record] = [...ring];
    assertEnded(
      () => record!.flag,
      () => record!.inner.low,
      () => record!.inner.list.at(0),
      () => record!.name,
      () => record!.numbers.at(1),
      () => record!.hits.load(),
      () => snapshot(record!),
    );
    test.write(copying, new Uint8Array(Event.size));
    let inner: { readonly low: number };
    let hits: { load(): bigint };
    for (const record of ring) ({ inner, hits } = record);
    ring.close();
    assertEnded(
      () => inner.low,
      () => snapshot(inner as never),
      () => hits.load(),
    );
  },
);

bpfTest(
  "A RingRecord that was kept, and its views, say that it has ended",
  () => {
    using test = new TestRing();
    using copying = test.copying();
    using ring = new RingBuffer(test.map);
    test.write(copying, new Uint8Array(Event.size));
    let kept: RingRecord | undefined;
    const views: (() => unknown)[] = [];
    ring.consume((record) => {
      kept = record;
      const event = record.view(Event);
      const { inner } = event;
      const number = record.view(u32);
      views.push(
        () => event.flag,
        () => inner.low,
        () => event.name,
        () => number.value,
        () => snapshot(event),
      );
    });
    assertEnded(
      ...views,
      () => kept!.length,
      () => kept!.bytes(),
      () => kept!.view(u8),
    );
  },
);
