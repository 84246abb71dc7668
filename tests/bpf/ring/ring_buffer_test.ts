import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfMap, RingBuffer, RingRecord } from "../../../bpf/mod.ts";
import {
  AlignmentError,
  BoundsError,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
} from "../../../errors.ts";
import {
  aligned,
  array,
  assign,
  HostLayout,
  pointer,
  snapshot,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  union,
  type View,
} from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { mappable } from "../_maps.ts";
import { TestRing } from "./_ring_programs.ts";

const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });

/** Runs a test with a ring buffer, where there are any. */
function ringTest(
  name: string,
  fn: (test: TestRing) => void,
  size?: number,
): void {
  bpfTest(name, () => {
    using test = new TestRing(size);
    fn(test);
  });
}

ringTest(
  "RingBuffer.consume() calls back with each record, in order",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    assertEquals(ring.consume(() => {}), 0);
    test.run(test.numbering(16), 5);
    const seen: [bigint, bigint, number][] = [];
    const count = ring.consume(({ first, second }, length) => {
      seen.push([first, second, length]);
    });
    assertEquals(count, 5);
    assertEquals(
      seen,
      [0n, 1n, 2n, 3n, 4n].map((number) => [number, number, 16]),
    );
    assertEquals(ring.consume(() => {}), 0);
  },
);

ringTest("RingBuffer.size and available count bytes with headers", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  assertEquals([ring.size, ring.available], [4096, 0]);
  const program = test.numbering(16);
  test.run(program, 3);
  assertEquals(ring.available, 3 * 24);
  // All of them are read before any is published, as less than a quarter is.
  ring.consume(() => assertEquals(ring.available, 3 * 24));
  assertEquals(ring.available, 0);
  test.run(program, 1000);
  // The ring never fills to the last byte: 170 * 24 = 4080.
  assertEquals(ring.available, 4080);
});

ringTest("RingBuffer.consume() reads no more than the limit", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  test.run(test.numbering(16), 10);
  const seen: bigint[] = [];
  const keep = (pair: View<typeof Pair>) => void seen.push(pair.first);
  assertEquals(ring.consume(keep, { limit: 0 }), 0);
  assertEquals(ring.consume(keep, { limit: 3 }), 3);
  assertEquals(ring.available, 7 * 24);
  assertEquals(ring.consume(keep, { limit: Infinity }), 7);
  assertEquals(seen, [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
  for (const limit of [-1, 1.5, NaN, "1", null]) {
    assertThrows(
      () => ring.consume(keep, { limit: limit as number }),
      RangeError,
      "Limit must be a whole number from 0",
    );
  }
  assertThrows(() => ring.consume(null as never), TypeError, "Callback");
  assertThrows(() => ring.consume(keep, 3 as never), TypeError, "Options");
});

ringTest("RingBuffer.consume() reads what there was when it began", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const program = test.numbering(16);
  test.run(program, 2);
  let calls = 0;
  // Were it otherwise, this would never end.
  assertEquals(
    ring.consume(() => {
      calls++;
      test.run(program);
    }),
    2,
  );
  assertEquals([calls, ring.available], [2, 2 * 24]);
});

ringTest(
  "The position is published once a quarter of the ring was read",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 170);
    const available: number[] = [];
    ring.consume(() => void available.push(ring.available));
    // 43 records of 24 bytes are the first that make more than 1024.
    const batch = 43;
    assertEquals(
      available,
      Array.from(
        { length: 170 },
        (_, i) => 4080 - Math.floor(i / batch) * batch * 24,
      ),
    );
    test.run(test.numbering(2000), 2);
    assertEquals(ring.available, 2 * 2008);
    let calls = 0;
    using large = new RingBuffer(test.map);
    // Each is more than a quarter.
    large.consume(() => assertEquals(large.available, (2 - calls++) * 2008));
    assertEquals(large.available, 0);
  },
);

ringTest(
  "for (… of ring) reads what there is, and publishes at its end",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 4);
    const seen: bigint[] = [];
    for (const { first } of ring) seen.push(first);
    assertEquals([seen, ring.available], [[0n, 1n, 2n, 3n], 0]);
    for (const _ of ring) throw new Error("There is none");
    test.run(test.numbering(16), 3);
    assertEquals(
      ring[Symbol.iterator]().map(({ first }) => first).toArray(),
      [4n, 5n, 6n],
    );
  },
);

