import { assertEquals, assertThrows } from "@std/assert";
import {
  array,
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
  CorruptError,
  OwnedError,
  PeerDiedError,
  Seqlock,
  SeqlockReader,
  SeqlockWriter,
} from "../../sync/mod.ts";
import { run } from "../_support.ts";
import { sized } from "../_fire.ts";

const Sample = struct("Sample", {
  _: HostLayout,
  count: u32,
  words: array(u64, 14),
});
const Samples = Seqlock(Sample);

Deno.test("SeqlockReader reads what SeqlockWriter wrote, through memory mapped read-only too", () => {
  using memory = Memory.create(4096);
  using same = Memory.map(memory.fd!, 4096, { readOnly: true });
  using writer = SeqlockWriter.open(memory.pointer(Samples));
  const reader = SeqlockReader.open(same.view(Samples));
  assertEquals(reader.read().count, 0);
  writer.write((draft) => {
    draft.count = 7;
    draft.words[13] = 9n;
  });
  writer.write((draft) => draft.count++);
  const { count, words } = reader.read();
  assertEquals([count, words[13]], [8, 9n]);
  assertEquals([reader.version, reader.peer], [2, "alive"]);
});

Deno.test("SeqlockWriter stores nothing where the callback throws", () => {
  using memory = Memory.create(4096);
  const lock = memory.pointer(Samples);
  using writer = SeqlockWriter.open(lock);
  const reader = SeqlockReader.open(lock);
  writer.write((draft) => draft.count = 1);
  assertThrows(() =>
    writer.write((draft) => {
      draft.count = 2;
      draft.count = -1;
    }), RangeError);
  assertThrows(() => writer.write(() => writer.write(() => {})), TypeError);
  assertEquals(reader.read().count, 1);
  writer.write(() => {});
  assertEquals(reader.read().count, 1);
  assertEquals(lock.sequence.load(), 4);
});

Deno.test("A seqlock has one writer, and says what it is of", () => {
  const memory = Memory.create(4096);
  const lock = memory.pointer(Samples);
  const writer = SeqlockWriter.open(lock);
  assertThrows(() => SeqlockWriter.open(lock), OwnedError, "thread");
  assertThrows(
    () => SeqlockReader.open(memory.view(Seqlock(u64))),
    CorruptError,
    "8",
  );
  assertThrows(() => SeqlockReader.open({} as never), TypeError, "Seqlock");
  assertThrows(
    () => SeqlockWriter.open(memory.view(Samples) as never),
    TypeError,
    "a view of",
  );
  const Flexible = struct("Flexible", { _: HostLayout, rest: array(u8) });
  assertThrows(() => Seqlock(Flexible), InvalidTypeError);
  writer.close();
  assertThrows(() => writer.write(() => {}), ClosedError);
  const next = SeqlockWriter.open(lock);
  const reader = SeqlockReader.open(lock);
  memory.close();
  assertThrows(() => next.write(() => {}), ClosedError);
  assertThrows(() => reader.read(), ClosedError);
});

Deno.test("A writer that died in the middle of a store is noticed until the next one writes", async () => {
  using memory = Memory.create(sizeOf(Samples));
  const lock = memory.pointer(Samples);
  const { code, stderr } = await run(
    `
    import { HostLayout, Memory, array, struct, u32, u64 } from "./mod.ts";
    import { Seqlock, SeqlockWriter } from "./sync/mod.ts";
    const Sample = struct("Sample", {
      _: HostLayout, count: u32, words: array(u64, 14),
    });
    const memory = Memory.open("/proc/${Deno.pid}/fd/${memory.fd}");
    const lock = memory.pointer(Seqlock(Sample));
    SeqlockWriter.open(lock).write((draft) => draft.count = 5);
    lock.sequence.add(1); // as it would be in the middle of a store
  `,
    { permissions: ["-A"] },
  );
  assertEquals(code, 0, stderr);
  const reader = SeqlockReader.open(lock);
  assertEquals(reader.peer, "dead");
  assertThrows(() => reader.read(), PeerDiedError, "writer");
  using writer = SeqlockWriter.open(lock);
  writer.write((draft) => draft.words[0] = 1n);
  assertEquals(reader.read().count, 0);
  assertEquals(reader.read().words[0], 1n);
});

