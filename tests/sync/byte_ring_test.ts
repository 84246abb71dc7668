import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  ClosedError,
  HostLayout,
  InvalidTypeError,
  Memory,
  sizeOf,
  struct,
  u32,
  u64,
  u8,
  view,
} from "../../mod.ts";
import {
  ByteRing,
  ByteRingConsumer,
  ByteRingProducer,
  CorruptError,
  OwnedError,
  SpscRing,
} from "../../sync/mod.ts";
import { Random, seed } from "../_support.ts";

const CAPACITY = 256;
const Lines = ByteRing(CAPACITY);

/** A ring of 256 bytes, and both of its ends. */
function open() {
  const memory = Memory.create(sizeOf(Lines));
  const ring = memory.pointer(Lines);
  const producer = ByteRingProducer.open(ring);
  const consumer = ByteRingConsumer.open(ring);
  return { memory, ring, producer, consumer };
}

/** All messages that are there. */
function drain(consumer: ByteRingConsumer): number[][] {
  const messages: number[][] = [];
  consumer.consume((message) => messages.push([...message]));
  return messages;
}

Deno.test("ByteRingProducer.reserve() leaves every byte of the ring as it was, save the headers of records", () => {
  const Wide = ByteRing(16384);
  using memory = Memory.create(sizeOf(Wide));
  const ring = memory.pointer(Wide);
  const random = new Random(seed());
  const expected = Uint8Array.from({ length: 16384 }, () => random.int(256));
  ring.bytes.set(expected);
  using producer = ByteRingProducer.open(ring);
  using consumer = ByteRingConsumer.open(ring);
  for (let lap = 0; lap < 20; lap++) {
    let message: Uint8Array | undefined;
    const base = ring.bytes.byteOffset;
    while ((message = producer.reserve(random.int(3000))) !== undefined) {
      const at = message.byteOffset - base - 8;
      new DataView(expected.buffer).setUint32(at, message.length, true);
      assertEquals(message, expected.subarray(at + 8, at + 8 + message.length));
      if (random.int(4) === 0) break;
    }
    // What is given up was touched no more than what was reserved.
    if (random.int(3) === 0) producer.discard();
    else producer.submit();
    consumer.consume(() => {});
    // A gap at the end has a header, too.
    for (let at = 0; at < 16384; at += 8) {
      const view = new DataView(ring.bytes.buffer, base + at);
      if (view.getUint32(0, true) !== 0xffff_ffff) continue;
      new DataView(expected.buffer).setUint32(at, 0xffff_ffff, true);
    }
    assertEquals(ring.bytes, expected);
  }
});

Deno.test("Messages of any length come whole and in order, over many laps", () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  // Near their end, so that the indices go beyond 2^32.
  producer.close();
  consumer.close();
  ring.head.store(2 ** 32 - 1024);
  ring.tail.store(2 ** 32 - 1024);
  using sender = ByteRingProducer.open(ring);
  using receiver = ByteRingConsumer.open(ring);
  const random = new Random();
  const expected: number[][] = [];
  let reserved: number[][] = [];
  let received = 0;
  for (let step = 0; step < 5000; step++) {
    const message = random.bytes(random.int(sender.longest + 1));
    const bytes = sender.reserve(message.length);
    if (bytes !== undefined) {
      const length = random.int(4) > 0
        ? message.length
        : random.int(message.length + 1);
      bytes.set(message);
      if (length < message.length) sender.shorten(length);
      reserved.push([...message.subarray(0, length)]);
    }
    if (random.boolean()) sender.submit();
    else if (random.int(4) === 0) {
      sender.discard();
      reserved = [];
    }
    if (sender.room + receiver.available === CAPACITY) {
      expected.push(...reserved);
      reserved = [];
    }
    received += receiver.consume((message) => {
      assertEquals([...message], expected.shift());
      assertEquals(message.byteOffset % 8, 0);
    }, { limit: 1 + random.int(3) });
  }
  assert(received > 1000, `${received}`);
});

