import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../errors.ts";
import { array, atomic, i32, pointer, u8 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { sized } from "../_fire.ts";
import { eventually } from "../_support.ts";
import { type Answer, Attached, Shared } from "./workers/_workers.ts";

const page = pageSize();

/** The answer of a thread that slept when another closed the memory. */
const CLOSED: Answer = {
  error: "ClosedError",
  message: "Cannot access this memory: it is closed, detached or transferred",
};

/** Workers that wait for the next test: to begin takes one a tenth of a second. */
const idle: Attached[] = [];

/** A Worker that is idle after its block, or ended if it has not answered yet. */
class Lent implements Disposable {
  readonly worker: Attached = idle.pop() ?? new Attached();
  #pending = 0;

  async answer(action: string, argument?: unknown): Promise<Answer> {
    this.#pending++;
    const answer = await this.worker.answer(action, argument);
    this.#pending--;
    return answer;
  }

  async ask(action: string, argument?: unknown): Promise<unknown> {
    this.#pending++;
    const result = await this.worker.ask(action, argument);
    this.#pending--;
    return result;
  }

  terminate(): void {
    this.worker[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#pending === 0) idle.push(this.worker);
    else this.terminate();
  }
}

async function start(memory: Memory): Promise<Lent> {
  const worker = new Lent();
  await worker.ask("attach", memory.handle);
  await worker.ask("point");
  return worker;
}

/** Counts the threads on the list of sleepers. */
function sleepers(memory: Memory): number {
  const { buffer } = memory.webAssembly;
  return new Int32Array(buffer, buffer.byteLength - 65536)[16]!;
}

/** Gives a thread that is on the list the time to fall asleep. */
async function asleep(memory: Memory, count: number): Promise<void> {
  await eventually(() => sleepers(memory) === count);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

Deno.test("wait() in one thread is woken by notify() in another", async () => {
  using memory = Memory.create(page, { workers: true });
  using worker = await start(memory);
  const { flag, wide } = memory.pointer(Shared);
  assertEquals(await worker.ask("wait", [1]), "not-equal");
  assertEquals(await worker.ask("wait", [0, 1]), "timed-out");
  const woken = worker.ask("wait", [0]);
  await eventually(() => flag.notify() === 1);
  assertEquals(await woken, "ok");
  const wideWoken = worker.ask("waitWide", [0n]);
  await eventually(() => wide.notify() === 1);
  assertEquals(await wideWoken, "ok");
  assertEquals(sleepers(memory), 0);
  // And the other way round.
  const done = worker.ask("notifyUntilWoken");
  assertEquals(flag.wait(0), "ok");
  assertEquals(await done, true);
});

Deno.test("notify(count) wakes so many", async () => {
  using memory = Memory.create(page, { workers: true });
  const workers = await Promise.all([1, 2, 3].map(() => start(memory)));
  const { flag } = memory.pointer(Shared);
  let awake = 0;
  const all = workers.map(async (worker) => {
    assertEquals(await worker.ask("wait", [0]), "ok");
    awake++;
  });
  await asleep(memory, 3);
  assertEquals(flag.notify(2), 2);
  await eventually(() => awake === 2);
  assertEquals(flag.notify(2), 1);
  await Promise.all(all);
  for (const worker of workers) worker[Symbol.dispose]();
});

Deno.test("Memory.close() wakes who sleeps in wait(), with a ClosedError", async () => {
  const memory = Memory.create(page, { workers: true });
  const workers = await Promise.all([1, 2, 3, 4].map(() => start(memory)));
  const [one, two, three, four] = workers;
  memory.pointer(Shared).flag.store(5);
  const answers = [
    one!.answer("wait", [5]),
    two!.answer("wait", [5, 1e9]),
    three!.answer("waitWide", [0n]),
    four!.answer("waitWide", [0n]),
  ];
  await asleep(memory, 4);
  memory.close();
  assertEquals(await Promise.all(answers), [CLOSED, CLOSED, CLOSED, CLOSED]);
  // They know it now: their pointers throw, and nobody lies down again.
  for (const worker of workers) {
    assertEquals(await worker.answer("plain"), CLOSED);
    assertEquals(await worker.answer("wait", [0]), CLOSED);
    worker[Symbol.dispose]();
  }
});

Deno.test("Memory.close() by a Worker wakes the thread that made the memory", async () => {
  const memory = Memory.create(page, { workers: true });
  using worker = await start(memory);
  const { flag } = memory.pointer(Shared);
  const closed = worker.ask("closeWhenAsleep");
  assertThrows(() => flag.wait(0), ClosedError);
  await closed;
  assertEquals(memory.closed, true);
  assertThrows(() => flag.wait(0), ClosedError);
});

Deno.test("wait() on memory that another thread has closed throws before it sleeps", async () => {
  const memory = Memory.create(page, { workers: true });
  using worker = await start(memory);
  memory.close();
  // It would sleep for ever: what is there now is 0.
  assertEquals(await worker.answer("wait", [0]), CLOSED);
});

Deno.test("No sleeper is missed, whenever the memory is closed", async () => {
  using one = new Lent();
  using other = new Lent();
  let before = 0;
  // Each moment between the two states is met some times.
  for (let i = 0; i < sized(40, 300); i++) {
    const memory = Memory.create(page, { workers: true });
    for (const worker of [one, other]) {
      await worker.ask("attach", memory.handle);
      await worker.ask("point");
    }
    const { flag } = memory.pointer(Shared);
    const answers = [one, other].map((worker) => worker.answer("wait", [0]));
    // From before they are on the list to after they sleep.
    if (i % 3 > 0) { while (sleepers(memory) < i % 3); }
    for (let spin = (i % 50) * 40; spin > 0; spin--) flag.load();
    if (sleepers(memory) < 2) before++;
    memory.close();
    assertEquals(await Promise.all(answers), [CLOSED, CLOSED]);
  }
  assert(before > 0);
});

Deno.test("Memory.close() wakes a sleeper of a Worker beside one that was terminated in its sleep", async () => {
  const memory = Memory.create(page, { workers: true });
  const terminated = await start(memory);
  using worker = await start(memory);
  void terminated.answer("wait", [0]);
  await asleep(memory, 1);
  terminated.terminate();
  const answer = worker.answer("wait", [0]);
  await asleep(memory, 2);
  memory.close();
  assertEquals(await answer, CLOSED);
});

Deno.test("wait() beyond the room for sleepers is refused", async () => {
  using memory = Memory.create(page, { workers: true });
  using worker = await start(memory);
  const { buffer } = memory.webAssembly;
  const words = new Int32Array(buffer, buffer.byteLength - 65536);
  words.fill(1, 17, 17 + 1024);
  assertEquals(await worker.answer("wait", [0]), {
    error: "NotSupportedError",
    message: "At most 1024 threads can wait on one memory at a time",
  });
  words.fill(0, 17, 17 + 1024);
});

Deno.test("Memory of several windows wakes sleepers at its end", async () => {
  const size = 2 ** 32 + 2 * page;
  const memory = Memory.create(size, { workers: true });
  using worker = new Lent();
  await worker.ask("attach", memory.handle);
  await worker.ask("pointAt", size - Shared.size);
  const answer = worker.answer("waitWide", [0n]);
  await asleep(memory, 1);
  memory.close();
  assertEquals(await answer, CLOSED);
});

Deno.test("wait() through a raw array of memory that is closed throws, too", () => {
  const raw = [
    (memory: Memory) => memory.pointer(array(u8, 64)),
    (memory: Memory) => memory.webAssembly.buffer,
  ];
  for (const buffer of raw) {
    const memory = Memory.create(page, { workers: true });
    const flag = pointer(atomic(i32), buffer(memory), 4);
    assertEquals(flag.wait(0, 1), "timed-out");
    memory.close();
    assertThrows(() => flag.wait(0, 100), ClosedError);
    assertThrows(() => flag.load(), ClosedError);
  }
});
