import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  atomic,
  ClosedError,
  HostLayout,
  i32,
  i64,
  InvalidTypeError,
  Memory,
  NotSupportedError,
  pointer,
  struct,
  u32,
} from "../../mod.ts";
import { notify, wait, waitAsync } from "../../sync/mod.ts";
import { SingleThread, VectorThread } from "../../ffi/calls/futex.ts";
import { Crowds } from "../../sync/waiting/crowd.ts";
import { Waiter } from "../../sync/waiting/waiter.ts";
import { wordOf } from "../../sync/waiting/word.ts";
import { compilerOfC, testWith } from "../_needs.ts";
import { compileC, run, TemporaryDirectory } from "../_support.ts";

const Words = struct("Words", {
  _: HostLayout,
  first: atomic(u32),
  second: atomic(i32),
});

/** Answers: adds 1 to `second` for each time that `first` is another. */
const ANSWERING = `
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  _Atomic uint32_t *words = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
    0, 0);
  if (words == MAP_FAILED) return 1;
  int rounds = atoi(argv[1]);
  for (uint32_t seen = 0; seen < rounds; seen++) {
    while (atomic_load(&words[0]) == seen)
      syscall(SYS_futex, &words[0], FUTEX_WAIT, seen, 0, 0, 0);
    atomic_fetch_add(&words[1], 1);
    syscall(SYS_futex, &words[1], FUTEX_WAKE, 1, 0, 0, 0);
  }
  return 0;
}`;

/** Starts a C program whose standard input is the memory. */
async function startAnswering(
  directory: TemporaryDirectory,
  memory: Memory,
  rounds: number,
): Promise<Deno.ChildProcess> {
  const program = await compileC(ANSWERING, directory);
  return new Deno.Command("sh", {
    args: [
      "-c",
      `exec "$0" "$1" <> /proc/${Deno.pid}/fd/${memory.fd}`,
      program,
      `${rounds}`,
    ],
  }).spawn();
}

testWith(compilerOfC)("wait() and a process in C wake each other", async () => {
  using directory = new TemporaryDirectory();
  using memory = Memory.create(4096);
  const { first, second } = memory.pointer(Words);
  const rounds = 500;
  const child = await startAnswering(directory, memory, rounds);
  for (let round = 0; round < rounds; round++) {
    first.add(1);
    notify(first);
    while (second.load() === round) wait(second, round);
  }
  assertEquals((await child.status).code, 0);
  assertEquals(second.load(), rounds);
});

testWith(compilerOfC)(
  "waitAsync() and a process in C wake each other",
  async () => {
    using directory = new TemporaryDirectory();
    using memory = Memory.create(4096);
    const { first, second } = memory.pointer(Words);
    const rounds = 200;
    const child = await startAnswering(directory, memory, rounds);
    for (let round = 0; round < rounds; round++) {
      first.add(1);
      notify(first);
      while (second.load() === round) await waitAsync(second, round);
    }
    assertEquals((await child.status).code, 0);
  },
);

Deno.test("wait() tells what it found", async () => {
  using memory = Memory.create(8);
  const { first, second } = memory.pointer(Words);
  second.store(-5);
  assertEquals(wait(second, 0), "not-equal");
  assertEquals(wait(second, -5, { timeout: 1 }), "timed-out");
  assertEquals(wait(first, 0, { timeout: 0 }), "timed-out");
  assertEquals(await waitAsync(second, 0), "not-equal");
  assertEquals(await waitAsync(second, -5, { timeout: 1 }), "timed-out");
  assertEquals(await waitAsync(first, 0, { timeout: 0 }), "timed-out");
  assertEquals(wait(memory.view(Words).second, 0), "not-equal");
});

Deno.test("waitAsync() waits for the values of one more mapping", async () => {
  using memory = Memory.create(4096);
  using other = Memory.map(memory.fd!, 4096);
  const { first } = memory.pointer(Words);
  const waiting = waitAsync(other.pointer(Words).first, 0);
  first.store(1);
  notify(first);
  assertEquals(await waiting, "ok");
});