Deno.test("The longest message finds room wherever the last one ended", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  assertEquals(producer.longest, CAPACITY / 2 - 8);
  const longest = new Uint8Array(producer.longest).fill(7);
  for (let lap = 0; lap < 40; lap++) {
    assert(producer.write(longest));
    assertEquals(consumer.take(), longest);
    assert(producer.write(new Uint8Array(0)));
    assertEquals(consumer.take()!.length, 0);
  }
  assertThrows(() => producer.reserve(producer.longest + 1), RangeError, "121");
  for (const length of [-1, 1.5, NaN, "1" as never]) {
    assertThrows(() => producer.reserve(length), RangeError, "from 0 to 120");
  }
  assertThrows(
    () => producer.write(new Uint8Array(121)),
    RangeError,
    "received 121",
  );
  assertThrows(() => producer.write("text" as never), TypeError, "Uint8Array");
  assertThrows(() => producer.shorten(1), TypeError, "no message");
  producer.reserve(8);
  assertThrows(() => producer.shorten(9), RangeError, "8 bytes to 9");
});

Deno.test("A message that cannot be copied leaves nothing, and what was reserved before can be shortened", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  producer.reserve(4)!.set([1, 2, 3, 4]);
  const detached = new Uint8Array(8);
  detached.buffer.transfer();
  assertThrows(() => producer.write(detached), TypeError);
  producer.shorten(2);
  producer.submit();
  assertEquals(drain(consumer), [[1, 2]]);
});

Deno.test("ByteRing() refuses what can be no ring, and a ring of something else", () => {
  for (const capacity of [0, 32, 100, 2 ** 31, NaN, "64" as never]) {
    assertThrows(() => ByteRing(capacity), InvalidTypeError, "from 64");
  }
  const { memory, ring, producer } = open();
  using _ = memory;
  assertThrows(
    () => ByteRingProducer.open(memory.pointer(ByteRing(128))),
    CorruptError,
    "messages in 256 bytes: this is of messages in 128 bytes",
  );
  const Bytes = SpscRing(u8, CAPACITY);
  assertThrows(
    () => ByteRingProducer.open(memory.pointer(Bytes) as never),
    TypeError,
    "must be a pointer to a ByteRing",
  );
  assertThrows(() => ByteRingProducer.open(ring), OwnedError, "thread");
  producer.close();
  ring.head.store(4);
  assertThrows(
    () => ByteRingProducer.open(ring),
    CorruptError,
    "multiple of 8",
  );
  // It has not kept the side.
  ring.head.store(0);
  ByteRingProducer.open(ring).close();
});

Deno.test("Messages that begin with a header can be viewed as one", () => {
  const Header = struct("Header", { _: HostLayout, kind: u32, time: u64 });
  const { memory, producer, consumer } = open();
  using _ = memory;
  producer.write(new Uint8Array(3));
  producer.write(
    new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]),
  );
  const seen: unknown[] = [];
  consumer.consume((message) => {
    if (message.length < sizeOf(Header)) return;
    const { kind, time } = view(Header, message);
    seen.push(kind, time);
  });
  assertEquals(seen, [5, 9n]);
});

Deno.test("A message at which the callback throws is consumed, those after it are not", () => {
  const { memory, ring, producer, consumer } = open();
  for (let i = 0; i < 5; i++) producer.write(new Uint8Array([i]));
  const reason = new Error("enough");
  const error = assertThrows(() =>
    consumer.consume(([first]) => {
      if (first === 1) throw reason;
    })
  );
  assertStrictEquals(error, reason);
  assertEquals([...consumer.take()!], [2]);
  assertThrows(() => consumer.consume(() => consumer.take()), TypeError);
  assertThrows(() => consumer.consume(() => consumer.close()), ClosedError);
  assertThrows(() => consumer.available, ClosedError);
  using next = ByteRingConsumer.open(ring);
  assertEquals(next.available, 0);
  producer.write(new Uint8Array(1));
  assertThrows(() => next.consume(() => memory.close()), ClosedError);
  assertThrows(() => producer.write(new Uint8Array(1)), ClosedError);
  assertThrows(() => producer.reserve(1), ClosedError);
});

