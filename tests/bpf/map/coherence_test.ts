import { assert, assertEquals } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import { atomic, HostLayout, struct, u32, u64 } from "../../../layout/mod.ts";
import { Memory } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { bytes, mappable, number } from "../_maps.ts";
import { Program, testRun } from "../_program.ts";

bpfTest("What a pointer writes BPF_MAP_LOOKUP_ELEM returns", () => {
  using map = mappable();
  const pointer = map.pointer(u64, 2);
  for (const value of [1n, 0x0102_0304_0506_0708n, 2n ** 64n - 1n, 0n]) {
    pointer.value = value;
    assertEquals(number(map.lookup(2)), value);
    assertEquals(map.lookup(2), bytes(value));
  }
  assertEquals([number(map.lookup(1)), number(map.lookup(3))], [0n, 0n]);
});

bpfTest(
  "What BPF_MAP_UPDATE_ELEM stores a pointer, a view and values read",
  () => {
    using map = mappable();
    const pointer = map.pointer(u64, 2);
    const view = map.view(u64, 2);
    const values = map.elements(u64);
    for (const value of [1n, 0x0102_0304_0506_0708n, 2n ** 64n - 1n, 0n]) {
      map.update(2, bytes(value));
      assertEquals([pointer.value, view.value, values.at(2)], [
        value,
        value,
        value,
      ]);
    }
  },
);

bpfTest("Two mappings of one map agree", () => {
  using map = mappable();
  using same = BpfMap.fromId(map.info.id);
  using third = Memory.map(map.fd, map.memorySize, { readOnly: true });
  const [one, other] = [map.pointer(u64, 1), same.pointer(u64, 1)];
  one.value = 11n;
  assertEquals([other.value, third.view(u64, 8).value], [11n, 11n]);
  other.value = 12n;
  assertEquals([one.value, third.view(u64, 8).value], [12n, 12n]);
  map.memory().close();
  other.value = 13n;
  assertEquals(third.view(u64, 8).value, 13n);
  same.memory().close();
});

const Counters = struct("Counters", {
  _: HostLayout,
  before: u64,
  count: atomic(u64),
  after: u32,
});

bpfTest("What a BPF program adds is seen through an atomic at once", () => {
  using map = mappable({ valueSize: Counters.size, maxEntries: 1 });
  using program = Program.adding(map.fd, 8, 3);
  const counters = map.pointer(Counters, 0);
  for (let runs = 1; runs <= 5; runs++) {
    testRun(program.fd, 1);
    assertEquals(counters.count.load(), BigInt(3 * runs));
  }
  counters.count.store(2n ** 64n - 1n);
  testRun(program.fd, 1);
  assertEquals(counters.count.load(), 2n);
  assertEquals([counters.before, counters.after], [0n, 0]);
});

bpfTest(
  "No count is lost while a BPF program and this program both add",
  async () => {
    using map = mappable({ valueSize: Counters.size, maxEntries: 1 });
    using program = Program.adding(map.fd, 8, 1);
    const { count } = map.pointer(Counters, 0);
    const worker = new Worker(
      new URL("../_program_worker.ts", import.meta.url).href,
      { type: "module" },
    );
    try {
      await next(worker);
      const times = 50_000;
      const rounds = 40;
      // Whether they meet is a matter of luck, and of who has a processor when.
      let ours = 0n;
      let theirs = 0n;
      let met = 0;
      for (let attempt = 0; met === 0; attempt++) {
        assert(attempt < 200, "The two never met, which shows nothing");
        // Non-zero once the Worker has run the program for the last time.
        const ended = new Int32Array(new SharedArrayBuffer(4));
        const message = next(worker);
        worker.postMessage({ program: program.fd, times, rounds, ended });
        while (Atomics.load(ended, 0) === 0) {
          for (let i = 0; i < 1000; i++) {
            const before = count.add(1n);
            ours++;
            if (count.load() - before > 1n) met++;
          }
        }
        assertEquals(await message, "done");
        theirs += BigInt(times * rounds);
        assertEquals(count.load(), theirs + ours);
      }
    } finally {
      worker.terminate();
    }
  },
);

/** The next message of a Worker, or its error. */
function next(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}