ringTest("A break publishes the record in hand and those before", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  test.run(test.numbering(16), 5);
  for (const { first } of ring) if (first === 2n) break;
  assertEquals(ring.available, 2 * 24);
  const label = () => {
    for (const { first } of ring) return first;
  };
  assertEquals([label(), ring.available], [3n, 24]);
  {
    using iterator = ring[Symbol.iterator]();
    assertEquals(iterator.next().value?.first, 4n);
    assertEquals(ring.available, 24);
  }
  assertEquals(ring.available, 0);
});

ringTest(
  "A callback that throws publishes the record it had, and no more",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 5);
    const failure = new Error("mine");
    const error = assertThrows(() =>
      ring.consume(({ first }) => {
        if (first === 1n) throw failure;
      })
    );
    assertEquals(error, failure);
    assertEquals(ring.available, 3 * 24);
    assertThrows(() => {
      for (const _ of ring) throw failure;
    });
    assertEquals(ring.available, 2 * 24);
    assertEquals(ring.consume(() => {}), 2);
  },
);

ringTest("A record throws ClosedError once it is no longer valid", (test) => {
  const Nested = struct("Nested", {
    _: HostLayout,
    inner: struct("Inner", { _: HostLayout, number: u32 }),
    list: array(u16, 2),
    name: text(8),
  });
  using ring = new RingBuffer(test.map, Nested);
  test.run(test.numbering(16), 2);
  type Kept = View<typeof Nested>;
  const kept: Kept[] = [];
  const inner: Kept["inner"][] = [];
  const lists: Kept["list"][] = [];
  ring.consume((record) => {
    kept.push(record);
    inner.push(record.inner);
    lists.push(record.list);
  });
  const stale = () => {
    for (const record of kept) {
      assertThrows(() => record.name, ClosedError);
      assertThrows(() => record.inner.number, ClosedError);
      assertThrows(() => snapshot(record), ClosedError);
      assertEquals(Deno.inspect(record), "Nested [closed]");
      const copy = pointer(Nested, new ArrayBuffer(Nested.size));
      assertThrows(() => assign(copy, record), ClosedError);
    }
    for (const one of inner) assertThrows(() => one.number, ClosedError);
    for (const list of lists) {
      assertThrows(() => list.at(0), ClosedError);
      assertThrows(() => [...list], ClosedError);
      assertThrows(() => list.slice(), ClosedError);
    }
  };
  stale();
  ring.close();
  stale();
});

ringTest("snapshot() and assign() keep a record", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  test.run(test.numbering(16), 3);
  const copies: { first: bigint; second: bigint }[] = [];
  const own = pointer(Pair, new ArrayBuffer(16));
  ring.consume((record) => {
    copies.push(snapshot(record));
    assign(own, record);
    assertEquals(
      JSON.stringify(record),
      JSON.stringify(
        copies.at(-1),
        (_, v) => typeof v === "bigint" ? `${v}` : v,
      ),
    );
    assertThrows(() => {
      // @ts-expect-error A record cannot be written.
      record.first = 1n;
    }, TypeError);
  });
  assertEquals(copies, [0n, 1n, 2n].map((n) => ({ first: n, second: n })));
  assertEquals(own.second, 2n);
});

ringTest("All records are shown by one object", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  test.run(test.numbering(16), 3);
  const objects = new Set<unknown>();
  ring.consume((record) => objects.add(record), { limit: 2 });
  for (const record of ring) objects.add(record);
  assertEquals(objects.size, 1);
});

ringTest(
  "Discarded records are skipped, and their room is given back",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const kept = test.numbering(16);
    const discarded = test.numbering(64, { discard: true });
    for (const program of [discarded, kept, discarded, discarded, kept]) {
      test.run(program);
    }
    assertEquals(ring.available, 2 * 24 + 3 * 72);
    const seen: bigint[] = [];
    assertEquals(ring.consume(({ first }) => void seen.push(first)), 2);
    assertEquals([seen, ring.available], [[1n, 4n], 0]);
    test.run(discarded, 3);
    assertEquals(ring.consume(() => {}), 0);
    assertEquals(ring.available, 0);
    test.run(discarded);
    test.run(kept);
    test.run(discarded);
    for (const { first } of ring) seen.push(first);
    assertEquals([seen, ring.available], [[1n, 4n, 9n], 0]);
  },
);