Deno.test("Hundreds of asynchronous waits end, each by its own word", async () => {
  using memory = Memory.create(4096);
  const words = Array.from(
    { length: 300 },
    (_, index) => memory.pointer(atomic(u32), index * 4),
  );
  let ended = 0;
  const waits = words.map(async (word) => {
    const result = await waitAsync(word, 0);
    ended++;
    return result;
  });
  for (const [index, word] of words.entries()) {
    if (index === words.length - 1) break;
    word.store(1);
    notify(word);
  }
  await Promise.all(waits.slice(0, -1));
  assertEquals(ended, words.length - 1);
  words.at(-1)!.store(7);
  notify(words.at(-1)!);
  assertEquals(new Set(await Promise.all(waits)), new Set(["ok"]));
});

Deno.test("More asynchronous waits than there may be are refused by number", async () => {
  using memory = Memory.create(4096);
  const word = memory.pointer(atomic(u32));
  const waits = Array.from({ length: 1016 }, () => waitAsync(word, 0));
  await assertRejects(() => waitAsync(word, 0), NotSupportedError, "1016");
  word.store(1);
  notify(word);
  await Promise.all(waits);
  word.store(0);
  assertEquals(await waitAsync(word, 0, { timeout: 1 }), "timed-out");
});

Deno.test("An abort ends a wait by its reason, and no other", async () => {
  using memory = Memory.create(8);
  const { first } = memory.pointer(Words);
  const controller = new AbortController();
  const aborted = waitAsync(first, 0, { signal: controller.signal });
  const other = waitAsync(first, 0);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await aborted.catch((error) => error), reason);
  assertEquals(
    await waitAsync(first, 0, { signal: controller.signal })
      .catch((error) => error),
    reason,
  );
  first.store(1);
  // One wake-up, which must not get lost on the one that no longer waits.
  notify(first, 1);
  assertEquals(await other, "ok");
});

Deno.test("Closing the memory ends an asynchronous wait", async () => {
  const memory = Memory.create(8);
  const waiting = waitAsync(memory.pointer(Words).first, 0);
  memory.close();
  await assertRejects(() => waiting, ClosedError);
  const detached = Memory.create(8);
  const first = detached.pointer(Words).first;
  const other = waitAsync(first, 0);
  detached.webAssembly.grow(0);
  await assertRejects(() => other, ClosedError);
  detached.close();
  assertThrows(() => wait(first, 0), ClosedError);
  assertThrows(() => notify(first), ClosedError);
});

Deno.test("Closing the memory ends the waits of another thread", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { atomic, ClosedError, Memory, u32 } from "@hostmem/hostmem";
    const memory = Memory.create(8, { workers: true });
    const code = \`
      import { atomic, Memory, u32 } from "\${import.meta.resolve("./mod.ts")}";
      import { wait, waitAsync } from "\${import.meta.resolve("./sync/mod.ts")}";
      onmessage = async ({ data }) => {
        const memory = Memory.attach(data);
        const word = memory.pointer(atomic(u32));
        const waiting = waitAsync(word, 0).catch((error) => error.name);
        word.store(0);
        postMessage("begins");
        let first;
        try { first = wait(word, 0); } catch (error) { first = error.name; }
        postMessage([first, await waiting]);
      };
    \`;
    const url = "data:application/javascript," + encodeURIComponent(code);
    const worker = new Worker(url, { type: "module" });
    const next = () => new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
    });
    worker.postMessage(memory.handle);
    await next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = next();
    memory.close();
    console.log(JSON.stringify(await answer));
    worker.terminate();
  `,
    { permissions: ["--allow-ffi", "--allow-read"] },
  );
  assertEquals({ code, stdout }, {
    code: 0,
    stdout: '["ClosedError","ClosedError"]\n',
  }, stderr);
});

