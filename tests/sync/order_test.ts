import { assert, assertEquals } from "@std/assert";
import { HostLayout, Memory, sizeOf, struct, u32 } from "../../mod.ts";
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
import { OFFSETS as RING } from "../../sync/ring/fields.ts";
import { OFFSETS as SEQLOCK } from "../../sync/seqlock/type.ts";
import {
  aarch64,
  type Access,
  explore,
  fence,
  type Keeps,
  load,
  type Seen,
  store,
  x86,
} from "../bpf/ring/_memory_model.ts";

/** A processor: what it keeps, and how strong the engine's atomic stores are. */
interface Processor {
  readonly name: string;
  readonly keeps: Keeps;
  /** XCHG on x86-64, STLR on aarch64. */
  readonly atomicStore: "full" | "ordered";
}

/** `atomic_thread_fence(memory_order_acquire)`: after what was loaded before. */
const acquireFence: Access = { ...fence, place: "acquire", strength: "plain" };

function withAcquireFence(keeps: Keeps): Keeps {
  return (first, second) => {
    if (second === acquireFence) return first.kind === "load";
    if (first === acquireFence) return true;
    return keeps(first, second);
  };
}

const processors: readonly Processor[] = [
  { name: "x86-64", keeps: withAcquireFence(x86), atomicStore: "full" },
  { name: "aarch64", keeps: withAcquireFence(aarch64), atomicStore: "ordered" },
];

/**
 * Writes down which accesses are made by `run`, in the order of the program:
 * those that are atomic, those of `Uint8Array.prototype.set`, and what `run` tells
 * of itself.
 */
function accessesOf(
  offsets: Readonly<Record<string, number>>,
  { atomicStore }: Processor,
  run: (tell: (...accesses: Access[]) => void) => void,
): Access[] {
  const accesses: Access[] = [];
  const nameOf = (array: { readonly length: number }, index: number) =>
    array.length === 1
      ? "scratch"
      : Object.entries(offsets).find(([, at]) => at === index * 4)?.[0] ?? "?";
  const { load: loads, store: stores } = Atomics;
  const set = Uint8Array.prototype.set;
  const native = Atomics as unknown as Record<string, unknown>;
  const halves = (access: (place: string) => Access) => [
    access("one"),
    access("other"),
  ];
  native["load"] = (array: Int32Array<ArrayBuffer>, index: number) => {
    accesses.push(load(nameOf(array, index), "ordered"));
    return loads(array, index);
  };
  native["store"] = (
    array: Int32Array<ArrayBuffer>,
    index: number,
    value: number,
  ) => {
    accesses.push(store(nameOf(array, index), value, atomicStore));
    return stores(array, index, value);
  };
  Uint8Array.prototype.set = function (source, offset) {
    const isShared = ({ buffer }: Uint8Array) => buffer.byteLength > 4096;
    if (isShared(this)) accesses.push(...halves((place) => store(place, 1)));
    // What one side copies within its own memory is nobody else's.
    else if (isShared(source as Uint8Array)) accesses.push(...halves(load));
    set.call(this, source, offset);
  };
  try {
    run((...told) => accesses.push(...told));
  } finally {
    native["load"] = loads;
    native["store"] = stores;
    Uint8Array.prototype.set = set;
  }
  return accesses;
}

/** Picks the accesses that one property is about. */
function only(accesses: readonly Access[], ...places: string[]): Access[] {
  return accesses.filter(({ place }) => places.includes(place));
}

/** The accesses of the code as it is, of one message that is passed on. */
function ringOn(processor: Processor) {
  const Ring = SpscRing(u32, 1);
  using memory = Memory.create(sizeOf(Ring));
  const ring = memory.pointer(Ring);
  using producer = RingProducer.open(ring);
  using consumer = RingConsumer.open(ring);
  const produced = () =>
    accessesOf(RING, processor, (tell) => {
      producer.reserve();
      tell(store("slot", 1));
      producer.submit();
    });
  const first = produced();
  const consumed = accessesOf(RING, processor, (tell) => {
    consumer.consume(() => tell(load("slot")));
  });
  return { first, again: produced(), consumed };
}

/** The same of a message of a ring of bytes, whose header lies in its record. */
function byteRingOn(processor: Processor) {
  const Ring = ByteRing(64);
  using memory = Memory.create(sizeOf(Ring));
  const ring = memory.pointer(Ring);
  using producer = ByteRingProducer.open(ring);
  using consumer = ByteRingConsumer.open(ring);
  const produced = () =>
    accessesOf(RING, processor, (tell) => {
      producer.reserve(producer.longest);
      tell(store("slot", 1));
      producer.submit();
    });
  const first = produced();
  // The other half of the ring.
  produced();
  const consumed = accessesOf(RING, processor, (tell) => {
    consumer.consume(() => tell(load("slot")), { limit: 1 });
  });
  return { first, again: produced(), consumed };
}

