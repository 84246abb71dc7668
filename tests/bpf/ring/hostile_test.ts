import { assert, assertEquals, assertThrows } from "@std/assert";
import { RingBuffer } from "../../../bpf/mod.ts";
import { ringGeometry } from "../../../bpf/ring/geometry.ts";
import { regionOf, type RingMemory } from "../../../bpf/ring/memory.ts";
import { RecordStream } from "../../../bpf/ring/iterate.ts";
import { RingReader } from "../../../bpf/ring/ring_reader.ts";
import {
  BoundsError,
  NotSupportedError,
  ReadOnlyError,
} from "../../../errors.ts";
import {
  check,
  closeDescriptor,
  createWaker,
  wakeUp,
} from "../../../ffi/mod.ts";
import { Region } from "../../../layout/region/region.ts";
import {
  array,
  HostLayout,
  type Pointer,
  struct,
  u32,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { Random } from "../../_support.ts";
import { TestRing } from "./_ring_programs.ts";

const SIZE = 4096;
const Tail = struct("Tail", { _: HostLayout, number: u32, rest: array(u8) });

/**
 * A ring whose every byte the test can write, as no kernel would let it: three
 * parts of a memfd.
 */
class FakeRing implements Disposable {
  readonly #size: number;
  readonly #whole: Memory;
  readonly #page: Memory;
  readonly #rest: Memory;
  readonly consumer: Pointer<typeof u64>;
  readonly producer: Pointer<typeof u64>;
  readonly words: Uint32Array;

  constructor(size = SIZE) {
    const page = pageSize();
    this.#size = size;
    this.#whole = Memory.create(2 * page + 2 * size);
    this.#page = this.#map(0, page, false);
    this.#rest = this.#map(page, page + 2 * size, true);
    this.consumer = this.#whole.pointer(u64);
    this.producer = this.#whole.pointer(u64, page);
    this.words = this.#whole.pointer(array(u32, size / 2), 2 * page);
  }

  #map(offset: number, size: number, readOnly: boolean): Memory {
    return Memory.map(this.#whole.fd!, size, { offset, readOnly });
  }

  get memory(): RingMemory {
    const geometry = ringGeometry(this.#size, pageSize());
    const producer = regionOf(this.#rest);
    return {
      geometry,
      consumer: regionOf(this.#page),
      producer,
      data: new Region(
        producer.buffer,
        producer.start + geometry.data,
        2 * this.#size,
        "record",
      ),
      mapId: 0,
      fd: -1,
      close: () => {
        this.#rest.close();
        this.#page.close();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#rest.close();
    this.#page.close();
    this.#whole.close();
  }
}

Deno.test("Positions that cannot be are refused, and nothing is written", () => {
  using fake = new FakeRing();
  const reader = new RingReader(fake.memory, undefined);
  for (
    const [consumer, producer] of [
      [0n, 4104n],
      [8n, 0n],
      [4n, 16n],
      [0n, 2n ** 63n],
      [2n ** 64n - 8n, 2n ** 33n],
      [2n ** 32n, 0n],
    ] as const
  ) {
    fake.consumer.value = consumer;
    fake.producer.value = producer;
    assertThrows(
      () => reader.consume(10, () => {}),
      BoundsError,
      `Cannot read the ring buffer of 4096 bytes: the consumer's position is ${consumer}, the producer's ${producer}`,
    );
    assertThrows(() => reader.unread(), BoundsError);
    assertEquals(fake.consumer.value, consumer);
  }
  // It is not taken for being read.
  fake.consumer.value = 8n;
  fake.producer.value = 8n;
  assertEquals(reader.consume(10, () => {}), 0);
  // Positions wrap at 2^64, as the kernel's do.
  fake.words[(SIZE - 8) / 4] = 0;
  fake.consumer.value = 2n ** 64n - 8n;
  fake.producer.value = 0n;
  assertEquals(reader.consume(10, () => {}), 1);
  assertEquals(fake.consumer.value, 0n);
});

Deno.test("A header that exceeds what is reserved is refused, record by record", () => {
  using fake = new FakeRing();
  const reader = new RingReader(fake.memory, undefined);
  fake.producer.value = 64n;
  fake.words[0] = 8;
  for (const header of [41, 4096, 0x3fff_ffff, 0x7fff_ffff, 1 << 30 | 41]) {
    fake.consumer.value = 0n;
    fake.words[4] = header;
    let count = 0;
    assertThrows(
      () => reader.consume(10, () => count++),
      BoundsError,
      `at position 16 there is the header 0x${
        header.toString(16)
      }, which exceeds the 48 bytes that are reserved`,
    );
    // What lies before it is read, and it is not.
    assertEquals([count, fake.consumer.value], [1, 16n]);
    assertThrows(() => reader.consume(10, () => count++), BoundsError);
    assertEquals([count, fake.consumer.value], [1, 16n]);
  }
  fake.words[4] = 40;
  assertEquals(reader.consume(10, () => {}), 1);
});

Deno.test("Random bytes for a ring are bounded, and end", () => {
  using fake = new FakeRing();
  const random = new Random();
  const types = [undefined, u32, Tail, array(u64, 5)];
  const readers = types.map((type) => new RingReader(fake.memory, type));
  let records = 0;
  let errors = 0;
  for (let round = 0; round < 3000; round++) {
    const reader = random.pick(readers);
    for (let i = 0; i < 40; i++) {
      const index = 2 * random.int(SIZE / 8);
      const header = random.pick([
        random.int(64),
        random.int(SIZE),
        random.int(2 ** 32),
        random.int(64) | 1 << 30,
        random.int(64) | 1 << 31,
        0xffff_ffff,
      ]);
      fake.words[index] = header;
      fake.words[index + SIZE / 4] = header;
    }
    const position = random.biguint64() & ~7n;
    fake.consumer.value = position;
    const available = 8 * random.int(SIZE / 8 + 2);
    fake.producer.value = BigInt.asUintN(64, position + BigInt(available));
    let bytes = 0;
    const take = (
      record: { bytes?: () => Uint8Array; rest?: Iterable<number> },
      length: number,
    ) => {
      records++;
      bytes += 8 + ((length + 7) & -8);
      assert(bytes <= available, "Read beyond what is reserved");
      if (record.bytes) assertEquals(record.bytes().length, length);
      if (record.rest) assertEquals([...record.rest].length, length - 4);
    };
    try {
      reader.consume(1000, take as never);
    } catch (error) {
      if (!(error instanceof BoundsError)) throw error;
      errors++;
    }
    const moved = BigInt.asUintN(64, fake.consumer.value - position);
    assert(moved <= BigInt(available), "The position overtook the producer");
    assert(Number(moved) >= bytes);
  }
  assert(records > 500 && errors > 500, `${records}, ${errors}`);
});

Deno.test("A position that another moves while a ring is read is left to it", () => {
  using fake = new FakeRing();
  const reader = new RingReader(fake.memory, undefined);
  fake.producer.value = 64n;
  for (let i = 0; i < 4; i++) fake.words[4 * i] = 8;
  assertThrows(
    () => reader.consume(10, () => fake.consumer.value = 48n),
    TypeError,
    "another consumer, who moved the position from 0 to 48",
  );
  assertEquals(fake.consumer.value, 48n);
  assertEquals(reader.consume(10, () => {}), 1);
});

Deno.test("A record whose header changes while it is read stays bounded", () => {
  using fake = new FakeRing();
  const reader = new RingReader(fake.memory, Tail);
  fake.producer.value = 32n;
  fake.words[0] = 20;
  reader.consume(
    10,
    (({ rest }: { rest: Iterable<number> }) => {
      fake.words[0] = 0x3fff_ffff;
      assertEquals([...rest].length, 16);
    }) as never,
  );
  assertEquals(fake.consumer.value, 32n);
});

Deno.test("A ring buffer's size is a power of two of whole pages", () => {
  for (const page of [4096, 16384, 65536]) {
    assertEquals(ringGeometry(page, page).length, 3 * page);
    assertEquals(ringGeometry(2 ** 31, page).length, 2 ** 32 + page);
    for (const size of [0, page / 2, 3 * page, page + 8, 2 ** 32, -page]) {
      assertThrows(
        () => ringGeometry(size, page),
        NotSupportedError,
        `Cannot map a ring buffer of ${size} bytes: the size must be a power of two from ${page}`,
      );
    }
  }
});

bpfTest("A frozen ring buffer is refused", () => {
  using test = new TestRing();
  test.map.freeze();
  const error = assertThrows(
    () => new RingBuffer(test.map),
    ReadOnlyError,
    "it is frozen, and a consumer must write its position",
  );
  assertEquals(error.name, "ReadOnlyError");
});

Deno.test("A record that was waited for crosses the end of the largest ring", async () => {
  const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });
  const size = 2 ** 31;
  using fake = new FakeRing(size);
  const fd = check(createWaker(), "eventfd");
  const start = size - 16;
  fake.consumer.value = fake.producer.value = BigInt(start);
  const reader = new RingReader({ ...fake.memory, fd }, Pair);
  const records = new RecordStream<{ first: bigint; second: bigint }>(
    reader,
    { signal: undefined, until: undefined },
  );
  const next = records.next();
  fake.words.set([16, 0, 1, 0, 2, 0], start / 4);
  fake.producer.value = BigInt(start + 24);
  check(wakeUp(fd), "eventfd_write");
  const { first, second } = (await next).value!;
  assertEquals([first, second], [1n, 2n]);
  await records.return();
  closeDescriptor(fd);
});
