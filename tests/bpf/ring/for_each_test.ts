import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  BpfMap,
  BpfObject,
  PerfBuffer,
  RecordSource,
  RingBuffer,
} from "../../../bpf/mod.ts";
import { BoundsError, ClosedError } from "../../../errors.ts";
import { array, HostLayout, struct, u64 } from "../../../layout/mod.ts";
import { bpfTest, testWith } from "../../_needs.ts";
import { eventually, TemporaryDirectory } from "../../_support.ts";
import { attachable, attachTest, compileAttach } from "../_attach.ts";
import { TestRing } from "./_ring_programs.ts";

const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });

/** Lets timers and other promises run. */
const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

bpfTest(
  "forEach() reads what there is and what comes, in order, until a signal ends it quietly",
  async () => {
    using test = new TestRing();
    using ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    test.run(program, 5);
    const seen: bigint[] = [];
    const controller = new AbortController();
    const reading = ring.forEach(({ first }, length) => {
      assertEquals(length, 16);
      seen.push(first);
    }, { until: controller.signal });
    await eventually(() => seen.length === 5);
    for (let i = 1; i <= 5; i++) {
      test.run(program, 3);
      await eventually(() => seen.length === 5 + 3 * i);
    }
    assertEquals(seen, Array.from({ length: 20 }, (_, i) => BigInt(i)));
    assertEquals(ring.available, 0);
    assertThrows(() => ring.consume(() => {}), TypeError, "being read");
    controller.abort();
    assertEquals(await reading, 20);
    assertEquals(ring.consume(() => {}), 0);
  },
);

bpfTest("forEach() ends at its limit, and leaves the rest", async () => {
  using test = new TestRing();
  using ring = new RingBuffer(test.map, Pair);
  test.run(test.numbering(16), 10);
  const seen: bigint[] = [];
  const keep = ({ first }: { first: bigint }) => void seen.push(first);
  assertEquals(await ring.forEach(keep, { limit: 3 }), 3);
  assertEquals(await ring.forEach(keep, { limit: 0 }), 0);
  assertEquals(await ring.forEach(keep, { limit: 7 }), 7);
  assertEquals(seen.length, 10);
});

bpfTest(
  "forEach() ends with the reason of its signal, with what the callback throws, and by close()",
  async () => {
    using test = new TestRing();
    const ring = new RingBuffer(test.map, Pair);
    const program = test.numbering(16);
    const reason = new Error("enough");
    const controller = new AbortController();
    const aborted = ring.forEach(() => {}, { signal: controller.signal });
    await turns();
    controller.abort(reason);
    assertEquals(await assertRejects(() => aborted), reason);
    test.run(program, 4);
    let calls = 0;
    await assertRejects(
      () =>
        ring.forEach(() => {
          if (++calls === 2) throw reason;
        }),
      Error,
      "enough",
    );
    // The record that it was called with is consumed, and no more.
    assertEquals(ring.consume(() => {}), 2);
    test.run(program, 1);
    const Long = array(u64, 4);
    using long = new RingBuffer(test.map, Long);
    await assertRejects(() => long.forEach(() => {}), BoundsError);
    const closed = ring.forEach(() => {});
    await turns();
    ring.close();
    assertEquals(await closed, 0);
    await assertRejects(() => ring.forEach(() => {}), ClosedError);
    await assertRejects(
      () => long.forEach(() => {}, { signals: 1 } as never),
      TypeError,
      `There is no option "signals": the options are signal, until, limit`,
    );
  },
);

bpfTest("forEach() lets timers run while records never run out", async () => {
  using test = new TestRing();
  using ring = new RingBuffer(test.map, Pair);
  const program = test.numbering(16);
  let count = 0;
  let ticks = 0;
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (++ticks === 3) controller.abort();
  }, 1);
  test.run(program, 1);
  await ring.forEach(() => {
    count++;
    test.run(program, 1);
  }, { until: controller.signal });
  clearInterval(timer);
  assert(count > 0);
  assertEquals(ticks, 3);
});

