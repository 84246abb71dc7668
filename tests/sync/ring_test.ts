import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  array,
  ClosedError,
  f64,
  HostLayout,
  InvalidTypeError,
  Memory,
  offsetOf,
  sizeOf,
  struct,
  u32,
  u64,
  u8,
} from "../../mod.ts";
import {
  ByteRing,
  ByteRingConsumer,
  ByteRingProducer,
  CorruptError,
  OwnedError,
  PeerDiedError,
  RingConsumer,
  RingProducer,
  SpscRing,
} from "../../sync/mod.ts";
import { CONTENTS } from "../../sync/ring/fields.ts";
import { FreeLines } from "../../sync/ring/lines.ts";
import { pidNamespaces, testWith } from "../_needs.ts";
import { Random, run, seed } from "../_support.ts";

const Quote = struct("Quote", {
  _: HostLayout,
  id: u32,
  price: f64,
  levels: array(u32, 4),
});
const Quotes = SpscRing(Quote, 8);

/** A ring of 8 quotes, and both of its ends. */
function open() {
  const memory = Memory.create(sizeOf(Quotes));
  const ring = memory.pointer(Quotes);
  const producer = RingProducer.open(ring);
  const consumer = RingConsumer.open(ring);
  return { memory, ring, producer, consumer };
}

Deno.test("SpscRing() has its indices on cache lines of their own", () => {
  const lines = (["consumerSleeps", "head", "tail", "slots"] as const)
    .map((field) => Math.floor(offsetOf(Quotes, field) / 128));
  assertEquals(lines, [0, 1, 2, 3]);
  assertEquals(sizeOf(Quotes) % 128, 0);
  assertEquals(Quotes.name, "SpscRing<Quote, 8>");
});

Deno.test("SpscRing() refuses what can be no ring", () => {
  for (const capacity of [0, -1, 3, 1.5, 2 ** 31, NaN, "8" as never]) {
    assertThrows(() => SpscRing(u32, capacity), InvalidTypeError, "power of");
  }
  assertThrows(() => SpscRing({} as never, 8), InvalidTypeError, "SpscRing()");
  assertThrows(
    () => SpscRing(struct("Empty", { _: HostLayout }), 8),
    InvalidTypeError,
    "zero",
  );
  const Flexible = struct("Flexible", { _: HostLayout, rest: array(u8) });
  assertThrows(() => SpscRing(Flexible, 8), InvalidTypeError);
});

Deno.test("Elements come in the order in which they were submitted, over many laps", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  let sent = 0;
  let received = 0;
  for (let round = 0; round < 1000; round++) {
    for (let i = 0; i <= round % 9; i++) {
      const quote = producer.reserve();
      if (quote === undefined) break;
      quote.id = sent;
      quote.price = sent / 2;
      quote.levels[3] = sent++;
    }
    producer.submit();
    consumer.consume((quote) => {
      assertEquals(quote.id, received);
      assertEquals(quote.price, received / 2);
      assertEquals(quote.levels.at(3), received++);
    }, { limit: 1 + round % 5 });
  }
  consumer.consume(() => received++);
  assertEquals(received, sent);
});

