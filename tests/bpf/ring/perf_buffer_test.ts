import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AlignmentError,
  BoundsError,
  BpfMap,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  PerfBuffer,
  type RingRecord,
} from "../../../bpf/mod.ts";
import { RecordWait } from "../../../bpf/ring/record_wait.ts";
import {
  aligned,
  array,
  HostLayout,
  pageSize,
  snapshot,
  struct,
  u64,
  u8,
} from "../../../mod.ts";
import { sized } from "../../_fire.ts";
import { bpfMaps, listing, perfBuffers, testWith } from "../../_needs.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  Random,
  run,
} from "../../_support.ts";
import { TestEvents } from "./_perf_programs.ts";

const perfTest = testWith(bpfMaps, perfBuffers);
const page = pageSize();

const Pair = struct("Pair", { _: HostLayout, number: u64, other: u64 });
const Bytes = struct("Bytes", { _: HostLayout, number: u64, rest: array(u8) });

/** Has a Worker put records out: so many rounds of so many. */
async function producing(
  program: number,
  times: number,
  rounds: number,
): Promise<{ ended: () => boolean; done: Promise<void> }> {
  const worker = new Worker(new URL("../_program_worker.ts", import.meta.url), {
    type: "module",
  });
  const message = () =>
    new Promise<void>((resolve) => worker.onmessage = () => resolve());
  await message();
  const ended = new Int32Array(new SharedArrayBuffer(4));
  worker.postMessage({ program, times, rounds, ended });
  return {
    ended: () => Atomics.load(ended, 0) === 1,
    done: message().then(() => worker.terminate()),
  };
}

perfTest(
  "PerfBuffer reads what a program puts out, complete and in order",
  () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Pair);
    assertEquals(events.cpus.length, navigator.hardwareConcurrency);
    assertEquals(events.size, 65536);
    const numbers: bigint[] = [];
    for (let i = 0; i < 200; i++) {
      test.output.data.set(new Uint8Array(new BigUint64Array([5n]).buffer), 8);
      test.put(100);
      assertEquals(events.available, 3200);
      const count = events.consume(({ number, other }, length, cpu) => {
        numbers.push(number);
        assertEquals(other, 5n);
        assertEquals(length, 20);
        assert(events.cpus.includes(cpu));
      });
      assertEquals(count, 100);
    }
    // The thread may have moved to another CPU.
    numbers.sort((a, b) => Number(a - b));
    assertEquals(numbers, Array.from({ length: 20_000 }, (_, i) => BigInt(i)));
    assertEquals(events.available, 0);
    assertEquals(events.lost, 0n);
  },
);

perfTest(
  "Records of a program that runs meanwhile are read in order, or counted as lost",
  async () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Pair, { size: 16 * page });
    const rounds = sized(50, 100);
    const total = BigInt(rounds * 1000);
    const { ended, done } = await producing(test.program, 1000, rounds);
    const last = new Map<number, bigint>();
    let read = 0;
    const consume = () => {
      read += events.consume(({ number }, _, cpu) => {
        assert(number > (last.get(cpu) ?? -1n));
        last.set(cpu, number);
      });
    };
    while (!ended()) consume();
    await done;
    consume();
    const lost = test.output.lost.load();
    assertEquals(BigInt(read) + lost, total);
    assertEquals(test.output.next.load(), total);
    assert(events.lost <= lost);
    assert(read > 1000);
  },
);

perfTest("PerfBuffer counts the records that there was no room for", () => {
  using test = new TestEvents();
  using events = new PerfBuffer(test.map, Pair, { size: page });
  // More than all rings have room for, wherever the thread runs.
  let read = 0;
  const cpus = new Set<number>();
  const take = (_record: unknown, _length: number, cpu: number) => {
    read++;
    cpus.add(cpu);
  };
  for (let round = 0; round < 10; round++) {
    test.put(2000);
    events.consume(take);
  }
  // The kernel tells of lost records with the next that there is room for, of
  // the same CPU: this thread may have left one.
  test.put();
  events.consume(take);
  const lost = test.output.lost.load();
  assertEquals(BigInt(read) + lost, test.output.next.load());
  assert(events.lost > 10_000n);
  assert(events.lost <= lost);
  if (cpus.size === 1) assertEquals(events.lost, lost);
});