Deno.test("A program ends whose Worker was terminated while it waited", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { Memory } from "@hostmem/hostmem";
    const memory = Memory.create(8, { workers: true });
    const code = \`
      import { atomic, Memory, u32 } from "\${import.meta.resolve("./mod.ts")}";
      import { waitAsync } from "\${import.meta.resolve("./sync/mod.ts")}";
      onmessage = ({ data }) => {
        const word = Memory.attach(data).pointer(atomic(u32));
        waitAsync(word, 0);
        postMessage("waits");
      };
    \`;
    const url = "data:application/javascript," + encodeURIComponent(code);
    for (let i = 0; i < 4; i++) {
      const worker = new Worker(url, { type: "module" });
      worker.postMessage(memory.handle);
      await new Promise((resolve) => worker.onmessage = resolve);
      worker.terminate();
    }
    console.log("ended");
  `,
    { permissions: ["--allow-ffi", "--allow-read"] },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "ended\n" }, stderr);
});

Deno.test("A wait ends in time though no thread of the pool is free to come back", async () => {
  using memory = Memory.create(4);
  class Stuck extends VectorThread {
    override wait(): Promise<number> {
      return new Promise<number>(() => {});
    }
  }
  const crowds = new Crowds(() => new Stuck());
  const { word } = wordOf(memory.pointer(atomic(u32)));
  for (const result of ["timed-out", "ok"] as const) {
    const waiter = new Waiter(word, 0);
    crowds.add(waiter);
    waiter.end(result);
    assertEquals(await waiter.promise, result);
  }
  const reason = new Error("aborted");
  const waiter = new Waiter(word, 0);
  crowds.add(waiter);
  waiter.fail(reason);
  assertStrictEquals(await assertRejects(() => waiter.promise), reason);
});

Deno.test("Without futex_waitv each wait takes a thread, and eight are the most", async () => {
  using memory = Memory.create(4096);
  const crowds = new Crowds(() => new SingleThread());
  const waiters = Array.from({ length: 9 }, (_, index) => {
    const { word } = wordOf(memory.pointer(atomic(u32), index * 4));
    return new Waiter(word, 0);
  });
  for (const waiter of waiters.slice(0, 8)) crowds.add(waiter);
  assertThrows(() => crowds.add(waiters[8]!), NotSupportedError);
  for (let index = 0; index < 8; index++) {
    const word = memory.pointer(atomic(u32), index * 4);
    word.store(1);
    notify(word);
    assertEquals(await waiters[index]!.promise, "ok");
  }
});

Deno.test("wait(), waitAsync() and notify() refuse what cannot be waited for", async () => {
  using memory = Memory.create(16);
  const { first, second } = memory.pointer(Words);
  const buffer = pointer(atomic(u32), new ArrayBuffer(4));
  const wide = memory.pointer(atomic(i64), 8);
  for (
    const call of [
      wait,
      (...args: Parameters<typeof wait>) => notify(args[0]),
    ]
  ) {
    assertThrows(() => call(buffer, 0), NotSupportedError, "Memory");
    assertThrows(() => call(wide as never, 0), InvalidTypeError, "i64");
    assertThrows(() => call({} as never, 0), TypeError, "an object");
    assertThrows(
      () => call(memory.pointer(u32) as never, 0),
      TypeError,
      "atomic",
    );
  }
  assertThrows(() => wait(first, -1), RangeError, "4294967295");
  assertThrows(() => wait(second, 2 ** 31), RangeError, "2147483647");
  assertThrows(() => wait(first, 1n as never), TypeError, "1n");
  assertThrows(() => wait(first, 0, { timeout: -1 }), RangeError, "-1");
  assertThrows(() => wait(first, 0, { timeout: NaN }), RangeError, "NaN");
  assertThrows(() => wait(first, 0, { time: 1 } as never), TypeError, "time");
  assertThrows(() => notify(first, -1), RangeError, "-1");
  assertEquals(notify(first, 0), 0);
  await assertRejects(() => waitAsync(buffer, 0), NotSupportedError);
  await assertRejects(
    () => waitAsync(first, 0, { signal: {} as never }),
    TypeError,
    "AbortSignal",
  );
  assert(notify(first) === 0);
});
