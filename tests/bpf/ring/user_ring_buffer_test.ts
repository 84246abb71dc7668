import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AlignmentError,
  BoundsError,
  BpfMap,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  ReadOnlyError,
  UserRingBuffer,
  type UserRingRecord,
} from "../../../bpf/mod.ts";
import {
  aligned,
  array,
  HostLayout,
  Memory,
  pageSize,
  snapshot,
  struct,
  u16,
  u32,
  u64,
  u8,
  view,
} from "../../../mod.ts";
import { sized } from "../../_fire.ts";
import { testWith, userRings } from "../../_needs.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  Random,
  run,
} from "../../_support.ts";
import { mapExists } from "../_maps.ts";
import { TestUserRing } from "./_user_rings.ts";

const userRingTest = testWith(userRings);
const page = pageSize();

const Pair = struct("Pair", { _: HostLayout, number: u64, other: u64 });

/** `BPF_RINGBUF_DISCARD_BIT` of `linux/bpf.h`. */
const DISCARDED = 1 << 30;

/**
 * The time for which the lock changes hands, in milliseconds: one that was held by
 * one alone would be taken away before.
 */
const HELD = 1500;

function worker(message: unknown): Promise<number> {
  const worker = new Worker(
    new URL("./_user_ring_worker.ts", import.meta.url),
    { type: "module" },
  );
  worker.postMessage(message);
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

userRingTest(
  "UserRingBuffer.write() gives the program records, complete and in order",
  () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    assertEquals(ring.size, 4096);
    assertEquals(ring.recordSizeMax, 4088);
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 100; i++) {
        const number = BigInt(round * 100 + i);
        assert(ring.write(Pair, { number, other: number * 3n }));
      }
      assertEquals(ring.available, 2400);
      assertEquals(test.drain(), 100);
      assertEquals(ring.available, 0);
      const last = round * 100 + 99;
      assertEquals(test.words(last), [BigInt(last), BigInt(last) * 3n]);
    }
    assertEquals(test.drained.count, 10_000n);
    assertEquals(test.drained.disordered, 0n);
  },
);

userRingTest(
  "Records of any length reach the program, also across the end of the ring",
  () => {
    using test = new TestUserRing(4096);
    using ring = new UserRingBuffer(test.map);
    const random = new Random();
    // Any part of these, which take long to make.
    const pool = random.bytes(16384);
    for (let i = 0; i < 5000; i++) {
      const length = random.pick([16, 17, 23, 24, 100, 1000, 4087, 4088]) +
        random.int(2) * 8;
      if (length > ring.recordSizeMax) {
        assertThrows(() => ring.reserve(length), BoundsError);
        continue;
      }
      // The program reads the first 8 bytes, and the last 8.
      test.drained.offset = BigInt(length - 8);
      const begin = random.int(pool.length - length);
      const bytes = pool.slice(begin, begin + length);
      const words = new DataView(bytes.buffer);
      const first = test.drained.next;
      words.setBigUint64(0, first, true);
      const last = words.getBigUint64(length - 8, true);
      if (random.boolean()) assert(ring.write(bytes));
      else {
        using record = ring.reserve(length)!;
        assertEquals(record.length, length);
        record.writeAt(bytes);
        record.submit();
      }
      assertEquals(test.drain(), 1);
      const [number, other] = test.words(Number(test.drained.count) - 1);
      // Where the two overlap it is the bytes that count.
      assertEquals(number, words.getBigUint64(0, true));
      assertEquals(other, words.getBigUint64(length - 8, true));
      if (length >= 24) assertEquals(last, other);
    }
    assertEquals(test.drained.disordered, 0n);
    assertEquals(test.drained.short, 0n);
  },
);

userRingTest(
  "Records reach a program that drains meanwhile",
  async () => {
    using test = new TestUserRing(65536);
    using ring = new UserRingBuffer(test.map);
    // The ring is full, and empty, some hundred times.
    const count = sized(30_000, 1_000_000);
    const drained = worker({ task: "drain", fd: test.program.fd, count });
    let waits = 0;
    for (let i = 0; i < count; i++) {
      const number = BigInt(i);
      while (!ring.write(Pair, { number, other: number })) {
        waits++;
        await ring.ready(Pair.size);
      }
    }
    assertEquals(await drained, count);
    assertEquals(test.drained.count, BigInt(count));
    assertEquals(test.drained.disordered, 0n);
    assertEquals(test.drained.short, 0n);
    assertEquals(ring.available, 0);
    assert(waits < count);
  },
);