perfTest(
  "Records of any length are read, also across the end of a ring",
  () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Bytes, { size: 4 * page });
    const random = new Random();
    // Any part of these, which take long to make.
    const pool = random.bytes(16384);
    for (let i = 0; i < 3000; i++) {
      const length = 8 + random.int(i % 10 === 0 ? 7992 : 100);
      const begin = random.int(pool.length - length);
      const bytes = pool.slice(begin, begin + length);
      test.output.data.set(bytes);
      test.output.length = BigInt(length);
      test.put();
      const count = events.consume((record, actual) => {
        // 4 bytes more than a multiple of 8, and what was given in front.
        assertEquals(actual % 8, 4);
        assert(actual >= length && actual < length + 8);
        assertEquals(record.number, BigInt(i));
        const { rest } = record;
        assertEquals(rest.length, actual - 8);
        for (let at = 8; at < length; at++) {
          if (rest.at(at - 8) !== bytes[at]) throw new Error(`Byte ${at}`);
        }
      });
      assertEquals(count, 1);
    }
  },
);

perfTest("Records without a type are seen as one type or another", () => {
  using test = new TestEvents();
  using events = new PerfBuffer(test.map);
  test.put(2);
  let kept: RingRecord | undefined;
  for (const record of events) {
    kept = record;
    assertEquals(record.length, 20);
    assertEquals(record.bytes().length, 20);
    const { number } = record.view(Pair);
    assertEquals(record.view(u64).value, number);
    assertThrows(() => record.view(u64, 16), BoundsError);
    assertThrows(() => record.view(u64, 4), AlignmentError);
  }
  assertThrows(() => kept!.bytes(), ClosedError);
  assertThrows(() => kept!.view(u64), ClosedError);
});

perfTest("A record of a perf buffer is valid until the next one", () => {
  using test = new TestEvents();
  using events = new PerfBuffer(test.map, Bytes);
  test.put(3);
  const copies: unknown[] = [];
  let kept: { number: bigint } | undefined;
  events.consume((record) => {
    copies.push(snapshot(record).number);
    kept = record;
  });
  assertEquals(copies, [0n, 1n, 2n]);
  assertThrows(() => kept!.number, ClosedError);
  test.put(1);
  const [record] = events;
  assertThrows(() => record!.number, ClosedError);
});

perfTest("PerfBuffer.consume() ends by a limit, a throw, and a close", () => {
  using test = new TestEvents();
  const events = new PerfBuffer(test.map, Pair);
  test.put(10);
  const numbers: bigint[] = [];
  const take = ({ number }: { number: bigint }) => {
    numbers.push(number);
  };
  assertEquals(events.consume(take, { limit: 3 }), 3);
  assertEquals(events.consume(take, { limit: 0 }), 0);
  assertThrows(
    () =>
      events.consume((record) => {
        take(record);
        throw new Error("enough");
      }),
    Error,
    "enough",
  );
  for (const record of events) {
    take(record);
    assertThrows(() => events.consume(take), TypeError, "being read already");
    assertThrows(() => [...events], TypeError);
    break;
  }
  events.consume((record) => {
    take(record);
    assertThrows(() => events.consume(take), TypeError);
  }, { limit: 1 });
  events.consume((record) => {
    take(record);
    events.close();
    assertThrows(() => record.number, ClosedError);
  });
  assertEquals(numbers.length, 7);
  assertEquals(new Set(numbers).size, 7);
  assertThrows(() => events.consume(take), ClosedError);
  assertThrows(() => events.available, ClosedError);
  assertThrows(() => [...events], ClosedError);
  assertEquals(mappings("anon_inode:[perf_event]"), []);
  assert(Deno.inspect(events).includes("closed"));
});

perfTest(
  "A record that is shorter than the type is an error, and is skipped",
  () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Pair);
    test.output.length = 8n;
    test.put(1);
    test.output.length = 16n;
    test.put(1);
    const error = assertThrows(() => events.consume(() => {}), BoundsError);
    assert(error.message.includes("16-byte value exceeds"), error.message);
    const numbers: bigint[] = [];
    events.consume(({ number }) => numbers.push(number));
    assertEquals(numbers, [1n]);
  },
);

