/**
 * Elements that are looked at after their callback or loop, as an `async` callback
 * does.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  array,
  ClosedError,
  HostLayout,
  Memory,
  sizeOf,
  snapshot,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  type View,
} from "../../mod.ts";
import {
  ByteRing,
  ByteRingConsumer,
  ByteRingProducer,
  RingConsumer,
  RingProducer,
  Seqlock,
  SeqlockReader,
  SeqlockWriter,
  SpscRing,
} from "../../sync/mod.ts";

const Tick = struct("tick", { _: HostLayout, time: u64, sizes: array(u16, 4) });
const Ticks = SpscRing(Tick, 8);

/** Both ends of a ring with three ticks. */
function open() {
  const memory = Memory.create(sizeOf(Ticks));
  const ring = memory.pointer(Ticks);
  const producer = RingProducer.open(ring);
  const consumer = RingConsumer.open(ring);
  for (let time = 1n; time <= 3n; time++) producer.push({ time });
  return { memory, ring, producer, consumer };
}

Deno.test("A record throws once consume() has returned, in an async callback too", async () => {
  const { memory, consumer, producer } = open();
  using _ = memory;
  const kept: View<typeof Tick>[] = [];
  const late: Promise<void>[] = [];
  consumer.consume((tick) => {
    kept.push(tick);
    late.push((async () => {
      assertEquals(typeof tick.time, "bigint");
      await null;
      tick.time;
    })());
  });
  assertThrows(() => kept[0]!.time, ClosedError, "keep snapshot(record)");
  assertThrows(() => kept[0]!.sizes.at(0), ClosedError);
  for (const promise of late) {
    await assertRejects(() => promise, ClosedError, "no longer valid");
  }
  producer.push({ time: 4n });
  assertEquals(consumer.consume(({ time }) => assertEquals(time, 4n)), 1);
  assertThrows(() => kept[0]!.time, ClosedError);
});

Deno.test("A record throws after its for await, and where the callback threw", async () => {
  const { memory, consumer } = open();
  using _ = memory;
  let kept!: View<typeof Tick>;
  for await (const tick of consumer) {
    kept = tick;
    await null;
    assertEquals(tick.time, 1n);
    break;
  }
  assertThrows(() => kept.time, ClosedError);
  assertThrows(() =>
    consumer.consume((tick) => {
      kept = tick;
      throw new Error("enough");
    })
  );
  assertThrows(() => kept.time, ClosedError);
});

Deno.test("A slot throws once produce() has submitted it", async () => {
  const { memory, producer, ring } = open();
  using _ = memory;
  let late: Promise<void> | undefined;
  producer.produce((slot) => {
    slot.time = 4n;
    late = (async () => {
      await null;
      slot.time = 5n;
    })();
  }, { limit: 1 });
  await assertRejects(() => late!, ClosedError, "it was submitted");
  assertEquals(ring.slots.at(3).time, 4n);
});

for (const type of [u32, array(u32, 2), array(Tick, 2)] as Type[]) {
  Deno.test(`A record of ${type.name} throws once it is over`, () => {
    const Ring = SpscRing(type, 8);
    using memory = Memory.create(sizeOf(Ring));
    using producer = RingProducer.open(memory.pointer(Ring));
    using consumer = RingConsumer.open(memory.pointer(Ring));
    producer.reserve();
    producer.submit();
    let kept!: { value: unknown } & { at(index: number): unknown };
    consumer.consume((record) => kept = record as typeof kept);
    assertThrows(
      () => type === u32 ? kept.value : snapshot(kept.at(0) as never),
      ClosedError,
    );
  });
}

Deno.test("An async callback is refused where it is given bytes, a draft or a typed array", async () => {
  const Bytes = ByteRing(256);
  const Arrays = SpscRing(array(u8, 16), 8);
  const Whole = Seqlock(Tick);
  using memory = Memory.create(8192);
  using producer = ByteRingProducer.open(memory.pointer(Bytes));
  using consumer = ByteRingConsumer.open(memory.pointer(Bytes));
  for (let i = 0; i < 3; i++) producer.write(Uint8Array.of(i));
  const fails = async () => {
    await null;
    throw new Error("It is not seen");
  };
  const refused = "must not return a promise";
  assertThrows(() => consumer.consume(fails), TypeError, refused);
  // The one that it was called with is consumed.
  assertEquals(consumer.take(), Uint8Array.of(1));

  using arrays = RingProducer.open(memory.pointer(Arrays, 2048));
  assertThrows(() => arrays.produce(fails), TypeError, refused);
  assertEquals(arrays.room, 8);

  const lock = memory.pointer(Whole, 4096);
  using writer = SeqlockWriter.open(lock);
  const write = () =>
    writer.write(async (draft) => {
      draft.time = 1n;
      await null;
      draft.time = 2n;
    });
  assertThrows(write, TypeError, refused);
  // Nor does it store when it goes on.
  await new Promise((resolve) => setTimeout(resolve));
  writer.write((draft) => assertEquals(draft.time, 0n));
  assertEquals(SeqlockReader.open(lock).read().time, 0n);
});