Deno.test("Indices go on beyond 2^32", () => {
  using memory = Memory.create(sizeOf(Quotes));
  const ring = memory.pointer(Quotes);
  ring.head.store(2 ** 32 - 3);
  ring.tail.store(2 ** 32 - 3);
  using producer = RingProducer.open(ring);
  using consumer = RingConsumer.open(ring);
  for (let id = 0; id < 8; id++) assert(producer.push({ id }));
  assertEquals(producer.push({ id: 8 }), false);
  assertEquals(ring.head.load(), 5);
  const ids: number[] = [];
  consumer.consume((quote) => ids.push(quote.id));
  assertEquals(ids, [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals([producer.room, consumer.available], [8, 0]);
});

Deno.test("RingProducer reserves as many as there is room for, and no more", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  const reserved = Array.from({ length: 8 }, () => producer.reserve()!);
  assertEquals(producer.reserve(), undefined);
  assertEquals(producer.room, 0);
  reserved.forEach((quote, index) => quote.id = index);
  assertEquals(consumer.available, 0);
  producer.submit();
  assertEquals(consumer.available, 8);
  assertEquals(consumer.consume(() => {}, { limit: 1 }), 1);
  producer.reserve()!.id = 8;
  assertEquals(producer.reserve(), undefined);
});

for (const size of [4, 24, 64, 200, 1500]) {
  Deno.test(`A slot of ${size} bytes holds what it held a lap before, however the ring is filled`, () => {
    const random = new Random(seed());
    const CAPACITY = 64;
    const Slot = struct("Slot", { _: HostLayout, bytes: array(u8, size) });
    const Slots = SpscRing(Slot, CAPACITY);
    using memory = Memory.create(sizeOf(Slots));
    const ring = memory.pointer(Slots);
    // Indices that go beyond 2^32 on the way.
    let next = 2 ** 32 - 5 * CAPACITY;
    ring.head.store(next);
    ring.tail.store(next);
    const producer = RingProducer.open(ring);
    const consumer = RingConsumer.open(ring);
    const expected = Array.from(
      { length: CAPACITY },
      () => new Array(size).fill(0),
    );
    let reserved = 0;
    let submitted = 0;
    const fill = ({ bytes }: { bytes: Uint8Array }, ahead: number) => {
      const slot = expected[(next + ahead) % CAPACITY]!;
      assertEquals([...bytes], slot);
      const at = random.int(size);
      slot[at] = bytes[at] = random.int(256);
    };
    for (let step = 0; step < 600; step++) {
      const room = CAPACITY - submitted - reserved;
      assertEquals(producer.room, room);
      switch (random.int(5)) {
        case 0: {
          for (let i = random.int(20); i > 0; i--) {
            const slot = producer.reserve();
            assertEquals(slot === undefined, reserved + submitted === CAPACITY);
            if (slot !== undefined) fill(slot, reserved++);
          }
          break;
        }
        case 1:
          producer.submit();
          [next, submitted, reserved] = [
            next + reserved,
            submitted + reserved,
            0,
          ];
          break;
        case 2:
          producer.discard();
          reserved = 0;
          break;
        case 3: {
          const limit = 1 + random.int(80);
          const failing = random.int(80);
          let filled = 0;
          try {
            producer.produce((slot) => {
              if (filled === failing) throw "as meant";
              fill(slot, reserved + filled++);
            }, { limit });
          } catch (error) {
            assertEquals(error, "as meant");
          }
          assertEquals(filled, Math.min(room, limit, failing));
          if (filled > 0) {
            submitted += reserved + filled;
            next += reserved + filled;
            reserved = 0;
          }
          break;
        }
        default: {
          const limit = 1 + random.int(80);
          submitted -= consumer.consume(() => {}, { limit });
        }
      }
      assertEquals(consumer.available, submitted);
    }
    assert(next > 2 ** 32, "Went beyond 2^32");
    for (let index = 0; index < CAPACITY; index++) {
      assertEquals([...ring.slots.at(index)!.bytes], expected[index]);
    }
  });
}

Deno.test("RingProducer.discard() gives up what is not submitted, and nothing else", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  producer.reserve()!.id = 1;
  producer.submit();
  for (let i = 0; i < 7; i++) producer.reserve()!.id = 9;
  producer.discard();
  assertEquals(producer.room, 7);
  producer.reserve()!.id = 2;
  producer.submit();
  assertEquals([consumer.take()!.id, consumer.take()!.id], [1, 2]);
  assertThrows(() => producer.produce(() => producer.discard()), TypeError);
  producer.close();
  assertThrows(() => producer.discard(), ClosedError);
});

Deno.test("RingProducer.push() leaves nothing of a lap before, and nothing half-written", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  for (let i = 0; i < 8; i++) {
    producer.push({ id: 9, price: 9, levels: [9, 9, 9, 9] });
  }
  assertEquals(consumer.consume(() => {}), 8);
  assertThrows(() => producer.push({ id: -1 }), RangeError);
  assertEquals(consumer.available, 0);
  assert(producer.push({ levels: [1] }));
  assertEquals(consumer.take(), { id: 0, price: 0, levels: [1, 0, 0, 0] });
  assertEquals(consumer.take(), undefined);
});