ringTest(
  "A record shorter than the type is an error, and is consumed",
  (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const copying = test.copying();
    for (const length of [12, 16, 0, 17]) {
      test.write(copying, new Uint8Array(length).fill(length));
    }
    const lengths: number[] = [];
    const consume = () =>
      ring.consume((_, length) => void lengths.push(length));
    assertThrows(
      consume,
      BoundsError,
      "Pair: 16-byte value exceeds the record of 12 bytes",
    );
    assertEquals([lengths, ring.available], [[], 24 + 8 + 32]);
    assertThrows(
      consume,
      BoundsError,
      "Pair: 16-byte value exceeds the record of 0 bytes",
    );
    // Longer is no error.
    assertEquals([consume(), lengths, ring.available], [1, [16, 17], 0]);
    test.write(copying, new Uint8Array(3));
    assertThrows(() => [...ring], BoundsError, "the record of 3 bytes");
    assertEquals(ring.available, 0);
  },
);

ringTest("A flexible array takes what the record has", (test) => {
  const Packet = struct("Packet", {
    _: HostLayout,
    stamp: u64,
    kind: u32,
    bytes: array(u8),
  });
  using ring = new RingBuffer(test.map, Packet);
  const copying = test.copying();
  // From 12 bytes on, fewer than the size of the type with its padding, 16.
  for (let length = 12; length < 40; length++) {
    test.write(copying, Uint8Array.from({ length }, (_, i) => i));
  }
  let expected = 12;
  ring.consume((packet, length) => {
    assertEquals(length, expected);
    assertEquals(packet.kind, 0x0b0a0908);
    assertEquals(
      [...packet.bytes],
      Array.from({ length: length - 12 }, (_, i) => 12 + i),
    );
    assertEquals(packet.bytes.at(length - 12), undefined);
    assertEquals(snapshot(packet).bytes.length, length - 12);
    expected++;
  });
  assertEquals(expected, 40);
  test.write(copying, new Uint8Array(11));
  assertThrows(
    () => ring.consume(() => {}),
    BoundsError,
    "Packet: 12-byte value exceeds the record of 11 bytes",
  );
});

ringTest("Unions, arrays and scalars are records too", (test) => {
  const Either = union("Either", { _: HostLayout, whole: u64, half: u32 });
  const program = test.numbering(16);
  test.control.next.store(0x1_0000_0002n);
  using unions = new RingBuffer(test.map, Either);
  test.run(program);
  unions.consume(({ whole, half }) =>
    assertEquals([whole, half], [0x1_0000_0002n, 2])
  );
  using lists = new RingBuffer(test.map, array(u32, 4));
  test.run(program);
  lists.consume((list) => assertEquals([...list], [3, 1, 3, 1]));
  using pairs = new RingBuffer(test.map, array(Pair, 1));
  test.run(program);
  pairs.consume((list) => {
    assertEquals(list.at(0).second, 0x1_0000_0004n);
    assertEquals([...list.column("first")], [0x1_0000_0004n]);
  });
  using scalars = new RingBuffer(test.map, u32);
  test.run(program);
  scalars.consume((scalar) => assertEquals(scalar.value, 5));
});

ringTest(
  "Without a type records are bytes, viewed as one type or another",
  (test) => {
    using ring = new RingBuffer(test.map);
    const copying = test.copying();
    test.write(copying, new Uint8Array([1, 0, 0, 0, 5, 6, 7]));
    test.write(copying, new Uint8Array(0));
    const kept: RingRecord[] = [];
    const count = ring.consume((record, length) => {
      assert(record instanceof RingRecord);
      assertEquals(record.length, length);
      kept.push(record);
      if (length === 0) {
        assertEquals(record.bytes(), new Uint8Array());
        assertThrows(() => record.view(u8), BoundsError, "record of 0 bytes");
        return;
      }
      assertEquals(record.bytes(), new Uint8Array([1, 0, 0, 0, 5, 6, 7]));
      assertEquals(record.bytes().buffer.byteLength, 7);
      assertEquals(record.view(u32).value, 1);
      assertEquals(record.view(u8, 6).value, 7);
      const Tail = struct("Tail", { _: HostLayout, n: u32, rest: array(u8) });
      assertEquals([...record.view(Tail).rest], [5, 6, 7]);
      assertEquals([...record.view(Tail, 0, { length: 2 }).rest], [5, 6]);
      assertThrows(
        () => record.view(u32, 4),
        BoundsError,
        "4-byte value at offset 4 exceeds the record of 7 bytes",
      );
      assertThrows(() => record.view(u32, 1), AlignmentError);
      assertThrows(() => record.view(u32, -8), RangeError);
      assertThrows(() => record.view(u8, 7), BoundsError);
      // Its room is 16 bytes, and the next record lies behind it.
      assertThrows(
        () => record.view(Tail, 0, { length: 4 }),
        BoundsError,
        "8-byte value at offset 0 exceeds the record of 7 bytes",
      );
      assertEquals(Deno.inspect(record), "RingRecord { 7 bytes }");
    });
    assertEquals(count, 2);
    for (const record of kept) {
      assertThrows(() => record.length, ClosedError);
      assertThrows(() => record.bytes(), ClosedError);
      assertThrows(() => record.view(u8), ClosedError);
      assertEquals(Deno.inspect(record), "RingRecord [closed]");
    }
    assertThrows(
      () => Reflect.construct(RingRecord, []),
      TypeError,
      "Illegal constructor",
    );
  },
);