/** The same of a process in C, see `sync/header/c_rings.ts`. */
const cRing = {
  first: [
    store("slot", 1),
    store("head", 1, "ordered"),
    fence,
    load("consumerSleeps"),
  ],
  again: [
    load("tail", "ordered"),
    store("slot", 1),
    store("head", 2, "ordered"),
    fence,
    load("consumerSleeps"),
  ],
  consumed: [
    load("head", "ordered"),
    load("slot"),
    store("tail", 1, "ordered"),
    fence,
    load("producerSleeps"),
  ],
};

Deno.test("The accesses to a ring are those that the model is of", () => {
  for (const processor of processors) {
    const { atomicStore } = processor;
    for (
      const [ringOf, by] of [[ringOn, [1, 2]], [byteRingOn, [32, 96]]] as const
    ) {
      const { first, again, consumed } = ringOf(processor);
      assertEquals(first, [
        store("slot", 1),
        store("head", by[0], atomicStore),
        load("consumerSleeps", "ordered"),
      ]);
      assertEquals(again, [
        load("tail", "ordered"),
        store("slot", 1),
        store("head", by[1], atomicStore),
        load("consumerSleeps", "ordered"),
      ]);
      assertEquals(consumed, [
        load("head", "ordered"),
        load("slot"),
        store("tail", by[0], atomicStore),
        load("producerSleeps", "ordered"),
      ]);
    }
  }
});

/** Counts the orders in which something went wrong, of those it is about. */
function count(
  threads: readonly [readonly Access[], readonly Access[]],
  keeps: Keeps,
  isAbout: (first: Seen, second: Seen) => boolean,
  isWrong: (first: Seen, second: Seen) => boolean,
): number {
  let about = 0;
  let wrong = 0;
  explore(threads, keeps, {}, (first, second) => {
    if (!isAbout(first, second)) return;
    about++;
    if (isWrong(first, second)) wrong++;
  });
  assert(about > 0, "It never came to it, which shows nothing");
  return wrong;
}

/** Counts the orders in which a slot is read that is not filled yet. */
function unfilled(
  producer: readonly Access[],
  consumer: readonly Access[],
  keeps: Keeps,
): number {
  return count(
    [only(producer, "slot", "head"), only(consumer, "head", "slot")],
    keeps,
    (_, [head]) => head === 1,
    (_, [, slot]) => slot !== 1,
  );
}

/** A producer that takes a slot's cache line before it fills the slot. */
function takingLines(
  producer: readonly Access[],
  value: number,
): readonly Access[] {
  const filling = producer.findIndex(({ place }) => place === "slot");
  const taking = [load("slot"), store("slot", value)];
  return producer.toSpliced(filling, 0, ...taking);
}

/** Counts the orders in which a slot is filled anew while it is read. */
function overwritten(
  producer: readonly Access[],
  consumer: readonly Access[],
  keeps: Keeps,
): number {
  return count(
    [only(producer, "tail", "slot"), only(consumer, "slot", "tail")],
    keeps,
    ([tail]) => tail === 1,
    (_, [slot]) => slot !== 0,
  );
}

for (const { name, keeps, atomicStore } of processors) {
  const ours = ringOn({ name, keeps, atomicStore });
  const pairs = [[ours, ours], [ours, cRing], [cRing, ours]] as const;

  Deno.test(`No slot is read before it is filled, nor filled while it is read, on ${name}`, () => {
    for (const [producer, consumer] of pairs) {
      assertEquals(unfilled(producer.first, consumer.consumed, keeps), 0);
      assertEquals(overwritten(producer.again, consumer.consumed, keeps), 0);
    }
  });

  Deno.test(`No cache line is taken of a slot that is read, nor after it was filled, on ${name}`, () => {
    for (const [producer, consumer] of pairs) {
      // It stores what lies there, 0; another value shows whether it is too soon.
      const [same, other] = [0, 2];
      const first = takingLines(producer.first, same);
      assertEquals(unfilled(first, consumer.consumed, keeps), 0);
      const again = takingLines(producer.again, other);
      assertEquals(overwritten(again, consumer.consumed, keeps), 0);
    }
  });

  Deno.test(`No wake-up is lost between the ends of a ring on ${name}`, () => {
    const sleeping = {
      ours: [
        store("consumerSleeps", 1, atomicStore),
        load("head", "ordered"),
      ],
      c: [
        store("consumerSleeps", 1, atomicStore),
        fence,
        load("head", "ordered"),
      ],
    };
    for (const producer of [ours.first, cRing.first]) {
      for (const consumer of [sleeping.ours, sleeping.c]) {
        const lost = count(
          [
            producer.filter(({ place }) => place !== "slot"),
            consumer,
          ],
          keeps,
          (_, [head]) => head === 0,
          ([sleeps]) => sleeps === 0,
        );
        assertEquals(lost, 0);
      }
    }
  });
}