Deno.test("RingProducer.push() keeps its slot though a getter of the values uses the producer", () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  const pushWhile = (use: () => unknown) =>
    producer.push({
      id: 1,
      get price() {
        use();
        return 2;
      },
    });
  for (
    const use of [
      () => producer.push({ id: 9 }),
      () => producer.reserve(),
      () => producer.produce(() => {}),
      () => producer.discard(),
    ]
  ) {
    assertThrows(() => pushWhile(use), TypeError, "push()");
    assertEquals([consumer.available, producer.room], [0, 8]);
  }
  let seen: unknown = "not taken";
  assert(pushWhile(() => {
    producer.submit();
    seen = consumer.take();
  }));
  assertEquals(seen, undefined);
  assertEquals(consumer.take(), { id: 1, price: 2, levels: [0, 0, 0, 0] });
  // What the next one has submitted meanwhile is not taken back, nor changed.
  let next: typeof producer | undefined;
  assertThrows(() =>
    pushWhile(() => {
      producer.close();
      next = RingProducer.open(ring);
      next.push({ id: 3 });
      next.push({ id: 4 });
    }), ClosedError);
  assertEquals(consumer.available, 2);
  assertEquals([consumer.take()!.id, consumer.take()!.id], [3, 4]);
  next!.close();
});

Deno.test("RingProducer.produce() fills what there is room for, and keeps what was filled before a throw", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  let id = 0;
  assertEquals(producer.produce((quote) => quote.id = id++, { limit: 3 }), 3);
  producer.reserve()!.id = id++;
  assertEquals(producer.produce((quote) => quote.id = id++), 4);
  assertEquals(producer.produce(() => {}), 0);
  const ids: number[] = [];
  consumer.consume((quote) => ids.push(quote.id));
  assertEquals(ids, [0, 1, 2, 3, 4, 5, 6, 7]);
  assertThrows(() =>
    producer.produce((quote) => {
      quote.id = id++;
      if (id === 11) throw new RangeError("enough");
    }), RangeError);
  assertEquals(consumer.available, 2);
  assertThrows(() => producer.produce(() => producer.reserve()), TypeError);
  assertThrows(
    () => producer.produce(() => producer.produce(() => {})),
    TypeError,
  );
  assertThrows(() => producer.produce(() => producer.close()), ClosedError);
  assertEquals(consumer.available, 2);
  const last = open();
  assertThrows(
    () => last.producer.produce(() => last.memory.close(), { limit: 1 }),
    ClosedError,
  );
  // Elements that are typed arrays have no pointer that could be moved.
  const Lines = SpscRing(array(u8, 3), 2);
  using other = Memory.create(sizeOf(Lines));
  const lines = other.pointer(Lines);
  RingProducer.open(lines).produce((line) => line.set([id, 1, 2]));
  assertEquals(RingConsumer.open(lines).take(), [id, 1, 2]);
});

Deno.test("consume() and produce() take a limit from 0, and nothing else", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  using bytes = Memory.create(sizeOf(ByteRing(64)));
  const ring = bytes.pointer(ByteRing(64));
  using writer = ByteRingProducer.open(ring);
  using reader = ByteRingConsumer.open(ring);
  for (let i = 0; i < 4; i++) assert(writer.write(new Uint8Array(1)));
  type Limited = (options?: { limit?: number }) => number;
  const limited: [Limited, number][] = [
    [(options) => producer.produce(() => {}, options), 8],
    [(options) => consumer.consume(() => {}, options), 8],
    [(options) => reader.consume(() => {}, options), 4],
  ];
  for (const [call, all] of limited) {
    for (const limit of [-1, 1.5, NaN, -Infinity, 2 ** 60, "1" as never]) {
      assertThrows(() => call({ limit }), RangeError, "must be a whole number");
    }
    assertThrows(
      () => call(1 as never),
      TypeError,
      "Options must be an object",
    );
    assertThrows(() => call({ most: 1 } as never), TypeError, "are limit");
    assertEquals(call({ limit: 0 }), 0);
    assertEquals(call({ limit: 1 }), 1);
    assertEquals(call({ limit: Infinity }) + call({}) + call(), all - 1);
  }
});