perfTest(
  "for await waits for records, and ends by a signal, a break and a close",
  async () => {
    using test = new TestEvents();
    const events = new PerfBuffer(test.map, Pair);
    const numbers: bigint[] = [];
    setTimeout(() => test.put(5), 10);
    for await (const { number } of events) {
      numbers.push(number);
      if (numbers.length === 5) setTimeout(() => test.put(2), 10);
      if (numbers.length === 7) break;
    }
    // Each CPU has a ring of its own, and this thread may change its CPU.
    numbers.sort((a, b) => Number(a - b));
    assertEquals(numbers, [0n, 1n, 2n, 3n, 4n, 5n, 6n]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("ended")), 10);
    await assertRejects(
      async () => {
        for await (const _ of events.records({ signal: controller.signal }));
      },
      Error,
      "ended",
    );
    await assertRejects(
      async () => {
        for await (const _ of events.records({ signal: controller.signal }));
      },
      Error,
      "ended",
    );
    setTimeout(() => events.close(), 10);
    for await (const _ of events) assert(false);
    await assertRejects(async () => {
      for await (const _ of events);
    }, ClosedError);
    // @ts-expect-error Not a signal.
    assertThrows(() => events.records({ signal: {} }), TypeError);
  },
);

/** Does something once, between a reading's last look and its first wait. */
function asAWaitBegins(act: () => void): void {
  const { event } = RecordWait.prototype;
  RecordWait.prototype.event = function () {
    RecordWait.prototype.event = event;
    act();
    return event.call(this);
  };
}

perfTest("A record that comes as a wait begins is not waited for", async () => {
  using test = new TestEvents();
  using events = new PerfBuffer(test.map, Pair);
  const numbers: bigint[] = [];
  asAWaitBegins(() => test.put(1));
  const until = AbortSignal.timeout(20_000);
  await events.forEach(({ number }) => numbers.push(number), {
    until,
    limit: 1,
  });
  asAWaitBegins(() => test.put(1));
  for await (const { number } of events.records({ until })) {
    numbers.push(number);
    break;
  }
  assertEquals(numbers, [0n, 1n]);
});

perfTest(
  "for await reads everything that a program puts out meanwhile",
  async () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Pair, { size: 256 * page });
    const { done } = await producing(test.program, 100, 500);
    const controller = new AbortController();
    done.then(() => controller.abort());
    let count = 0;
    try {
      for await (const _ of events.records({ signal: controller.signal })) {
        count++;
      }
    } catch (error) {
      assertEquals((error as Error).name, "AbortError");
    }
    assert(count > 1000);
    count += events.consume(() => {});
    assertEquals(BigInt(count) + test.output.lost.load(), 50_000n);
  },
);

perfTest("Timers run, and abort, while perf events never run out", async () => {
  using test = new TestEvents();
  using events = new PerfBuffer(test.map, Pair);
  test.put(10);
  const controller = new AbortController();
  const { signal } = controller;
  setTimeout(() => controller.abort("enough"), 0);
  let count = 0;
  const reason = await (async () => {
    for await (const _ of events.records({ signal })) {
      if (++count === 100_000) break;
      test.put();
    }
  })().catch((reason) => reason);
  assertEquals(reason, "enough");
});

perfTest(
  "A signal whose methods throw does not keep a PerfBuffer from being read",
  async () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map);
    const { signal } = new AbortController();
    for (const name of ["addEventListener", "removeEventListener"]) {
      Object.defineProperty(signal, name, {
        value() {
          throw new Error("It was called");
        },
      });
    }
    test.put(2);
    await assertRejects(
      async () => {
        for await (const _ of events.records({ signal })) break;
      },
      Error,
      "It was called",
    );
    assertEquals(events.consume(() => {}), 2);
  },
);