ringTest("RingBuffer.lost is what the program counts", (test) => {
  using none = new RingBuffer(test.map, Pair);
  assertEquals(none.lost, undefined);
  using ring = new RingBuffer(test.map, Pair, { lost: test.control.lost });
  using twice = new RingBuffer(test.map, Pair, {
    lost: () => 2 * Number(test.control.lost.load()),
  });
  test.run(test.numbering(16), 170);
  assertEquals([ring.lost, twice.lost], [0n, 0n]);
  test.run(test.numbering(16), 5);
  assertEquals([ring.lost, twice.lost], [5n, 10n]);
  for (const lost of [1n, null, {}, "5"]) {
    assertThrows(
      () => new RingBuffer(test.map, Pair, { lost: lost as never }),
      TypeError,
      "Option lost must be a function or an atomic",
    );
  }
  for (const lost of ["5", 0.5, -1, null]) {
    using ring = new RingBuffer(test.map, Pair, { lost: () => lost as never });
    assertThrows(
      () => ring.lost,
      RangeError,
      "The number of lost records must be a whole number from 0",
    );
  }
});

ringTest("Only one reads at a time", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const program = test.numbering(16);
  test.run(program, 3);
  const refuse = (read: () => unknown) =>
    assertThrows(read, TypeError, "it is being read already");
  ring.consume(() => {
    refuse(() => ring.consume(() => {}));
    refuse(() => [...ring]);
  }, { limit: 1 });
  for (const _ of ring) {
    refuse(() => ring.consume(() => {}));
    refuse(() => ring[Symbol.iterator]().next());
    break;
  }
  // An iterator that was not begun keeps nobody from reading.
  const iterator = ring[Symbol.iterator]();
  assertEquals(ring.consume(() => {}), 1);
  test.run(program);
  assertEquals(iterator.next().done, false);
  refuse(() => ring.consume(() => {}));
  iterator.return?.();
  assertEquals(iterator.next().done, true);
  assertEquals(ring.consume(() => {}), 0);
});

ringTest("Two objects read one ring in turn, and not at once", (test) => {
  using one = new RingBuffer(test.map, Pair);
  using other = new RingBuffer(test.map, Pair);
  const program = test.numbering(16);
  test.run(program, 4);
  assertEquals(one.consume(() => {}, { limit: 1 }), 1);
  assertEquals(other.consume(() => {}, { limit: 1 }), 1);
  const error = assertThrows(
    () => one.consume(() => void other.consume(() => {})),
    TypeError,
    "another consumer, who moved the position from 48 to 96",
  );
  assert(!(error instanceof RangeError));
  // The other's position stands: no record is read twice from now on.
  assertEquals([one.available, one.consume(() => {})], [0, 0]);
});

ringTest("close() in a callback or a loop ends it, and publishes", (test) => {
  const program = test.numbering(16);
  using watcher = new RingBuffer(test.map, Pair);
  test.run(program, 5);
  let ring = new RingBuffer(test.map, Pair);
  const seen: bigint[] = [];
  const count = ring.consume((record) => {
    seen.push(record.first);
    if (seen.length < 2) return;
    ring.close();
    assertThrows(() => record.first, ClosedError);
    assertThrows(() => ring.available, ClosedError);
    assertThrows(() => ring.consume(() => {}), ClosedError);
  });
  assertEquals([count, seen, watcher.available], [2, [0n, 1n], 3 * 24]);
  ring = new RingBuffer(test.map, Pair);
  for (const { first } of ring) {
    seen.push(first);
    ring.close();
  }
  assertEquals([seen, watcher.available], [[0n, 1n, 2n], 2 * 24]);
  ring = new RingBuffer(test.map, Pair);
  assertThrows(
    () =>
      ring.consume(() => {
        ring.close();
        throw new Error("mine");
      }),
    Error,
    "mine",
  );
  assertEquals(watcher.available, 24);
});

