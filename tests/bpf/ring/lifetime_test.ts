import { assert, assertEquals, assertThrows } from "@std/assert";
import { RingBuffer } from "../../../bpf/mod.ts";
import { ClosedError } from "../../../errors.ts";
import { HostLayout, struct, u64 } from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfMaps, bpfTest, machine, testWith } from "../../_needs.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  run,
} from "../../_support.ts";
import { mapExists } from "../_maps.ts";
import { TestRing } from "./_ring_programs.ts";

const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });

interface Held {
  readonly maps: number;
  readonly descriptors: number;
  readonly waits: number;
}

/** Counts what this process has of ring buffers. */
function held(): Held {
  return {
    maps: mappings("anon_inode:bpf-map").length,
    descriptors: openDescriptors("anon_inode:bpf-map").length,
    waits: openDescriptors("anon_inode:[eventpoll]").length +
      openDescriptors("anon_inode:[eventfd").length,
  };
}

/** Counts the threads of this process that sleep in `epoll_wait` of ours. */
function sleepers(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    try {
      const call = Deno.readTextFileSync(`/proc/self/task/${name}/syscall`);
      // x86-64 and aarch64: epoll_wait, epoll_pwait; nobody else waits 2000 ms
      // for 64 events.
      const [number, , , most, time] = call.split(" ");
      if (
        /^(232|281|22)$/.test(number!) && most === "0x40" && time === "0x7d0"
      ) count++;
    } catch {
      // The thread has ended.
    }
  }
  return count;
}

bpfTest(
  "RingBuffer.close() unmaps at once, and the kernel forgets the map",
  () => {
    const before = held();
    const test = new TestRing();
    const { id } = test.map.info;
    const ring = new RingBuffer(test.map, Pair);
    assertEquals(held().maps, before.maps + 2 + 1);
    test[Symbol.dispose]();
    assert(mapExists(id));
    ring.close();
    assertEquals(held(), before);
  },
);

bpfTest(
  "200 rings closed leave no mapping, no descriptor, no waiting thread",
  async () => {
    const before = held();
    for (let i = 0; i < 200; i++) {
      using test = new TestRing();
      const program = test.numbering(16);
      using ring = new RingBuffer(test.map, Pair);
      test.run(program, 3);
      ring.consume(() => {}, { limit: 1 });
      for (const _ of ring) break;
      for await (const _ of ring) break;
      const waiting = ring.records().next();
      // Every other time the other thread is asleep by then.
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      // It is seen when it is asleep: so what is seen at the end means something.
      if (i === 0) await eventually(() => sleepers() === 1);
      ring.close();
      assertEquals((await waiting).done, true);
    }
    await eventually(() => held().waits === before.waits);
    assertEquals(held(), before);
    await eventually(() => sleepers() === 0);
  },
);

function drop(
  test: TestRing,
  program: ReturnType<TestRing["numbering"]>,
): void {
  const ring = new RingBuffer(test.map, Pair);
  test.run(program, 3);
  ring.consume(() => {}, { limit: 1 });
  for (const _ of ring) break;
}

/** Begins an iteration, of which nothing is left but what waiting takes. */
async function dropWithin(test: TestRing): Promise<void> {
  const ring = new RingBuffer(test.map, Pair);
  const records = ring.records();
  const program = test.numbering(16);
  const next = records.next();
  test.run(program);
  await next;
}

bpfTest(
  "200 rings dropped leave no mapping, no descriptor, no waiting thread",
  async () => {
    const before = held();
    for (let i = 0; i < 200; i++) {
      using test = new TestRing();
      if (i % 2 === 0) drop(test, test.numbering(16));
      else await dropWithin(test);
    }
    await eventually(() => {
      collect();
      const now = held();
      return now.maps === before.maps &&
        now.descriptors === before.descriptors && now.waits === before.waits;
    }, 20_000);
    assertEquals(sleepers(), 0);
  },
);

bpfTest(
  "A record keeps the memory of its ring, and not the ring from closing",
  () => {
    using test = new TestRing();
    const ring = new RingBuffer(test.map, Pair);
    test.run(test.numbering(16), 2);
    let kept: { readonly first: bigint } | undefined;
    ring.consume((record) => {
      kept = record;
      ring.close();
      // Other memory at once, which may come to lie at the same addresses.
      using _other = Memory.create(65536);
      assertThrows(() => kept!.first, ClosedError);
    });
    assertThrows(() => kept!.first, ClosedError);
  },
);

bpfTest(
  "Who is killed while it reads leaves the ring to the next reader",
  async () => {
    using test = new TestRing(65536);
    const program = test.numbering(16);
    const count = 2000;
    test.run(program, count);
    const reader = (code: string) =>
      run(
        `
        import { BpfMap, RingBuffer } from "@hostmem/hostmem/bpf";
        import { HostLayout, struct, u64 } from "@hostmem/hostmem";
        const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });
        using map = BpfMap.fromId(${test.map.info.id});
        using ring = new RingBuffer(map, Pair);
        const last = 1000n;
        ${code}
        `,
        { permissions: ["-A"] },
      );
    const kill = `Deno.kill(Deno.pid, "SIGKILL"); while (true);`;
    using ring = new RingBuffer(test.map, Pair);
    using page = Memory.map(test.map.fd, pageSize());
    const position = page.view(u64);
    const next = () => {
      for (const { first } of ring) return first;
    };

    const first = await reader(
      `ring.consume(({ first }) => { if (first === last) { ${kill} } });`,
    );
    assertEquals(first.signal, "SIGKILL");
    // The last batch that was full: a quarter of 64 KiB, in records of 24 bytes.
    const batch = Math.ceil(16384 / 24);
    assertEquals(position.value, BigInt(batch * 24));
    assertEquals(next(), BigInt(batch));

    const second = await reader(
      `for await (const { first } of ring) { if (first === last) { ${kill} } }`,
    );
    assertEquals(second.signal, "SIGKILL");
    // Each but the one in hand.
    assertEquals(position.value, 1000n * 24n);
    const seen: bigint[] = [];
    ring.consume(({ first }) => void seen.push(first));
    assertEquals(seen.length, count - 1000);
    assertEquals([seen[0], seen.at(-1)], [1000n, BigInt(count - 1)]);
  },
);