perfTest(
  "A wait for perf events that was aborted does not hold the event loop",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap, PerfBuffer } from "./bpf/mod.ts";
      const map = BpfMap.create({ type: "perf_event_array", valueSize: 4, maxEntries: 8 });
      const events = new PerfBuffer(map);
      const signal = AbortSignal.timeout(50);
      try {
        for await (const _ of events.records({ signal }));
      } catch (error) {
        console.log(error.name);
      }
    `,
      { timeout: 20_000 },
    );
    assertEquals(
      { code, stdout },
      { code: 0, stdout: "TimeoutError\n" },
      stderr,
    );
  },
);

perfTest("PerfBuffer takes maps of perf events and nothing else", () => {
  const descriptors = openDescriptors().length;
  {
    using test = new TestEvents();
    using plain = BpfMap.create({
      type: "array",
      valueSize: 4,
      maxEntries: 2,
    });
    assertThrows(() => new PerfBuffer(plain), NotSupportedError);
    for (const hostile of [undefined, null, 5, {}, { fd: "5" }]) {
      // @ts-expect-error Not a map.
      assertThrows(() => new PerfBuffer(hostile));
    }
    for (
      const size of [
        0,
        -1,
        1,
        page - 1,
        3 * page,
        page + 0.5,
        NaN,
        2 ** 40,
        "4096",
      ]
    ) {
      assertThrows(
        // @ts-expect-error Not always a number.
        () => new PerfBuffer(test.map, undefined, { size }),
        RangeError,
      );
    }
    // @ts-expect-error Not options.
    assertThrows(() => new PerfBuffer(test.map, Pair, null), TypeError);
    const Unmarked = struct("Unmarked", { a: u64 });
    // @ts-expect-error It is not marked.
    assertThrows(() => new PerfBuffer(test.map, Unmarked), InvalidTypeError);
    const Wide = struct("Wide", { _: HostLayout, a: aligned(u64, 16) });
    assertThrows(() => new PerfBuffer(test.map, Wide), AlignmentError);
    const Large = struct("Large", { _: HostLayout, a: array(u8, 65536) });
    assertThrows(() => new PerfBuffer(test.map, Large), BoundsError);
    using events = new PerfBuffer(test.map, Pair);
    for (const callback of [undefined, null, {}, 5]) {
      // @ts-expect-error Not a function.
      assertThrows(() => events.consume(callback), TypeError);
    }
    for (const limit of [-1, 0.5, NaN, "5"]) {
      // @ts-expect-error Not always a number.
      assertThrows(() => events.consume(() => {}, { limit }), RangeError);
    }
    test.map.close();
    assertThrows(() => new PerfBuffer(test.map), ClosedError);
  }
  assert(openDescriptors().length <= descriptors);
  assertEquals(mappings("anon_inode:[perf_event]"), []);
});

perfTest(
  "A second PerfBuffer takes over, and goes on when the first is closed",
  () => {
    using test = new TestEvents();
    const first = new PerfBuffer(test.map, Pair);
    using second = new PerfBuffer(test.map, Pair);
    test.put(3);
    assertEquals(first.consume(() => {}), 0);
    assertEquals(second.consume(() => {}), 3);
    first.close();
    // Nor does one that cannot be made disturb it.
    const Wide = struct("Wide", { _: HostLayout, a: aligned(u64, 16) });
    assertThrows(() => new PerfBuffer(test.map, Wide), AlignmentError);
    test.put(3);
    assertEquals(second.consume(() => {}), 3);
    second.close();
    test.put(1);
    assertEquals(test.output.lost.load(), 1n);
  },
);

testWith(bpfMaps, perfBuffers, listing)(
  "A PerfBuffer of another thread goes on when the first is closed",
  async () => {
    using test = new TestEvents();
    const first = new PerfBuffer(test.map, Pair);
    const code = `
      import { BpfMap, PerfBuffer } from "${
      import.meta.resolve("../../../bpf/mod.ts")
    }";
      const events = new PerfBuffer(BpfMap.fromId(${test.map.info.id}));
      onmessage = () => postMessage(events.consume(() => {}));
      postMessage("ready");
    `;
    const worker = new Worker(
      `data:application/javascript,${encodeURIComponent(code)}`,
      { type: "module" },
    );
    const answer = () =>
      new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    assertEquals(await answer(), "ready");
    first.close();
    test.put(3);
    worker.postMessage("consume");
    assertEquals(await answer(), 3);
    worker.terminate();
  },
);

perfTest("A closed or dropped PerfBuffer leaves nothing behind", async () => {
  using test = new TestEvents();
  const descriptors = openDescriptors().length;
  const use = (i: number) => {
    const events = new PerfBuffer(test.map, Pair);
    test.put(1);
    assertEquals(events.consume(() => {}), 1);
    if (i % 2 === 1) return;
    events.close();
    events.close();
  };
  for (let i = 0; i < 100; i++) use(i);
  await eventually(() => {
    collect();
    return mappings("anon_inode:[perf_event]").length === 0 &&
      openDescriptors().length <= descriptors;
  });
});

perfTest(
  "Another PerfBuffer reads on after the process of the first was killed",
  async () => {
    using test = new TestEvents();
    const { signal, stderr } = await run(
      `
      import { BpfMap, PerfBuffer } from "./bpf/mod.ts";
      const events = new PerfBuffer(BpfMap.fromId(Number(Deno.args[0])));
      events.consume(() => {});
      Deno.kill(Deno.pid, "SIGKILL");
    `,
      { permissions: ["-A"], args: [`${test.map.info.id}`] },
    );
    assertEquals(signal, "SIGKILL", stderr);
    test.put(1);
    using events = new PerfBuffer(test.map, Pair);
    test.put(2);
    const numbers: bigint[] = [];
    events.consume(({ number }) => numbers.push(number));
    assertEquals(numbers, [1n, 2n]);
  },
);

perfTest(
  "PerfBuffer.pause() keeps records out, and resume() lets them in",
  () => {
    using test = new TestEvents();
    using events = new PerfBuffer(test.map, Pair);
    const numbers: bigint[] = [];
    const take = () => events.consume(({ number }) => numbers.push(number));
    test.put(2);
    events.pause();
    assertEquals(take(), 2); // What was there before.
    const refused = test.output.lost.load();
    test.put(3);
    assertEquals(test.output.lost.load(), refused + 3n);
    assertEquals(take(), 0);
    events.resume();
    test.put(1);
    assertEquals(take(), 1);
    assertEquals(numbers, [0n, 1n, 5n]);
    events.close();
    assertThrows(() => events.pause(), ClosedError);
  },
);

for (const options of [{ wakeupEvents: 3 }, { watermark: 3 * 32 }]) {
  const [name] = Object.keys(options);
  perfTest(
    `PerfBuffer wakes its reader after as much as ${name} says, or flush()`,
    async () => {
      using test = new TestEvents();
      using events = new PerfBuffer(test.map, Pair, options);
      let count = 0;
      const reading = events.forEach(() => count++, { limit: 13 });
      await new Promise((resolve) => setTimeout(resolve, 10));
      test.put(1);
      await new Promise((resolve) => setTimeout(resolve, 10));
      assertEquals(count, 0);
      events.flush();
      await eventually(() => count === 1);
      // Each CPU counts for itself, and this thread may change between them.
      test.put(12);
      assertEquals(await reading, 13);
    },
  );
}

perfTest("PerfBuffer refuses to be woken never, or in two ways", () => {
  using test = new TestEvents();
  const open = (options: object) => () =>
    new PerfBuffer(test.map, Pair, options);
  assertThrows(open({ wakeupEvents: 0 }), RangeError, "from 1");
  assertThrows(open({ watermark: 65537 }), RangeError, "65536 bytes");
  assertThrows(
    open({ wakeupEvents: 1, watermark: 8 }),
    TypeError,
    "received both",
  );
  assertThrows(open({ wakeUp: 1 }), TypeError, 'no option "wakeUp"');
});

perfTest("PerfBuffer takes no other map when an option closes its own", () => {
  using test = new TestEvents();
  const { map } = test;
  using stack = new DisposableStack();
  const options = {
    get wakeupEvents() {
      const { type, keySize, valueSize, maxEntries } = map.info;
      map.close();
      // It gets the number of the descriptor that was closed.
      stack.use(BpfMap.create({ type: type!, keySize, valueSize, maxEntries }));
      return 1;
    },
  };
  assertThrows(() => new PerfBuffer(map, Pair, options), ClosedError);
});
