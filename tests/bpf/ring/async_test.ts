import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { RingBuffer } from "../../../bpf/mod.ts";
import { BoundsError, ClosedError } from "../../../errors.ts";
import { HostLayout, snapshot, struct, u64 } from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { eventually, openDescriptors, run } from "../../_support.ts";
import { FORCE_WAKEUP, NO_WAKEUP, TestRing } from "./_ring_programs.ts";

const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });

/** Runs a test with a ring buffer, where there are any. */
function ringTest(
  name: string,
  fn: (test: TestRing) => Promise<void>,
): void {
  bpfTest(name, async () => {
    const before = waiters();
    using test = new TestRing();
    await fn(test);
    // The other thread has to come back first.
    await eventually(() => waiters() === before);
  });
}

/** The descriptors that waiting takes. */
function waiters(): number {
  return openDescriptors("anon_inode:[eventpoll]").length +
    openDescriptors("anon_inode:[eventfd").length;
}

/** Lets the other thread go to sleep, and what is due happen. */
async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

ringTest(
  "for await waits for records, and takes those that are there",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    test.run(program, 2);
    const seen: bigint[] = [];
    const timer = setInterval(() => test.run(program), 1);
    for await (const { first, second } of ring) {
      assertEquals(first, second);
      seen.push(first);
      if (first === 20n) break;
    }
    clearInterval(timer);
    assertEquals(seen, Array.from({ length: 21 }, (_, i) => BigInt(i)));
  },
);

ringTest(
  "for await publishes before each record what was read",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 3);
    const available: number[] = [];
    for await (const _ of ring) {
      available.push(ring.available);
      if (available.length === 2) break;
    }
    assertEquals(available, [72, 48]);
    assertEquals(ring.available, 24);
  },
);

ringTest(
  "A record of for await stays valid while its body waits",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    test.run(program, 100);
    let last: { readonly first: bigint } | undefined;
    for await (const record of ring) {
      last = record;
      await turns(1);
      // The producer has no room of it before it was read.
      test.run(program, 200);
      assertEquals(record.first, record.second);
      assertEquals(snapshot(record).first, record.first);
      if (record.first === 2n) break;
    }
    assertThrows(() => last!.first, ClosedError);
  },
);

ringTest(
  "A record of for await is not valid while the next is waited for",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    test.run(program);
    const records = ring.records();
    const { value } = await records.next();
    assertEquals(value!.first, 0n);
    const next = records.next();
    assertThrows(() => value!.first, ClosedError);
    assertEquals(ring.available, 0);
    // Nor when the wait has found that there is none.
    test.run(test.numbering(16, { discard: true }));
    await eventually(() => ring.available === 0);
    await turns();
    assertThrows(() => value!.first, ClosedError);
    test.run(program);
    assertEquals((await next).value!.first, 2n);
    assertEquals(value!.first, 2n);
    await records.return!();
    assertThrows(() => value!.first, ClosedError);
  },
);

ringTest("abort() ends a wait with the signal's reason", async (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const reason = new Error("enough");
  for (const delay of [0, 5]) {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = (async () => {
      for await (const _ of ring.records({ signal })) throw new Error("none");
    })();
    if (delay > 0) await turns();
    controller.abort(reason);
    assertEquals(await assertRejects(() => waiting), reason);
  }
  // Nobody waits, and others can read.
  const program = test.numbering(16);
  test.run(program, 2);
  assertEquals(ring.consume(() => {}, { limit: 1 }), 1);
  // Aborted before, and aborted by the body.
  const controller = new AbortController();
  const { signal } = controller;
  const seen: bigint[] = [];
  const error = await assertRejects(async () => {
    for await (const { first } of ring.records({ signal })) {
      seen.push(first);
      controller.abort(reason);
    }
  });
  assertEquals([error, seen], [reason, [1n]]);
  const records = ring.records({ signal });
  assertEquals(await assertRejects(() => records.next()), reason);
  assertEquals((await records.next()).done, true);
  assertEquals(ring.available, 0);
});