bpfTest(
  "A Worker that waits can be ended, and so can the process",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
      const test = new TestRing();
      const code = \`
        import { BpfMap, RingBuffer } from "\${import.meta.resolve("@hostmem/hostmem/bpf")}";
        const ring = new RingBuffer(BpfMap.fromId(\${test.map.info.id}));
        setTimeout(() => self.postMessage("waiting"), 20);
        for await (const _ of ring);
      \`;
      const worker = new Worker(
        "data:application/javascript," + encodeURIComponent(code),
        { type: "module" },
      );
      await new Promise((resolve) => worker.onmessage = resolve);
      worker.terminate();
      console.log("ended");
      `,
      { permissions: ["-A"], timeout: 60_000 },
    );
    assertEquals([code, stdout.trim()], [0, "ended"], stderr);
  },
);

testWith(bpfMaps, machine("x86_64"))(
  "RingBuffer needs no more than libc",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap, RingBuffer } from "@hostmem/hostmem/bpf";
      using map = BpfMap.create({ type: "ringbuf", maxEntries: 4096 });
      using ring = new RingBuffer(map);
      setTimeout(() => ring.close(), 20);
      for await (const _ of ring);
      console.log(ring.closed);
      `,
      { permissions: ["--allow-ffi=/lib/x86_64-linux-gnu/libc.so.6"] },
    );
    assertEquals([code, stdout.trim()], [0, "true"], stderr);
  },
);

bpfTest("RingBuffer reads where code cannot be generated", async () => {
  const { code, stdout, stderr } = await run(
    `
      import { RingBuffer } from "@hostmem/hostmem/bpf";
      import { HostLayout, struct, u64 } from "@hostmem/hostmem";
      import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
      const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });
      using test = new TestRing();
      test.run(test.numbering(16), 5);
      using ring = new RingBuffer(test.map, Pair);
      const seen = [];
      ring.consume(({ first }) => seen.push(first), { limit: 2 });
      for (const { second } of ring) { seen.push(second); if (second === 3n) break; }
      for await (const { first } of ring) { seen.push(first); break; }
      console.log(seen.join());
      `,
    { v8Flags: ["disallow-code-generation-from-strings"] },
  );
  assertEquals([code, stdout.trim()], [0, "0,1,2,3,4"], stderr);
});

bpfTest(
  "An iteration that was dropped does not keep the next from waiting",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { RingBuffer } from "@hostmem/hostmem/bpf";
      import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
      using test = new TestRing();
      using other = new TestRing();
      const program = test.numbering(16);
      // The epoll instance stays, for somebody waits all the while.
      const waiting = new RingBuffer(other.map);
      const never = waiting.records().next();
      async function waitAndDrop() {
        const next = new RingBuffer(test.map).records().next();
        test.run(program);
        await next;
      }
      for (let i = 0; i < ${sized(5, 20)}; i++) {
        await waitAndDrop();
        for (let turn = 0; turn < 2; turn++) {
          gc();
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        // Its descriptor has the number of the one that was closed.
        using ring = new RingBuffer(test.map);
        ring.consume(() => {});
        const records = ring.records();
        const next = records.next();
        test.run(program);
        await next;
      }
      waiting.close();
      console.log((await never).done);
      `,
      { v8Flags: ["expose-gc"], timeout: 60_000 },
    );
    assertEquals([code, stdout.trim()], [0, "true"], stderr);
  },
);

bpfTest(
  "An iteration keeps the descriptor of a ring that nobody else keeps",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { RingBuffer } from "@hostmem/hostmem/bpf";
      import { TestRing } from "./tests/bpf/ring/_ring_programs.ts";
      using test = new TestRing();
      const program = test.numbering(16);
      const begin = () => new RingBuffer(test.map).records();
      const records = begin();
      for (let turn = 0; turn < 5; turn++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const next = records.next();
      test.run(program);
      console.log((await next).value.length);
      `,
      { v8Flags: ["expose-gc"], timeout: 60_000 },
    );
    assertEquals([code, stdout.trim()], [0, "16"], stderr);
  },
);

bpfTest(
  "An iteration ends in time though no thread of the pool is free to come back",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap, RingBuffer } from "./bpf/mod.ts";
      const { symbols } = Deno.dlopen("libc.so.6", {
        poll: { parameters: ["pointer", "u64", "i32"], result: "i32", nonblocking: true },
      });
      using map = BpfMap.create({ type: "ringbuf", maxEntries: 65536 });
      const ring = new RingBuffer(map);
      // More than the pool has threads, each of which sleeps for seconds.
      const sleepers = Array.from({ length: 200 }, () => symbols.poll(null, 0n, 10_000));
      const iteration = (async () => {
        for await (const _ of ring);
        return "ended";
      })();
      setTimeout(() => ring.close(), 10);
      const slept = Promise.any(sleepers).then(() => "slept");
      console.log(await Promise.race([iteration, slept]));
      Deno.exit();
    `,
      { permissions: ["-A"] },
    );
    assertEquals({ code, stdout }, { code: 0, stdout: "ended\n" }, stderr);
  },
);