userRingTest(
  "Several threads write one ring, and no record is lost or torn",
  async () => {
    using test = new TestUserRing(16384);
    const count = sized(6000, 50_000);
    const { fd } = test.map;
    const drained = worker({
      task: "drain",
      fd: test.program.fd,
      count: 3 * count,
    });
    using ring = new UserRingBuffer(test.map);
    const writers = [
      worker({ task: "write", fd, count, first: 0n }),
      worker({ task: "write", fd, count, first: 0n }),
    ];
    for (let i = 0; i < count; i++) {
      while (!ring.write(Pair, { number: 1n, other: 1n })) await ring.ready(16);
    }
    assertEquals(await Promise.all(writers), [count, count]);
    assertEquals(await drained, 3 * count);
    assertEquals(test.drained.count, BigInt(3 * count));
    for (let i = 0; i < 1024; i++) {
      const [number, other] = test.words(i);
      assertEquals(number, other);
    }
  },
);

userRingTest(
  "A lock that changes hands is waited for, however long that takes",
  async () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    using producer = Memory.map(test.map.fd, page, { offset: page });
    const lock = producer.pointer(u32, page - 4);
    const holders = worker({ task: "hold", fd: test.map.fd, count: HELD });
    await eventually(() => lock.value !== 0);
    assert(ring.write(Pair, { number: 0n, other: 0n }));
    // They give it back with this, and would not have it taken from them.
    assertEquals(producer.view(u32, page - 8).value, 1);
    assertEquals(await holders, HELD);
    assertEquals(lock.value, 0);
  },
);

userRingTest(
  "A writer that died while it reserved holds up the next for a second at most",
  () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    using producer = Memory.map(test.map.fd, page, { offset: page });
    producer.pointer(u32, page - 4).value = 1;
    assert(ring.write(Pair, { number: 0n, other: 0n }));
    assertEquals(producer.view(u32, page - 4).value, 0);
    assert(ring.write(Pair, { number: 1n, other: 0n }));
    assertEquals(test.drain(), 2);
    assertEquals(test.drained.disordered, 0n);
  },
);

userRingTest(
  "UserRingBuffer.write() takes every kind of type and value",
  () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    // The unset is zero, also where another record lay before.
    for (let i = 0; i < 4; i++) {
      while (ring.write(new Uint8Array(500).fill(255)));
      test.drain();
    }
    assert(ring.write(Pair, { number: 7n }));
    test.drain();
    assertEquals(test.words(Number(test.drained.count) - 1), [7n, 0n]);
    const Flexible = struct("Flexible", {
      _: HostLayout,
      number: u64,
      ports: array(u16),
    });
    assert(
      ring.write(Flexible, { number: 8n, ports: [1, 2, 3, 4] }, { length: 4 }),
    );
    test.drain();
    assertEquals(
      test.words(Number(test.drained.count) - 1),
      [8n, 0x0004_0003_0002_0001n],
    );
    assert(ring.write(array(u64, 2), [9n, 10n]));
    test.drain();
    assertEquals(test.words(Number(test.drained.count) - 1), [9n, 10n]);
    assert(ring.write(u64, 11n));
    test.drain();
    assertEquals(test.drained.short, 1n);
    // From another pointer or view.
    const source = view(Pair, new BigUint64Array([10n, 11n]).buffer);
    assert(ring.write(Pair, source));
    test.drain();
    assertEquals(test.words(Number(test.drained.count) - 1), [10n, 11n]);
    assert(ring.write(new Uint8Array(0)));
    assertEquals(ring.available, 8);
  },
);