Deno.test("A store that is half done by nobody who is known is told from one of a dead writer", () => {
  using memory = Memory.create(sizeOf(Samples));
  const lock = memory.pointer(Samples);
  const reader = SeqlockReader.open(lock);
  lock.sequence.store(1);
  assertEquals(reader.peer, "absent");
  for (const read of [() => reader.read(), () => reader.tryRead()]) {
    assertThrows(read, PeerDiedError, "no writer has the side");
  }
});

Deno.test("SeqlockReader.tryRead() does not wait for a living writer in the middle of a store", () => {
  using memory = Memory.create(sizeOf(Samples));
  const lock = memory.pointer(Samples);
  const writer = SeqlockWriter.open(lock);
  const reader = SeqlockReader.open(lock);
  writer.write((draft) => draft.count = 5);
  assertEquals(reader.tryRead()?.count, 5);
  lock.sequence.add(1); // as it is in the middle of a store
  assertEquals([reader.peer, reader.tryRead()], ["alive", undefined]);
  writer.write((draft) => draft.count = 6);
  assertEquals(reader.tryRead()?.count, 6);
  lock.sequence.add(1);
  writer.close();
  assertThrows(() => reader.tryRead(), PeerDiedError, "writer");
  memory.close();
  assertThrows(() => reader.tryRead(), ClosedError);
});

Deno.test("No value that is read is of two moments, while it is written all the time", async () => {
  using memory = Memory.create(sizeOf(Samples), { workers: true });
  const lock = memory.pointer(Samples);
  const code = `
    import { HostLayout, Memory, array, struct, u32, u64 } from "${
    import.meta.resolve("../../mod.ts")
  }";
    import { Seqlock, SeqlockWriter } from "${
    import.meta.resolve("../../sync/mod.ts")
  }";
    const Sample = struct("Sample", {
      _: HostLayout, count: u32, words: array(u64, 14),
    });
    onmessage = ({ data }) => {
      const lock = Memory.attach(data).pointer(Seqlock(Sample));
      const writer = SeqlockWriter.open(lock);
      postMessage("begins");
      for (let i = 1n; ; i++) writer.write((draft) => {
        draft.count = Number(i & 0xffffffffn);
        draft.words.fill(i);
      });
    };
  `;
  const url = `data:application/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module" });
  try {
    worker.postMessage(memory.handle);
    await new Promise((resolve) => worker.onmessage = resolve);
    const reader = SeqlockReader.open(lock);
    const reads = sized(20_000, 2_000_000);
    const isMixed = ({ count, words }: { count: number; words: bigint[] }) =>
      words.some((word) => Number(word & 0xffffffffn) !== count);
    let mixed = 0;
    const versions = new Set<number>();
    for (let i = 0; i < reads || versions.size < 100; i++) {
      const value = reader.read();
      if (isMixed(value)) mixed++;
      if (versions.size < 100) versions.add(value.count);
    }
    assertEquals(mixed, 0);
  } finally {
    worker.terminate();
  }
});

Deno.test("A seqlock whose bytes lie in a buffer can be read", () => {
  const reader = SeqlockReader.open(view(Samples, new ArrayBuffer(256)));
  assertEquals(reader.read().count, 0);
});

Deno.test("A seqlock whose memory another thread has closed is not read as zeros", async () => {
  const memory = Memory.create(4096, { workers: true });
  using writer = SeqlockWriter.open(memory.pointer(Seqlock(u64)));
  writer.write((draft) => draft.value = 7n);
  const source = `
    import { Memory, u64 } from "${new URL("../../mod.ts", import.meta.url)}";
    import { Seqlock, SeqlockReader } from "${new URL(
    "../../sync/mod.ts",
    import.meta.url,
  )}";
    let reader;
    onmessage = ({ data }) => {
      reader ??= SeqlockReader.open(Memory.attach(data).view(Seqlock(u64)));
      try {
        postMessage(reader.read());
      } catch (error) {
        postMessage(error.name);
      }
    };
  `;
  const worker = new Worker(
    `data:application/javascript,${encodeURIComponent(source)}`,
    { type: "module" },
  );
  const told = (message: unknown) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(message);
    return promise;
  };
  try {
    assertEquals(await told(memory.handle), 7n);
    memory.close();
    assertEquals(await told(undefined), "ClosedError");
  } finally {
    worker.terminate();
  }
});