bpfTest(
  "RecordSource.forEach() reads several rings, each with its own callback",
  async () => {
    using first = new TestRing();
    using second = new TestRing();
    using one = new RingBuffer(first.map, Pair);
    using two = new RingBuffer(second.map);
    const controller = new AbortController();
    const seen: string[] = [];
    const reading = RecordSource.forEach([one, two], [
      ({ first }) => void seen.push(`one ${first}`),
      (record) => void seen.push(`two ${record.length}`),
    ], { until: controller.signal });
    const numbers = [first.numbering(16), second.numbering(24)];
    await turns();
    second.run(numbers[1]!, 1);
    await eventually(() => seen.length === 1);
    first.run(numbers[0]!, 2);
    await eventually(() => seen.length === 3);
    assertEquals(seen, ["two 24", "one 0", "one 1"]);
    // One of them is closed, and the other goes on.
    two.close();
    await turns();
    first.run(numbers[0]!, 1);
    await eventually(() => seen.length === 4);
    assertEquals(seen.at(-1), "one 2");
    controller.abort();
    assertEquals(await reading, 4);
    await assertRejects(
      () => RecordSource.forEach([one], [] as never),
      TypeError,
      "There must be a callback for each source",
    );
    // None is begun where one cannot be.
    await assertRejects(
      () => RecordSource.forEach([one, two], [() => {}, () => {}]),
      ClosedError,
    );
    assertEquals(one.consume(() => {}), 0);
  },
);

testWith(attachable)(
  "A wait for records says that the object was closed, once it has read what is left",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileAttach(directory, "ring_writer");
    for (const how of ["for await", "forEach"] as const) {
      const object = BpfObject.load(path);
      using ring = new RingBuffer(object.map("events"), u64);
      let count = 0;
      const reading = how === "forEach"
        ? ring.forEach(() => count++)
        : (async () => {
          for await (const _ of ring) count++;
        })();
      reading.catch(() => {});
      await turns();
      object.program("write_event").attach();
      object.close();
      const error = await assertRejects(
        () => reading as Promise<unknown>,
        ClosedError,
        "its BpfObject was closed, and no program is left that could write it",
      );
      assert(error.message.includes("ring buffer"));
      assertEquals(ring.consume(() => {}), 0);
      assertEquals(how === "forEach" || how === "for await", true);
      assert(count >= 0);
    }
  },
);

testWith(attachable)(
  "A wait for records goes on after its object was closed while another program can write",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileAttach(directory, "ring_writer");
    const object = BpfObject.load(path);
    using ring = new RingBuffer(object.map("events"), u64);
    using other = BpfObject.load(path, {
      maps: { events: { reuse: object.map("events") } },
    });
    const controller = new AbortController();
    let count = 0;
    const reading = ring.forEach(() => void count++, {
      until: controller.signal,
    });
    await turns();
    object.close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    other.program("write_event").attach();
    await eventually(() => count === 3);
    controller.abort();
    assertEquals(await reading, 3);
  },
);

bpfTest(
  "PerfBuffer.forEach() is told the CPU, and takes no unknown option",
  async () => {
    using map = BpfMap.create({
      type: "perf_event_array",
      valueSize: 4,
      maxEntries: 1024,
    });
    using events = new PerfBuffer(map);
    await assertRejects(
      () => events.forEach(() => {}, { limits: 1 } as never),
      TypeError,
      "There is no option",
    );
    const controller = new AbortController();
    const reading = events.forEach(
      (_record, _length, cpu: number) => void cpu,
      {
        until: controller.signal,
      },
    );
    await turns();
    controller.abort();
    assertEquals(await reading, 0);
  },
);

attachTest("A ring is read by the type that its definition names", async () => {
  using directory = new TemporaryDirectory();
  const path = await compileAttach(directory, "ring_writer");
  using object = BpfObject.load(path);
  const map = object.map("typed");
  const type = map.valueType;
  assert(type !== undefined);
  assertEquals([type.name, type.size], ["event", 16]);
  using ring = new RingBuffer(map, type);
  const link = object.program("write_typed").attach();
  link.close();
  const numbers = new Set<bigint>();
  ring.consume((record) => {
    numbers.add((record as unknown as { number: bigint }).number);
  });
  assertEquals(numbers, new Set([42n]));
});