userRingTest(
  "UserRingBuffer refuses what cannot be written, and writes nothing then",
  () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    const Unmarked = struct("Unmarked", { a: u64 });
    const Wide = struct("Wide", { _: HostLayout, a: aligned(u64, 16) });
    const Large = struct("Large", { _: HostLayout, a: array(u8, 4096) });
    const Flexible = struct("Flexible", {
      _: HostLayout,
      n: u64,
      a: array(u8),
    });
    // deno-lint-ignore no-explicit-any
    const any = ring as any;
    for (const write of [any.write.bind(ring), any.reserve.bind(ring)]) {
      assertThrows(() => write(Unmarked, { a: 1n }), InvalidTypeError);
      assertThrows(() => write(Wide, { a: 1n }), AlignmentError);
      assertThrows(() => write(Large, {}), BoundsError);
      assertThrows(
        () => write(struct("Empty", { _: HostLayout }), {}),
        InvalidTypeError,
      );
    }
    assertThrows(() => ring.write(Pair, { number: -1n }), RangeError);
    assertThrows(() => any.write(Pair, { number: 1 }), TypeError);
    assertThrows(() => any.write(Pair, { numbre: 1n }), TypeError);
    assertThrows(() => any.write(Pair, undefined), TypeError);
    assertThrows(() => any.write(Pair, null), TypeError);
    assertThrows(() => ring.write(Flexible, {}, { length: -1 }), RangeError);
    assertThrows(() => ring.write(Flexible, {}, { length: 1.5 }), RangeError);
    assertThrows(() => ring.write(Flexible, {}, { length: 4096 }), BoundsError);
    assertThrows(
      () => ring.write(Flexible, {}, { length: Number.MAX_SAFE_INTEGER }),
      BoundsError,
    );
    assertThrows(() => ring.write(Pair, {}, { length: 1 }), TypeError);
    for (
      const bytes of [
        undefined,
        null,
        "text",
        [1],
        5,
        {},
        new ArrayBuffer(8),
        new Uint16Array(4),
      ]
    ) {
      assertThrows(() => any.write(bytes), TypeError);
    }
    assertThrows(() => ring.write(new Uint8Array(4089)), BoundsError);
    for (
      const length of [-1, 0.5, NaN, Infinity, "5", undefined, null, {}, 8n]
    ) {
      assertThrows(() => any.reserve(length), RangeError);
    }
    assertThrows(() => ring.reserve(4089), BoundsError);
    assertThrows(() => ring.reserve(2 ** 40), BoundsError);
    assertThrows(() => ring.reserve(Flexible, { length: 4096 }), BoundsError);
    const before = ring.available;
    assertThrows(() => ring.reserve(Pair, { length: 1 }), TypeError);
    // What a failed reservation took is skipped.
    assert(ring.write(Pair, { number: 0n, other: 1n }));
    assertEquals(test.drain(), 1);
    assertEquals(before, 0);
    assertEquals(test.drained.count, 1n);
    assertEquals(test.drained.disordered, 0n);
  },
);

userRingTest("A getter that writes, reserves or closes does no harm", () => {
  using test = new TestUserRing();
  const ring = new UserRingBuffer(test.map);
  assert(ring.write(Pair, {
    get number() {
      assert(ring.write(Pair, { number: 0n, other: 5n }));
      return 1n;
    },
    get other() {
      assert(ring.write(new Uint8Array(new BigUint64Array([1n, 6n]).buffer)));
      return 7n;
    },
  }));
  assertEquals(test.drain(), 3);
  assertEquals([0, 1, 2].map((i) => test.words(i)), [
    [0n, 5n],
    [1n, 6n],
    [1n, 7n],
  ]);
  assertThrows(
    () =>
      ring.write(Pair, {
        get number() {
          ring.close();
          return 1n;
        },
      }),
    ClosedError,
  );
  assert(ring.closed);
  assertEquals(test.drain(), 0);
  const again = new UserRingBuffer(test.map);
  const Flexible = struct("Flexible", {
    _: HostLayout,
    n: u64,
    a: array(u8),
  });
  assertThrows(
    () =>
      again.reserve(Flexible, {
        get length() {
          again.close();
          return 1;
        },
      }),
    ClosedError,
  );
  assertEquals(mappings("anon_inode:bpf-map").length, 1); // what was drained
});