Deno.test("Rings have elements of any type, and are fields of others", () => {
  const Numbers = SpscRing(u64, 4);
  const Lines = SpscRing(array(u8, 3), 2);
  const Both = struct("Both", {
    _: HostLayout,
    before: u8,
    numbers: Numbers,
    lines: Lines,
  });
  using memory = Memory.create(sizeOf(Both));
  const both = memory.pointer(Both);
  using numbers = RingProducer.open(both.numbers);
  numbers.reserve()!.value = 2n ** 63n;
  numbers.submit();
  using lines = RingProducer.open(both.lines);
  lines.reserve()!.set([1, 2, 3]);
  lines.submit();
  assertEquals(RingConsumer.open(both.numbers).take(), 2n ** 63n);
  const consumer = RingConsumer.open(both.lines);
  assertEquals(consumer.take(), [1, 2, 3]);
  // Slots that are typed arrays of the engine can be pushed, too.
  lines.reserve()!.fill(9);
  assert(lines.push([4, 5]));
  assertEquals([consumer.take(), consumer.take()], [[9, 9, 9], [4, 5, 0]]);
  assertThrows(() => lines.push([4, 300]), RangeError, "u8[3][1]");
  assertEquals(consumer.available, 0);
});

Deno.test("An element at which the callback throws is consumed, those after it are not", () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  for (let id = 0; id < 5; id++) producer.push({ id });
  const reason = new Error("enough");
  try {
    consumer.consume((quote) => {
      if (quote.id === 1) throw reason;
    });
    assert(false);
  } catch (error) {
    assertStrictEquals(error, reason);
  }
  assertEquals(consumer.take()!.id, 2);
  assertThrows(
    () => consumer.consume(() => consumer.consume(() => {})),
    TypeError,
  );
  assertEquals(consumer.take()!.id, 4);
});

for (const type of [Quote, array(u8, 16), u32]) {
  Deno.test(`No callback comes after one that closed its side, in a ring of ${type.name}`, () => {
    const Ring = SpscRing(type as typeof Quote, 64);
    using memory = Memory.create(sizeOf(Ring));
    const ring = memory.pointer(Ring);
    let calls = 0;
    const producer = RingProducer.open(ring);
    assertThrows(
      () => producer.produce(() => ++calls === 3 && producer.close()),
      ClosedError,
    );
    assertEquals([calls, ring.head.load()], [3, 0]);
    using next = RingProducer.open(ring);
    assertEquals(next.produce(() => {}), 64);
    const consumer = RingConsumer.open(ring);
    calls = 0;
    assertThrows(
      () => consumer.consume(() => ++calls === 3 && consumer.close()),
      ClosedError,
    );
    // The one in hand is consumed.
    assertEquals([calls, ring.tail.load()], [3, 3]);
    using last = RingConsumer.open(ring);
    assertEquals(last.consume(() => {}), 61);
  });
}

Deno.test("A callback may close the ring, or its memory", () => {
  const { memory, ring, producer, consumer } = open();
  for (let id = 0; id < 5; id++) producer.push({ id });
  assertThrows(() => consumer.consume(() => consumer.close()), ClosedError);
  assertEquals(ring.consumer.load(), 0n);
  const next = RingConsumer.open(ring);
  assertThrows(
    () =>
      next.consume((quote) => {
        memory.close();
        return quote.id;
      }),
    ClosedError,
  );
  assertThrows(() => next.available, ClosedError);
  assertThrows(() => producer.reserve(), ClosedError);
  assertThrows(() => producer.submit(), ClosedError);
  producer.close();
  next.close();
});