ringTest(
  "The signal of until ends the iteration without an error",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const read = async (until: AbortSignal) =>
      await Array.fromAsync(ring.records({ until }), ({ first }) => first);
    // While it waits.
    const waited = new AbortController();
    const waiting = read(waited.signal);
    await turns();
    waited.abort();
    assertEquals(await waiting, []);
    // Before it begins, and in the body: what was read is kept.
    const program = test.numbering(16);
    test.run(program, 3);
    assertEquals(await read(AbortSignal.abort()), []);
    const controller = new AbortController();
    const { signal: until } = controller;
    const seen: bigint[] = [];
    for await (const { first } of ring.records({ until })) {
      seen.push(first);
      if (seen.length === 2) controller.abort();
    }
    assertEquals(seen, [0n, 1n]);
    // Others can read what is left.
    assertEquals(ring.consume(() => {}), 1);
    // The other signal is heard as well, and is an error.
    const reason = new Error("enough");
    await assertRejects(
      async () => {
        const signal = AbortSignal.abort(reason);
        await Array.fromAsync(
          ring.records({ signal, until: new AbortController().signal }),
        );
      },
      Error,
      "enough",
    );
    assertThrows(
      () => ring.records({ until: {} as AbortSignal }),
      TypeError,
      "Option until must be an AbortSignal",
    );
  },
);

ringTest(
  "AbortSignal.timeout() ends a wait, and keeps nobody else waiting",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    using other = new RingBuffer(test.map, Pair);
    const never = other.records();
    const waiting = never.next();
    const error = await assertRejects(async () => {
      const signal = AbortSignal.timeout(10);
      for await (const _ of ring.records({ signal }));
    }, DOMException);
    assertEquals(error.name, "TimeoutError");
    await never.return!();
    assertEquals((await waiting).done, true);
  },
);

ringTest("close() and return() end a wait without an error", async (test) => {
  const ring = new RingBuffer(test.map, Pair);
  const waiting = (async () => {
    for await (const _ of ring) throw new Error("There is none");
    return "done";
  })();
  await turns();
  ring.close();
  assertEquals(await waiting, "done");
  using second = new RingBuffer(test.map, Pair);
  const records = second.records();
  const next = records.next();
  await turns();
  assertEquals(await records.return!(), { value: undefined, done: true });
  assertEquals(await next, { value: undefined, done: true });
  assertEquals(await records.next(), { value: undefined, done: true });
  assertEquals(second.consume(() => {}), 0);
});

ringTest(
  "close() in the body of for await ends it, and publishes",
  async (test) => {
    test.run(test.numbering(16), 3);
    const ring = new RingBuffer(test.map, Pair);
    using watcher = new RingBuffer(test.map, Pair);
    let count = 0;
    for await (const _ of ring) if (++count === 2) ring.close();
    assertEquals([count, watcher.available], [2, 24]);
  },
);

ringTest(
  "Nobody else reads while for await does, not even in its body",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 1);
    const refused = (read: () => unknown) =>
      assertThrows(read, TypeError, "it is being read already");
    const records = ring.records();
    for await (const _ of records) {
      refused(() => ring.consume(() => {}));
      refused(() => [...ring]);
      await assertRejects(() => ring.records().next(), TypeError, "being read");
      break;
    }
    const waiting = ring.records();
    const next = waiting.next();
    refused(() => ring.consume(() => {}));
    await assertRejects(() => waiting.next(), TypeError, "a wait is under way");
    await waiting.return!();
    await next;
    assertEquals(ring.consume(() => {}), 0);
  },
);

ringTest(
  "An error of a record ends for await, and is not met again",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const copying = test.copying();
    test.write(copying, new Uint8Array(8));
    test.write(copying, new Uint8Array(16));
    await assertRejects(
      async () => {
        for await (const _ of ring);
      },
      BoundsError,
      "Pair: 16-byte value exceeds the record of 8 bytes",
    );
    for await (const { first } of ring) {
      assertEquals(first, 0n);
      break;
    }
  },
);

ringTest(
  "Several rings are waited for by one epoll and one thread",
  async (test) => {
    const others = Array.from({ length: 20 }, () => new TestRing());
    const rings = [test, ...others].map((one) => new RingBuffer(one.map, Pair));
    const controller = new AbortController();
    const { signal } = controller;
    const threads = () => [...Deno.readDirSync("/proc/self/task")].length;
    const before = [waiters(), threads()];
    const counts = rings.map(() => 0);
    const all = Promise.allSettled(rings.map(async (ring, i) => {
      for await (const _ of ring.records({ signal })) counts[i]!++;
    }));
    await eventually(() => waiters() >= before[0]! + 2);
    await turns();
    assertEquals(waiters(), before[0]! + 2);
    assert(threads() <= before[1]! + 1);
    const programs = [test, ...others].map((one) => one.numbering(16));
    for (let round = 0; round < 10; round++) {
      programs.forEach((program, i) => test.run(program, i + 1));
      await turns(1);
    }
    const written = rings.map((_, i) => 10 * (i + 1));
    await eventually(() => counts.every((count, i) => count >= written[i]!));
    controller.abort();
    await all;
    assertEquals(counts, written);
    for (const ring of rings) ring.close();
    for (const other of others) other[Symbol.dispose]();
  },
);