userRingTest(
  "UserRingBuffer.reserve() gives a pointer that is valid until it is submitted",
  () => {
    using test = new TestUserRing();
    using ring = new UserRingBuffer(test.map);
    const first = ring.reserve(Pair)!;
    const second = ring.reserve(Pair)!;
    const third = ring.reserve(16)!;
    assertEquals(snapshot(first.value), { number: 0n, other: 0n });
    const undef: undefined = third.value;
    assertEquals(undef, undefined);
    second.value.number = 1n;
    second.submit();
    // The kernel does not go beyond the first that is reserved.
    assertEquals(test.drain(), 0);
    const pointer = first.value;
    const inner = first.pointer(u64, 8);
    pointer.number = 0n;
    inner.value = 4n;
    first.submit();
    assertEquals(test.drain(), 2);
    assertEquals([test.words(0), test.words(1)], [[0n, 4n], [1n, 0n]]);
    assert(first.closed);
    // Stale: they throw, and reach no later record that lies there.
    third.pointer(Pair).number = 2n;
    third.submit();
    for (let i = 0; i < 400; i++) {
      assert(ring.write(Pair, { number: BigInt(i + 3), other: 0n }));
      assertThrows(() => pointer.number = 99n, ClosedError);
      assertThrows(() => inner.value = 99n, ClosedError);
      assertThrows(() => pointer.other, ClosedError);
      assertThrows(() => first.value.number = 99n, ClosedError);
      test.drain();
    }
    assertEquals(test.drained.disordered, 0n);
    assertEquals(test.drained.count, 403n);
    assertThrows(() => first.submit(), ClosedError);
    assertThrows(() => first.pointer(u64), ClosedError);
    assertThrows(() => first.writeAt(new Uint8Array(1)), ClosedError);
    first.discard();
    first[Symbol.dispose]();
    assertEquals(test.drain(), 0);
    assert(Deno.inspect(first).includes("closed"));
  },
);

userRingTest("A reserved record cannot be written beyond its end", () => {
  using test = new TestUserRing();
  using ring = new UserRingBuffer(test.map);
  using record = ring.reserve(20)!;
  assertThrows(() => record.pointer(u64, 16), BoundsError);
  assertThrows(() => record.pointer(u64, 4), AlignmentError);
  assertThrows(() => record.pointer(Pair, 8), BoundsError);
  assertThrows(() => record.pointer(u32, -4), RangeError);
  assertThrows(
    () => record.pointer(struct("W", { _: HostLayout, a: aligned(u8, 16) })),
    AlignmentError,
  );
  record.pointer(u32, 16).value = 5;
  assertThrows(() => record.writeAt(new Uint8Array(21)), BoundsError);
  assertThrows(() => record.writeAt(new Uint8Array(1), 20), BoundsError);
  assertThrows(() => record.writeAt(new Uint8Array(1), -1), RangeError);
  // @ts-expect-error Not bytes.
  assertThrows(() => record.writeAt([1]), TypeError);
  record.writeAt(new Uint8Array(20).fill(1));
});

userRingTest(
  "A record that is not submitted is skipped, by discard, using, and close",
  () => {
    using test = new TestUserRing();
    const ring = new UserRingBuffer(test.map);
    ring.reserve(Pair)!.discard();
    {
      using _record = ring.reserve(Pair)!;
    }
    assertThrows(
      () => {
        using _record = ring.reserve(Pair)!;
        throw new Error("on the way");
      },
      Error,
      "on the way",
    );
    assert(ring.write(Pair, { number: 0n, other: 0n }));
    assertEquals(test.drain(), 1);
    const left = [ring.reserve(Pair)!, ring.reserve(8)!];
    assertEquals(test.drain(), 0);
    ring.close();
    ring.close();
    assert(left.every((record) => record.closed));
    assertThrows(() => left[0]!.submit(), ClosedError);
    assertThrows(
      () => (left[0] as UserRingRecord<typeof Pair>).value.number,
      ClosedError,
    );
    using other = new UserRingBuffer(test.map);
    assert(other.write(Pair, { number: 1n, other: 0n }));
    assertEquals(test.drain(), 1);
    assertEquals(test.drained.count, 2n);
    assertEquals(test.drained.disordered, 0n);
  },
);