for (const size of [1, 3, 64, 100, 1024, 1500]) {
  Deno.test(`The cache lines that are taken are those of free slots of ${size} bytes, each once`, () => {
    const random = new Random(seed());
    const capacity = 256;
    const at = 192;
    const start = at + CONTENTS;
    const bytes = new Uint8Array(start + capacity * size + 192)
      .map(() => random.int(256));
    let stored: number[] = [];
    const u8 = new Proxy(bytes, {
      get: (bytes, key) => Reflect.get(bytes, key),
      set(bytes, key, value) {
        assertEquals(value, bytes[Number(key)], "It keeps its value");
        stored.push(Number(key));
        return true;
      },
    });
    let next = 2 ** 32 - 3 * capacity;
    let tail = next;
    const ring = { region: { u8 }, at, capacity, element: { size } };
    const lines = new FreeLines(ring as never, next | 0);
    while (next < 2 ** 32 + 3 * capacity) {
      tail += random.int(next - tail + 1);
      const end = tail + capacity;
      const upTo = next + random.int(end - next + 1);
      const before = lines.index >>> 0;
      stored = [];
      const taken = lines.take(upTo, end | 0);
      assertEquals(lines.index, taken);
      const isTaken = ((before - upTo) | 0) < 0;
      assert(((taken - upTo) | 0) >= 0 && ((end - taken) | 0) >= 0);
      // One a line, from the first slot that was not taken yet.
      const first = start + before % capacity * size;
      assertEquals(stored, stored.map((_, i) => first + i * 64));
      assertEquals(stored.length > 0, isTaken && size <= 1024);
      for (const place of stored) {
        const slot = Math.floor((place - start) / size);
        assert(slot >= 0 && slot < capacity);
        const ahead = (slot - before % capacity + capacity) % capacity;
        assert(((end - (before + ahead)) | 0) > 0, "It is of a free slot");
      }
      next = upTo;
    }
  });
}

Deno.test("for await yields what comes, and ends when the producer has closed", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  const ids: number[] = [];
  const reading = (async () => {
    for await (const quote of consumer) ids.push(quote.id);
  })();
  for (let id = 0; id < 100; id++) {
    while (!producer.push({ id })) await producer.ready();
    if (id % 30 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  producer.close();
  await reading;
  assertEquals(ids, Array.from({ length: 100 }, (_, index) => index));
});

Deno.test("A consumer waits for the next producer once that has taken the side", async () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  producer.close();
  assertEquals(await consumer.ready(), false);
  using next = RingProducer.open(ring);
  setTimeout(() => next.push({ id: 3 }), 10);
  assertEquals(await consumer.ready(), true);
  assertEquals(consumer.take()?.id, 3);
});

Deno.test("A ring that is never empty, or never full, does not keep the event loop from turning", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  const deadline = performance.now() + 20_000;
  // Were it kept, no timer would ever come; so each loop has an end of its own.
  const turns = async (loop: (isDone: () => boolean) => Promise<void>) => {
    let turned = false;
    setTimeout(() => turned = true, 20);
    await loop(() => turned || performance.now() > deadline);
    assert(turned);
  };
  producer.push({ id: 1 });
  await turns(async (isDone) => {
    for await (const { id } of consumer) {
      producer.push({ id });
      if (isDone()) break;
    }
  });
  await turns(async (isDone) => {
    while (!isDone()) await producer.ready();
  });
  const Lines = ByteRing(256);
  using other = Memory.create(sizeOf(Lines));
  using lines = ByteRingProducer.open(other.pointer(Lines));
  lines.write(new Uint8Array(5));
  await turns(async (isDone) => {
    for await (const line of ByteRingConsumer.open(other.pointer(Lines))) {
      lines.write(line);
      if (isDone()) break;
    }
  });
});

Deno.test("A ring to which something comes whenever its consumer is about to sleep does not keep the event loop from turning", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  const deadline = performance.now() + 20_000;
  const { withResolvers } = Promise;
  let turned = false;
  setTimeout(() => turned = true, 20);
  // Which a wait calls once it has found the ring empty.
  Promise.withResolvers = function <T>() {
    producer.push({ id: 1 });
    return withResolvers.call(this) as PromiseWithResolvers<T>;
  };
  try {
    while (!turned && performance.now() < deadline) {
      await consumer.ready();
      consumer.consume(() => {});
    }
  } finally {
    Promise.withResolvers = withResolvers;
  }
  assert(turned);
});