Deno.test("A producer that waits for room goes on, and for await ends with it", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  const lengths: number[] = [];
  const reading = (async () => {
    for await (const message of consumer) lengths.push(message.length);
  })();
  for (let i = 0; i < 100; i++) {
    const message = new Uint8Array(i);
    while (!producer.write(message)) await producer.ready(message.length);
  }
  producer.close();
  await reading;
  assertEquals(lengths, Array.from({ length: 100 }, (_, index) => index));
  await assertRejects(() => producer.ready(1), ClosedError);
});

Deno.test("Leaving a for await gives back the messages that were seen, and no more", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  for (let i = 0; i < 4; i++) producer.write(new Uint8Array([i]));
  for await (const [first] of consumer) if (first === 1) break;
  assertEquals(drain(consumer), [[2], [3]]);
});

Deno.test("A for await gives back, and waits anew, after 256 messages at the latest", async () => {
  const Long = ByteRing(65536);
  using memory = Memory.create(sizeOf(Long));
  const ring = memory.pointer(Long);
  using producer = ByteRingProducer.open(ring);
  for (let i = 0; i < 1000; i++) producer.write(new Uint8Array(0));
  producer.close();
  let seen = 0;
  for await (const _ of ByteRingConsumer.open(ring)) {
    assert(seen++ - ring.tail.load() / 8 < 256, `${seen}`);
  }
  assertEquals(seen, 1000);
});

Deno.test("A record is refused that is longer than what was submitted, or than the rest of the ring", () => {
  const REST = 2 ** 32 - 1;
  for (
    const [index, available, length] of [
      // Beyond what was submitted.
      [0, 8, 1],
      [64, 40, 33],
      [64, 8, REST],
      // Beyond the end of the ring, up to which all was submitted, and more.
      [192, 256, 57],
      [248, 256, 1],
      // Longer than any message.
      [0, 256, 121],
      [0, 256, REST - 1],
      // All of the ring.
      [0, 256, REST],
      [256, 256, REST],
    ] as const
  ) {
    const { memory, ring, consumer } = open();
    using _ = memory;
    consumer.close();
    ring.tail.store(index);
    ring.head.store(index + available);
    new Uint32Array(memory.webAssembly.buffer)[(384 + index % CAPACITY) / 4] =
      length;
    using next = ByteRingConsumer.open(ring);
    assertThrows(() => next.take(), CorruptError, `length is ${length}`);
    assertEquals(ring.tail.load(), index);
  }
});

Deno.test("An index that is no multiple of 8 is refused by either end", () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  ring.head.store(4);
  assertThrows(() => consumer.available, CorruptError, "multiple of 8");
  assertThrows(() => consumer.take(), CorruptError, "multiple of 8");
  ring.tail.store(2 ** 32 - 4);
  assertThrows(() => producer.room, CorruptError, "multiple of 8");
});

Deno.test("Indices and lengths that cannot be are refused, and nothing outside is read", () => {
  const random = new Random();
  let refused = 0;
  for (let round = 0; round < 500; round++) {
    const { memory, ring, producer, consumer } = open();
    using _ = memory;
    for (let i = random.int(6); i > 0; i--) {
      producer.write(random.bytes(random.int(60)));
      if (random.boolean()) consumer.take();
    }
    // A length that is nearly right, or any; an index likewise.
    const words = new Uint32Array(memory.webAssembly.buffer);
    const any = random.boolean()
      ? random.int(160)
      : random.pick([2 ** 32 - 1, random.int(2 ** 32), CAPACITY, 120, 121]);
    for (let i = 1 + random.int(8); i > 0; i--) {
      words[384 / 4 + 2 * random.int(CAPACITY / 8)] = any;
    }
    if (random.boolean()) ring.head.store(random.int(2 * CAPACITY));
    if (random.int(8) === 0) ring.tail.store(random.int(2 ** 32));
    try {
      consumer.consume((message) => {
        const at = message.byteOffset - 384;
        assert(at >= 8 && at + message.length <= CAPACITY, `${at}`);
      });
      producer.write(new Uint8Array(random.int(120)));
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      refused++;
    }
  }
  assert(refused > 50, `${refused}`);
});