Deno.test("Were the indices of a ring plain, slots would be read unfilled on aarch64", () => {
  const plain = (accesses: readonly Access[]) =>
    accesses.map((access) => ({ ...access, strength: "plain" as const }));
  const { first, again, consumed } = cRing;
  assert(unfilled(plain(first), consumed, aarch64) > 0);
  assert(unfilled(first, plain(consumed), aarch64) > 0);
  assert(overwritten(again, plain(consumed), aarch64) > 0);
});

Deno.test("Without the fence between index and flag, wake-ups would be lost on x86-64", () => {
  const lost = count(
    [
      [store("head", 1, "ordered"), load("consumerSleeps")],
      [store("consumerSleeps", 1, "ordered"), load("head", "ordered")],
    ],
    x86,
    (_, [head]) => head === 0,
    ([sleeps]) => sleeps === 0,
  );
  assert(lost > 0);
});

// ---------------------------------------------------------------- seqlocks

/** The accesses of the code as it is, of one value that is passed on. */
function seqlockOn(processor: Processor) {
  const Pair = struct("Pair", { _: HostLayout, one: u32, other: u32 });
  const Lock = Seqlock(Pair);
  // Larger than any buffer of one side's own.
  using memory = Memory.create(65536);
  const lock = memory.pointer(Lock);
  using writer = SeqlockWriter.open(lock);
  const written = accessesOf(SEQLOCK, processor, () => writer.write(() => {}));
  lock.sequence.store(0);
  const reader = SeqlockReader.open(lock);
  const read = accessesOf(SEQLOCK, processor, () => reader.read());
  // The first load tells the writer what it has written itself.
  const own = (access: Access) =>
    !(access.kind === "load" &&
      access.place === "sequence");
  return { written: written.filter(own), read };
}

const cSeqlock = {
  written: [
    store("sequence", 1),
    fence,
    store("one", 1),
    store("other", 1),
    store("sequence", 2, "ordered"),
  ],
  read: [
    load("sequence", "ordered"),
    load("one"),
    load("other"),
    acquireFence,
    load("sequence"),
  ],
};

Deno.test("The accesses to a seqlock are those that the model is of", () => {
  for (const processor of processors) {
    const { atomicStore } = processor;
    const scratch = [
      store("scratch", 0, atomicStore),
      load("scratch", "ordered"),
    ];
    const { written, read } = seqlockOn(processor);
    assertEquals(written, [
      store("sequence", 1, atomicStore),
      ...scratch,
      store("one", 1),
      store("other", 1),
      store("sequence", 2, atomicStore),
    ]);
    assertEquals(read, [
      load("sequence", "ordered"),
      load("one"),
      load("other"),
      ...scratch,
      load("sequence", "ordered"),
    ]);
  }
});

/** Counts the orders in which a value is taken for whole that is not. */
function mixed(
  written: readonly Access[],
  read: readonly Access[],
  keeps: Keeps,
): number {
  // Each side has a scratch word of its own.
  const scratch = (name: string) => (access: Access) =>
    access.place === "scratch" ? { ...access, place: name } : access;
  const loads = read.filter(({ kind }) => kind === "load");
  const at = (seen: Seen, place: string) =>
    seen.filter((_, index) => loads[index]!.place === place);
  return count(
    [written.map(scratch("writer's")), read.map(scratch("reader's"))],
    keeps,
    (_, seen) => {
      const [before, after] = at(seen, "sequence");
      return before === after && before! % 2 === 0;
    },
    (_, seen) => {
      const whole = at(seen, "sequence")[0]! / 2;
      return at(seen, "one")[0] !== whole || at(seen, "other")[0] !== whole;
    },
  );
}

for (const { name, keeps, atomicStore } of processors) {
  Deno.test(`No value of a seqlock is of two moments, in any order that ${name} allows`, () => {
    const ours = seqlockOn({ name, keeps, atomicStore });
    for (const { written } of [ours, cSeqlock]) {
      for (const { read } of [ours, cSeqlock]) {
        assertEquals(mixed(written, read, keeps), 0);
      }
    }
  });
}

Deno.test("Without its fences a seqlock would be read in part on aarch64", () => {
  const unfenced = ({ kind, place }: Access) =>
    kind !== "fence" && place !== "scratch";
  const keeps = withAcquireFence(aarch64);
  const { written, read } = cSeqlock;
  assert(mixed(written.filter(unfenced), read, keeps) > 0);
  assert(mixed(written, read.filter(unfenced), keeps) > 0);
});