Deno.test("A for await gives back, and waits anew, after 256 elements at the latest", async () => {
  const Numbers = SpscRing(u32, 4096);
  using memory = Memory.create(sizeOf(Numbers));
  const ring = memory.pointer(Numbers);
  using producer = RingProducer.open(ring);
  while (producer.reserve());
  producer.submit();
  producer.close();
  let seen = 0;
  for await (const _ of RingConsumer.open(ring)) {
    assert(seen++ - ring.tail.load() < 256, `${seen}`);
  }
  assertEquals(seen, 4096);
});

Deno.test("Leaving a for await gives back what was seen, and no more", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  for (let id = 0; id < 4; id++) producer.push({ id });
  for await (const quote of consumer) if (quote.id === 1) break;
  assertEquals(consumer.take()!.id, 2);
});

Deno.test("A wait for the other end ends by its signal, or with the memory", async () => {
  const { memory, consumer } = open();
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const full = open();
  using _ = full.memory;
  for (let id = 0; id < 8; id++) full.producer.push({ id });
  const waits = [
    consumer.ready({ signal }),
    full.producer.ready({ signal }),
  ];
  controller.abort(reason);
  for (const wait of await Promise.allSettled(waits)) {
    assertStrictEquals(wait.status === "rejected" && wait.reason, reason);
  }
  const waiting = consumer.ready();
  memory.close();
  await assertRejects(() => waiting, ClosedError);
});

Deno.test("A wait for room that this side has reserved itself says so", async () => {
  const { memory, producer, consumer } = open();
  using _ = memory;
  for (let id = 0; id < 4; id++) producer.push({ id });
  while (producer.reserve() !== undefined);
  // As long as the consumer has some to give back there is something to wait for.
  const waiting = producer.ready();
  consumer.consume(() => {}, { limit: 1 });
  await waiting;
  while (producer.reserve() !== undefined);
  const late = producer.ready();
  consumer.consume(() => {}, { limit: 3 });
  await late;
  while (producer.reserve() !== undefined);
  await assertRejects(() => producer.ready(), TypeError, "call submit() first");
  producer.submit();
  consumer.consume(() => {});
  await producer.ready();

  using bytes = Memory.create(sizeOf(ByteRing(64)));
  const writer = ByteRingProducer.open(bytes.pointer(ByteRing(64)));
  while (writer.reserve(8) !== undefined);
  await assertRejects(() => writer.ready(8), TypeError, "call submit() first");
  writer.discard();
  await writer.ready(8);
});

Deno.test("A side has one owner, who gives it back or is overridden", () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  assertThrows(
    () => RingProducer.open(ring),
    OwnedError,
    `by this thread, ${Number(ring.producer.load() & 0xffff_ffffn)}: close`,
  );
  assertThrows(() => RingConsumer.open(ring), OwnedError, "thread");
  assertEquals([producer.peer, consumer.peer], ["alive", "alive"]);
  producer.close();
  assertEquals(consumer.peer, "absent");
  const next = RingProducer.open(ring);
  RingProducer.open(ring, { takeOver: true });
  assertEquals(next.push({ id: 1 }), true);
  assertThrows(() => producer.push({ id: 1 }), ClosedError);
});

testWith(pidNamespaces)(
  "A side that another PID namespace has is not said to come free when its owner ends",
  async () => {
    using memory = Memory.create(sizeOf(SpscRing(u32, 8)));
    const { code, stderr } = await run(
      `
      import { Memory, u32 } from "@hostmem/hostmem";
      import { RingProducer, SpscRing } from "@hostmem/hostmem/sync";
      const memory = Memory.open(Deno.args[0]);
      RingProducer.open(memory.pointer(SpscRing(u32, 8)));
      Deno.exit(0); // Without close().
    `,
      {
        permissions: ["-A"],
        args: [`/proc/${Deno.pid}/fd/${memory.fd}`],
        under: ["unshare", "--pid", "--fork"],
      },
    );
    assertEquals([code, stderr], [0, ""]);
    const ring = memory.pointer(SpscRing(u32, 8));
    const error = assertThrows(() => RingProducer.open(ring), OwnedError);
    assertStringIncludes(error.message, "cannot be seen across namespaces");
    const producer = RingProducer.open(ring, { takeOver: true });
    assertEquals(producer.push(1), true);
    const again = assertThrows(() => RingProducer.open(ring), OwnedError);
    assertStringIncludes(again.message, "then pass takeOver");
  },
);

