import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ClosedError, Memory, sizeOf, u64 } from "../../mod.ts";
import {
  ByteRing,
  ByteRingConsumer,
  ByteRingProducer,
  Latest,
  LatestReader,
  LatestWriter,
  OwnedError,
  RingConsumer,
  RingProducer,
  Seqlock,
  SeqlockWriter,
  SpscRing,
} from "../../sync/mod.ts";

const Numbers = SpscRing(u64, 2);
const Lines = ByteRing(64);
const Many = SpscRing(u64, 64);
const ManyLines = ByteRing(1024);
const Newest = Latest(u64);
const Whole = Seqlock(u64);

/** The error of a wait whose side is closed meanwhile; what it gave if none. */
async function closedWhile(
  side: Disposable,
  wait: Promise<unknown>,
): Promise<unknown> {
  const result = wait.catch((error) => error);
  // Before it waits for its word, and then while it does.
  await new Promise((go) => setTimeout(go, 5));
  side[Symbol.dispose]();
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("waits on"), 20_000);
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("A wait for the other side ends when the own is closed", async () => {
  using numbers = Memory.create(sizeOf(Numbers));
  using lines = Memory.create(sizeOf(Lines));
  using newest = Memory.create(sizeOf(Newest));
  const full = RingProducer.open(numbers.pointer(Numbers));
  while (full.push(1n));
  const fullLine = ByteRingProducer.open(lines.pointer(Lines));
  while (fullLine.write(new Uint8Array(24)));
  const reader = LatestReader.open(newest.pointer(Newest));
  assertInstanceOf(await closedWhile(full, full.ready()), ClosedError);
  assertInstanceOf(
    await closedWhile(fullLine, fullLine.ready(24)),
    ClosedError,
  );
  assertInstanceOf(await closedWhile(reader, reader.ready()), ClosedError);
  const consumer = RingConsumer.open(numbers.pointer(Numbers));
  const lineConsumer = ByteRingConsumer.open(lines.pointer(Lines));
  consumer.consume(() => {});
  lineConsumer.consume(() => {});
  using _producer = RingProducer.open(numbers.pointer(Numbers));
  using _lineProducer = ByteRingProducer.open(lines.pointer(Lines));
  const next = consumer[Symbol.asyncIterator]().next();
  assertInstanceOf(await closedWhile(consumer, next), ClosedError);
  assertInstanceOf(
    await closedWhile(lineConsumer, lineConsumer.ready()),
    ClosedError,
  );
});

Deno.test("Who closes a side that was taken over leaves it to the one who has it", () => {
  const takeOver = { takeOver: true };
  using memory = Memory.create(4096);
  const ring = memory.pointer(Numbers);
  const first = RingProducer.open(ring);
  const second = RingProducer.open(ring, takeOver);
  first.close();
  assertEquals(ring.ended.load(), 0);
  assertOwned(() => RingProducer.open(ring));
  second.close();
  assertEquals([ring.ended.load(), ring.producer.load()], [1, 0n]);

  const newest = memory.pointer(Newest, 2048);
  const writer = LatestWriter.open(newest);
  using _writer = LatestWriter.open(newest, takeOver);
  writer.close();
  assertEquals(newest.ended.load(), 0);
  assertOwned(() => LatestWriter.open(newest));

  const whole = memory.pointer(Whole, 3072);
  const early = SeqlockWriter.open(whole);
  using late = SeqlockWriter.open(whole, takeOver);
  early.close();
  assertOwned(() => SeqlockWriter.open(whole));
  // A thread that took it over, by a number that no thread can have.
  whole.writer.store(2n ** 32n - 1n);
  late.close();
  assertEquals(whole.writer.load(), 2n ** 32n - 1n);
});

Deno.test("A producer whose side another thread took over does not end the ring", () => {
  using memory = Memory.create(sizeOf(Numbers));
  const ring = memory.pointer(Numbers);
  const producer = RingProducer.open(ring);
  const other = 2n ** 32n - 1n;
  ring.producer.store(other);
  producer.close();
  assertEquals([ring.ended.load(), ring.producer.load()], [0, other]);
});

Deno.test("A loop that closes its side has consumed what it has seen, and no more", async () => {
  using numbers = Memory.create(sizeOf(Many));
  using lines = Memory.create(sizeOf(ManyLines));
  const producer = RingProducer.open(numbers.pointer(Many));
  const lineProducer = ByteRingProducer.open(lines.pointer(ManyLines));
  for (let i = 0; i < 20; i++) {
    producer.push(BigInt(i));
    lineProducer.write(Uint8Array.of(i));
  }
  const consumer = RingConsumer.open(numbers.pointer(Many));
  await assertRejects(async () => {
    for await (const { value } of consumer) if (value === 3n) consumer.close();
  }, ClosedError);
  assertEquals(RingConsumer.open(numbers.pointer(Many)).take(), 4n);

  const lineConsumer = ByteRingConsumer.open(lines.pointer(ManyLines));
  await assertRejects(async () => {
    for await (const [i] of lineConsumer) if (i === 3) lineConsumer.close();
  }, ClosedError);
  const next = ByteRingConsumer.open(lines.pointer(ManyLines));
  assertEquals(next.take(), Uint8Array.of(4));
  // Also where the loop never comes to its end.
  const iterator = next[Symbol.asyncIterator]();
  await iterator.next();
  next.close();
  const last = ByteRingConsumer.open(lines.pointer(ManyLines));
  assertEquals(last.take(), Uint8Array.of(6));
  assertInstanceOf(
    await iterator.next().catch((error) => error),
    ClosedError,
  );
  assertEquals(last.take(), Uint8Array.of(7));
});

Deno.test("An object whose side was taken over and used is told so", async () => {
  const takeOver = { takeOver: true };
  using memory = Memory.create(sizeOf(Numbers));
  const ring = memory.pointer(Numbers);
  const producer = RingProducer.open(ring);
  const consumer = RingConsumer.open(ring);
  producer.push(1n);
  const nextProducer = RingProducer.open(ring, takeOver);
  const nextConsumer = RingConsumer.open(ring, takeOver);
  for (let i = 0; i < 2; i++) {
    nextProducer.produce(() => {});
    nextConsumer.consume(() => {});
  }
  assertThrows(() => producer.room, OwnedError, "taken over from this object");
  assertThrows(() => consumer.take(), OwnedError, "The consumer's side");
  await assertRejects(() => consumer.ready(), OwnedError);
});

function assertOwned(open: () => Disposable): void {
  let side: Disposable;
  try {
    side = open();
  } catch (error) {
    assertInstanceOf(error, OwnedError);
    return;
  }
  side[Symbol.dispose]();
  throw new Error("The side was given away");
}
