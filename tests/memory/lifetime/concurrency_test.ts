import { assert, assertEquals } from "@std/assert";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfTest } from "../../_needs.ts";
import { run } from "../../_support.ts";
import { Program } from "../../bpf/_program.ts";
import { BpfMap } from "../_kernel.ts";
import { Attached } from "../workers/_workers.ts";

const page = pageSize();

/** The number of maps and closes, while two threads look on all the time. */
const ROUNDS = Deno.env.get("HOSTMEM_ROUNDS") ?? `${sized(600, 100_000)}`;

const hammered = `
  import { Memory, pageSize } from "./memory/mod.ts";
  import { Attached, Shared } from "./tests/memory/workers/_workers.ts";
  import { mappings } from "./tests/_support.ts";
  const page = pageSize();
`;

// deno-lint-ignore no-explicit-any
async function outcome(program: string, timeout: number): Promise<any> {
  const { code, signal, stdout, stderr } = await run(hammered + program, {
    permissions: ["-A"],
    args: [ROUNDS, `${sized(20, 200)}`],
    timeout,
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(stdout);
}

Deno.test("Two Workers hammer one struct while the main thread maps and closes", async () => {
  const { results, count, wrong, left } = await outcome(
    `
    const memory = Memory.create(page, { workers: true, name: "hammered" });
    const workers = [new Attached(), new Attached()];
    for (const worker of workers) {
      await worker.ask("attach", memory.handle);
      await worker.ask("point");
    }
    const pointer = memory.pointer(Shared);
    pointer.count.store(0n);
    const hammering = workers.map((worker, i) => worker.ask("hammer", i + 1));
    while (pointer.count.load() < 1000n) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    using origin = Memory.create(16 * page, { name: "origin" });
    const bytes = new Uint8Array(16 * page).fill(255);
    const target = new Uint8Array(1);
    let wrong = 0;
    for (let i = 0; i < Number(Deno.args[0]); i++) {
      // In turn: another file, the hammered one, for Workers and not, attached.
      const other = Memory.map(origin.fd!, 16 * page, { workers: i % 2 === 0 });
      other.writeAt(bytes, 0);
      const same = Memory.map(memory.fd!, page, { workers: i % 3 === 0 });
      if (i % 3 === 0) Memory.attach(same.handle).readAt(target, 0);
      if (same.view(Shared).numbers.at(1)! > 1000) wrong++;
      other.close();
      same.close();
    }
    pointer.plain = 77;
    const results = await Promise.all(hammering);
    const count = String(pointer.count.load());
    memory.close();
    origin.close();
    for (const worker of workers) worker.worker.terminate();
    const left = mappings("/memfd:hammered").length + mappings("/memfd:origin").length;
    console.log(JSON.stringify({ results, count, wrong, left }));
  `,
    600_000,
  );
  assert(results.every(Number.isSafeInteger), `${results}`);
  // Every count that either made is there.
  assertEquals(BigInt(count), BigInt(results[0]) + BigInt(results[1]));
  assertEquals([wrong, left], [0, 0]);
});

Deno.test("Two Workers hammer a struct that is closed under them, again and again", async () => {
  const { answers, foreign, left } = await outcome(
    `
    const workers = [new Attached(), new Attached()];
    using foreign = Memory.create(page);
    const kept: Memory[] = [];
    const answers: unknown[] = [];
    for (let i = 0; i < Number(Deno.args[1]); i++) {
      const memory = Memory.create(page, { workers: true, name: "hammered" });
      for (const worker of workers) {
        await worker.ask("attach", memory.handle);
        await worker.ask("point");
      }
      const pointer = memory.pointer(Shared);
      const hammering = workers.map((worker, i) => worker.ask("hammer", i + 1));
      while (pointer.count.load() < 100n);
      memory.close();
      // Whatever is mapped next must not be where they still write.
      kept.push(Memory.map(foreign.fd!, page));
      answers.push(...await Promise.all(hammering));
    }
    const bytes = new Uint8Array(page);
    foreign.readAt(bytes, 0);
    for (const worker of workers) worker.worker.terminate();
    console.log(JSON.stringify({
      answers,
      foreign: bytes.every((byte) => byte === 0),
      left: mappings("/memfd:hammered").length,
    }));
  `,
    120_000,
  );
  assertEquals(new Set(answers), new Set(["ClosedError"]));
  assertEquals([foreign, left], [true, 0]);
});

bpfTest("No count is lost between a BPF program and two Workers", async () => {
  // Programs reach the memory of arrays with one entry.
  using map = BpfMap.array(1);
  using program = Program.adding(map.fd, 0, 1);
  const memory = Memory.map(map.fd, page, { workers: true });
  using one = new Attached();
  using other = new Attached();
  for (const worker of [one, other]) {
    await worker.ask("attach", memory.handle);
  }
  using runner = new Attached();
  // Where an addition is a load and a store, thousands are lost.
  const times = sized(250_000, 1_000_000);
  const rounds = sized(5, 20);
  await Promise.all([
    one.ask("addFirst", times),
    other.ask("addFirst", times),
    runner.ask("runProgram", [program.fd, 100_000, rounds]),
  ]);
  assertEquals(map.lookup(0), BigInt(2 * times + 100_000 * rounds));
  memory.close();
});