Deno.test("A ring of something else is refused, and so are indices that cannot be", () => {
  const { memory, ring, producer, consumer } = open();
  using _ = memory;
  const Other = SpscRing(Quote, 4);
  assertThrows(
    () => RingProducer.open(memory.pointer(Other)),
    CorruptError,
    "8 times 32 bytes: this is of 4 times 32 bytes",
  );
  ring.head.store(9);
  assertThrows(() => consumer.consume(() => {}), CorruptError, "9 apart");
  ring.tail.store(1);
  assertThrows(() => producer.room, CorruptError);
  assertThrows(
    () => RingProducer.open(memory.view(Quotes) as never),
    TypeError,
    "a view of",
  );
  assertThrows(() => RingConsumer.open({} as never), TypeError, "an object");
  assertThrows(
    () => RingConsumer.open(memory.pointer(Quote) as never),
    TypeError,
    "Quote",
  );
  assertStringIncludes(Deno.inspect(producer), "SpscRing<Quote, 8>");
});

/** A process that takes a side of a ring, and ends as it is told. */
async function other(memory: Memory, code: string): Promise<void> {
  const result = await run(
    `
    import { HostLayout, Memory, array, f64, struct, u32 } from "./mod.ts";
    import { RingConsumer, RingProducer, SpscRing } from "./sync/mod.ts";
    const Quote = struct("Quote", {
      _: HostLayout, id: u32, price: f64, levels: array(u32, 4),
    });
    const memory = Memory.open("/proc/${Deno.pid}/fd/${memory.fd}");
    const ring = memory.pointer(SpscRing(Quote, 8));
    ${code}
  `,
    { permissions: ["-A"] },
  );
  assertEquals(result.code, 0, result.stderr);
}

Deno.test("A producer that died is noticed, and its side can be taken over", async () => {
  using memory = Memory.create(sizeOf(Quotes));
  const ring = memory.pointer(Quotes);
  using consumer = RingConsumer.open(ring);
  assertEquals(consumer.peer, "absent");
  await other(
    memory,
    `
    const producer = RingProducer.open(ring);
    producer.push({ id: 1 });
    producer.push({ id: 2 });
    producer.reserve().id = 3;
    Deno.exit();
  `,
  );
  assertEquals(consumer.peer, "dead");
  // What it submitted is there, what it reserved is not.
  assertEquals([consumer.take()!.id, consumer.take()!.id], [1, 2]);
  await assertRejects(() => consumer.ready(), PeerDiedError, "producer");
  using producer = RingProducer.open(ring);
  producer.push({ id: 4 });
  assertEquals(await consumer.ready(), true);
  assertEquals(consumer.take()!.id, 4);
});

Deno.test("A consumer that died is noticed, and its side can be taken over", async () => {
  using memory = Memory.create(sizeOf(Quotes));
  const ring = memory.pointer(Quotes);
  using producer = RingProducer.open(ring);
  for (let id = 0; id < 8; id++) producer.push({ id });
  await other(
    memory,
    `
    const consumer = RingConsumer.open(ring);
    consumer.take();
    consumer.consume(({ id }) => { if (id === 2) Deno.exit(); });
  `,
  );
  assertEquals(producer.peer, "dead");
  await producer.ready();
  producer.push({ id: 8 });
  await assertRejects(() => producer.ready(), PeerDiedError, "consumer");
  using consumer = RingConsumer.open(ring);
  // What it had not given back comes once more.
  const first = consumer.take()!.id;
  assert(first === 1 || first === 2, `${first}`);
});