userRingTest("A full ring says so, and loses nothing", () => {
  using test = new TestUserRing(4096);
  using ring = new UserRingBuffer(test.map);
  let written = 0n;
  while (ring.write(Pair, { number: written, other: 0n })) written++;
  assertEquals(written, 170n); // of 24 bytes
  assertEquals(ring.reserve(Pair), undefined);
  assertEquals(ring.reserve(9), undefined);
  assert(ring.write(new Uint8Array(8))); // what is left
  assertEquals(ring.available, 4096);
  assert(!ring.write(new Uint8Array(0)));
  assertEquals(test.drain(), 171);
  assertEquals(test.drained.count, 170n);
  assertEquals(test.drained.short, 1n);
  assertEquals(test.drained.disordered, 0n);
});

userRingTest(
  "UserRingBuffer.ready() waits for room, and for no longer than it must",
  async () => {
    using test = new TestUserRing(4096);
    using ring = new UserRingBuffer(test.map);
    await ring.ready();
    await ring.ready(4088);
    while (ring.write(new Uint8Array(24)));
    while (ring.write(new Uint8Array(8)));
    assertEquals(ring.available, 4096);
    const done: number[] = [];
    const waits = [ring.ready(), ring.ready(16), ring.ready(4088)]
      .map((wait, i) => wait.then(() => done.push(i)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(done, []);
    test.drain();
    await Promise.all(waits);
    assertEquals(done.sort(), [0, 1, 2]);
    // Again, with a record that is reserved in the way.
    const first = ring.reserve(4088)!;
    const room = ring.ready(4088);
    test.drain();
    await new Promise((resolve) => setTimeout(resolve, 20));
    first.submit();
    test.drain();
    await room;
  },
);

userRingTest(
  "UserRingBuffer.ready() ends by a signal and by close",
  async () => {
    using test = new TestUserRing(4096);
    const ring = new UserRingBuffer(test.map);
    while (ring.write(new Uint8Array(8)));
    await assertRejects(
      () => ring.ready(8, { signal: AbortSignal.abort(new Error("no")) }),
      Error,
      "no",
    );
    const controller = new AbortController();
    const aborted = ring.ready(8, { signal: controller.signal });
    const other = ring.ready(8);
    controller.abort(new Error("enough"));
    await assertRejects(() => aborted, Error, "enough");
    const last = assertRejects(() => other, ClosedError);
    ring.close();
    await last;
    await assertRejects(() => ring.ready(), ClosedError);
    using open = new UserRingBuffer(test.map);
    await assertRejects(() => open.ready(-1), RangeError);
    await assertRejects(() => open.ready(4089), BoundsError);
    // @ts-expect-error Not a signal.
    await assertRejects(() => open.ready(8, { signal: {} }), TypeError);
    // @ts-expect-error Not options.
    await assertRejects(() => open.ready(8, null), TypeError);
  },
);

userRingTest(
  "A wait for room that was aborted does not hold the event loop",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap, UserRingBuffer } from "./bpf/mod.ts";
      const map = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
      const ring = new UserRingBuffer(map);
      while (ring.write(new Uint8Array(8)));
      const controller = new AbortController();
      ring.ready(8, { signal: controller.signal }).catch((error) => console.log(error.message));
      setTimeout(() => controller.abort(new Error("ended")), 20);
    `,
      { timeout: 20_000 },
    );
    assertEquals({ code, stdout }, { code: 0, stdout: "ended\n" }, stderr);
  },
);

userRingTest("Positions beyond 4 GiB are written and read", () => {
  using test = new TestUserRing(2 ** 25);
  using ring = new UserRingBuffer(test.map);
  const most = ring.recordSizeMax;
  assertEquals(most, 2 ** 24 - 1);
  assertThrows(() => ring.reserve(most + 1), BoundsError);
  // Up to there as another writer would write it, by headers alone: records to
  // be skipped, whose zeros nobody writes.
  using producer = Memory.map(test.map.fd, page, { offset: page });
  using data = Memory.map(test.map.fd, 2 ** 25, { offset: 2 * page });
  const position = producer.pointer(u64);
  const step = 2 ** 24;
  while (position.value < 2 ** 32 - 2 ** 26) {
    const offset = Number(position.value % 2n ** 25n);
    data.pointer(u64, offset).value = BigInt(step - 8 | DISCARDED);
    position.value += BigInt(step);
    assertEquals(test.drain(), 0);
    assertEquals(ring.available, 0);
  }
  assertEquals(test.drained.count, 0n);
  for (let i = 0; position.value < 2 ** 32 + 2 ** 26; i++) {
    using record = ring.reserve(most)!;
    record.pointer(u64).value = BigInt(i);
    record.submit();
    assertEquals(test.drain(), 1);
  }
  assertEquals(test.drained.disordered, 0n);
  assert(test.drained.count >= 8n);
});

userRingTest("UserRingBuffer takes user ring buffers and nothing else", () => {
  const descriptors = openDescriptors().length;
  {
    using ringbuf = BpfMap.create({ type: "ringbuf", maxEntries: 4096 });
    const error = assertThrows(
      () => new UserRingBuffer(ringbuf),
      NotSupportedError,
    );
    assert(error.message.includes("which the kernel writes"), error.message);
    using plain = BpfMap.create({
      type: "array",
      valueSize: 8,
      maxEntries: 1,
    });
    assertThrows(() => new UserRingBuffer(plain), NotSupportedError);
    using map = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
    using reader = BpfMap.fromId(map.info.id, { readOnly: true });
    assertThrows(() => new UserRingBuffer(reader), NotSupportedError);
    for (const hostile of [undefined, null, 5, {}, { fd: "5" }, { fd: -5 }]) {
      assertThrows(
        // @ts-expect-error Not a map.
        () => new UserRingBuffer(hostile),
      );
    }
    using frozen = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
    frozen.freeze();
    assertThrows(() => new UserRingBuffer(frozen), ReadOnlyError);
    map.close();
    assertThrows(() => new UserRingBuffer(map), ClosedError);
  }
  assert(openDescriptors().length <= descriptors);
  assertEquals(mappings("anon_inode:bpf-map"), []);
});

userRingTest(
  "A closed or dropped UserRingBuffer leaves nothing behind",
  async () => {
    const descriptors = openDescriptors().length;
    const ids: number[] = [];
    for (let i = 0; i < 100; i++) {
      using map = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
      const ring = new UserRingBuffer(map);
      ids.push(map.info.id);
      assert(ring.write(new Uint8Array(8)));
      ring.reserve(8);
      if (i % 2) ring.close();
    }
    await eventually(() => {
      collect();
      return mappings("anon_inode:bpf-map").length === 0 &&
        openDescriptors().length <= descriptors &&
        !ids.some(mapExists);
    });
    using map = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
    const ring = new UserRingBuffer(map);
    ring.close();
    assertThrows(() => ring.write(new Uint8Array(8)), ClosedError);
    assertThrows(() => ring.write(Pair, {}), ClosedError);
    assertThrows(() => ring.reserve(8), ClosedError);
    assertThrows(() => ring.reserve(Pair), ClosedError);
    assertThrows(() => ring.available, ClosedError);
    assertEquals(ring.size, 4096);
    assert(Deno.inspect(ring).includes("closed"));
  },
);

userRingTest("What a process wrote before it was killed is read", async () => {
  using test = new TestUserRing();
  const { signal, stderr } = await run(
    `
      import { BpfMap, UserRingBuffer } from "./bpf/mod.ts";
      using map = BpfMap.fromId(Number(Deno.args[0]));
      const ring = new UserRingBuffer(map);
      for (let i = 0n; i < 5n; i++) {
        ring.write(new Uint8Array(new BigUint64Array([i, i]).buffer));
      }
      Deno.kill(Deno.pid, "SIGKILL");
    `,
    { permissions: ["-A"], args: [`${test.map.info.id}`] },
  );
  assertEquals(signal, "SIGKILL", stderr);
  using ring = new UserRingBuffer(test.map);
  assert(ring.write(Pair, { number: 5n, other: 5n }));
  assertEquals(test.drain(), 6);
  assertEquals(test.drained.disordered, 0n);
});