ringTest("A store to a RingRecord throws, and makes no property", (test) => {
  using ring = new RingBuffer(test.map);
  test.run(test.numbering(16), 1);
  const count = ring.consume((record) => {
    const loose = record as unknown as Record<PropertyKey, unknown>;
    for (const name of ["typo", 0, "length"]) {
      assertThrows(() => loose[name] = 1, TypeError);
    }
    assertEquals([Object.keys(loose), loose.length], [[], 16]);
  });
  assertEquals(count, 1);
});

ringTest(
  "A closed ring buffer throws ClosedError, and its size stays",
  (test) => {
    const ring = new RingBuffer(test.map, Pair);
    assertEquals([ring.closed, Deno.inspect(ring)], [
      false,
      "RingBuffer { 4096 bytes }",
    ]);
    ring.close();
    ring.close();
    assertEquals([ring.closed, ring.size], [true, 4096]);
    assertEquals(Deno.inspect(ring), "RingBuffer { 4096 bytes, closed }");
    assertThrows(
      () => ring.available,
      ClosedError,
      "The ring buffer is closed",
    );
    assertThrows(() => ring.consume(() => {}), ClosedError);
    assertThrows(() => [...ring], ClosedError);
    assertThrows(() => ring.records(), ClosedError);
  },
);

ringTest("RingBuffer works after its map was closed", (test) => {
  const map = BpfMap.fromFd(test.map.fd);
  using ring = new RingBuffer(map, Pair);
  map.close();
  test.run(test.numbering(16), 2);
  assertEquals(ring.consume(() => {}), 2);
  assertThrows(
    () => new RingBuffer(map, Pair),
    ClosedError,
    "The BPF map is closed",
  );
});

bpfTest(
  "new RingBuffer() refuses what is no ring buffer to be consumed",
  () => {
    using array = mappable({ name: "numbers" });
    assertThrows(
      () => new RingBuffer(array, Pair),
      NotSupportedError,
      `Cannot consume map "numbers": its type must be ringbuf, and is array`,
    );
    using user = BpfMap.create({ type: "user_ringbuf", maxEntries: 4096 });
    assertThrows(
      () => new RingBuffer(user),
      NotSupportedError,
      "which this process writes",
    );
    using file = Deno.openSync("/dev/null");
    assertThrows(
      () => new RingBuffer(file as unknown as BpfMap),
      TypeError,
      "Map must be a BpfMap of type ringbuf: received an object",
    );
    assertThrows(() => new RingBuffer({ fd: 0 }), NotSupportedError);
    for (const map of [undefined, null, 3, "map"]) {
      assertThrows(
        () => new RingBuffer(map as never),
        TypeError,
        "Map must be",
      );
    }
    using ring = BpfMap.create({
      type: "ringbuf",
      maxEntries: 4096,
      name: "events",
    });
    using reading = BpfMap.fromId(ring.info.id, { readOnly: true });
    assertThrows(
      () => new RingBuffer(reading),
      NotSupportedError,
      `Cannot consume map "events": its descriptor was opened rdonly (BPF_F_RDONLY)`,
    );
    assertThrows(
      () => new RingBuffer(ring, undefined, 5 as never),
      TypeError,
      "Options",
    );
  },
);

ringTest("new RingBuffer() refuses types that no record can be", (test) => {
  const Unmarked = struct("Unmarked", { a: u32 });
  assertThrows(
    // @ts-expect-error It lacks the HostLayout marker.
    () => new RingBuffer(test.map, Unmarked),
    InvalidTypeError,
  );
  assertThrows(
    () => new RingBuffer(test.map, array(u8, 0)),
    InvalidTypeError,
    "size zero",
  );
  assertThrows(
    () => new RingBuffer(test.map, array(u8, 4089)),
    BoundsError,
    "u8[4089]: 4089-byte value exceeds any record of a ring buffer of 4096 bytes: one has at most 4088",
  );
  new RingBuffer(test.map, array(u8, 4088)).close();
  assertThrows(
    () => new RingBuffer(test.map, aligned(Pair, 16)),
    AlignmentError,
    "Records are aligned to 8 bytes: the type must be aligned to 16",
  );
  assertThrows(() => new RingBuffer(test.map, {} as never), InvalidTypeError);
});

ringTest("The type of a record follows from that of the ring", (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const typed: RingBuffer<typeof Pair> = ring;
  typed.consume((record) => {
    const first: bigint = record.first;
    // @ts-expect-error There is no such field.
    return [first, record.third];
  });
  using bytes: RingBuffer = new RingBuffer(test.map);
  bytes.consume((record: RingRecord) => record.bytes());
  for (const record of ring) {
    const view: View<typeof Pair> = record;
    assert(view);
  }
});