ringTest(
  "Records without a wake-up are read with the next that has one",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    const records = ring.records();
    const next = records.next();
    let woken = false;
    next.then(() => woken = true);
    await turns();
    test.control.flags = NO_WAKEUP;
    test.run(program, 3);
    await turns();
    assertEquals(woken, false);
    test.control.flags = FORCE_WAKEUP;
    test.run(program);
    assertEquals((await next).value!.first, 0n);
    for (const first of [1n, 2n, 3n]) {
      assertEquals((await records.next()).value!.first, first);
    }
    await records.return!();
  },
);

ringTest("Timers run, and abort, while records never run out", async (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const program = test.numbering(16);
  test.run(program, 10);
  const controller = new AbortController();
  const { signal } = controller;
  setTimeout(() => controller.abort("enough"), 0);
  let next = 0n;
  const reason = await (async () => {
    for await (const { first } of ring.records({ signal })) {
      assertEquals(first, next++);
      if (next === 100_000n) break;
      test.run(program);
    }
  })().catch((reason) => reason);
  assertEquals(reason, "enough");
});

ringTest("A signal must be an AbortSignal", async (test) => {
  using ring = new RingBuffer(test.map, Pair);
  const heir = Object.create(AbortSignal.prototype);
  for (const signal of [null, {}, new AbortController(), heir]) {
    assertThrows(
      () => ring.records({ signal: signal as AbortSignal }),
      TypeError,
      "Option signal must be an AbortSignal",
    );
  }
  assertThrows(() => ring.records(null as never), TypeError, "Options");
  await Promise.resolve();
});

for (
  const [end, code] of Object.entries({
    "abort()": `
      const controller = new AbortController();
      const { signal } = controller;
      setTimeout(() => controller.abort(), 20);
      try { for await (const _ of ring.records({ signal })); } catch { /* as meant */ }`,
    "close()": `
      setTimeout(() => ring.close(), 20);
      for await (const _ of ring);`,
    "break": `
      setTimeout(() => test.run(program), 20);
      for await (const _ of ring) break;`,
    "an abandoned iterator": `
      test.run(program);
      await ring.records().next();`,
  })
) {
  bpfTest(`The event loop is not held after ${end}`, async () => {
    const { code: exit, stdout, stderr } = await run(
      `
        import { RingBuffer } from "@hostmem/hostmem/bpf";
        import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
        const test = new TestRing();
        const program = test.numbering(16);
        const ring = new RingBuffer(test.map);
        ${code}
        console.log("ended");
        `,
      { timeout: 30_000 },
    );
    // The process ends of its own accord: else it would be killed.
    assertEquals([exit, stdout.trim(), stderr], [0, "ended", ""]);
  });
}

bpfTest("A wait holds the event loop until there is a record", async () => {
  const { code, stdout } = await run(
    `
      import { RingBuffer } from "@hostmem/hostmem/bpf";
      import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
      const test = new TestRing();
      const program = test.numbering(16);
      const ring = new RingBuffer(test.map);
      const worker = new Worker(
        new URL("./tests/bpf/_program_worker.ts", import.meta.url),
        { type: "module" },
      );
      const ended = new Int32Array(new SharedArrayBuffer(4));
      worker.onmessage = ({ data }) => {
        if (data === "ready") {
          setTimeout(() => {
            worker.postMessage({ program: program.fd, times: 1, rounds: 1, ended });
          }, 50);
        } else worker.terminate();
      };
      for await (const { length } of ring) { console.log(length); break; }
      `,
    { permissions: ["-A"], timeout: 30_000 },
  );
  assertEquals([code, stdout.trim()], [0, "16"]);
});

ringTest(
  "flush() shows a reader that waits what no program woke it for",
  async (test) => {
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    test.control.flags = NO_WAKEUP;
    ring.flush(); // Nobody waits.
    const seen: bigint[] = [];
    const reading = ring.forEach(({ first }) => seen.push(first), { limit: 4 });
    await turns();
    test.run(program, 2);
    await turns();
    assertEquals(seen, []);
    ring.flush();
    await eventually(() => seen.length === 2);
    test.run(program, 2);
    await turns();
    ring.flush();
    assertEquals(await reading, 4);
    ring.close();
    assertThrows(() => ring.flush(), ClosedError);
  },
);
