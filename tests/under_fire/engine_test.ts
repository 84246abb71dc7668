/**
 * The properties of Deno and V8 that the design takes for granted and no
 * specification promises. A failure here on a new version says what to do
 * before that version is supported.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { run } from "../_support.ts";
import { fire } from "../_fire.ts";

const RUNS = fire ? 20 : 1;

/** The begin of every program of this file. */
const prelude = `
  import { collect, mappings } from "./tests/_support.ts";
  import { addressOf, libc } from "./tests/under_fire/_native.ts";

  const SIZE = 65536;

  /** A memory as this package makes them: it can neither grow nor shrink. */
  function reserve(shared = false, pages = 1): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  }

  /** An object of the kernel's, moved over a memory's pages. */
  function overlay(memory: WebAssembly.Memory, name: string): void {
    const fd = libc.memfd_create(new TextEncoder().encode(name + "\\0"), 1);
    libc.ftruncate(fd, BigInt(SIZE));
    const target = addressOf(new Uint8Array(memory.buffer));
    // PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED
    libc.mmap(target, BigInt(SIZE), 3, 0x11, fd, 0n);
    libc.close(fd);
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  const found: Record<string, unknown> = {};
`;

async function found(
  program: string,
  v8Flags: string[] = [],
): Promise<Record<string, unknown>> {
  const { code, signal, stdout, stderr } = await run(
    `${prelude}\n${program}\nconsole.log(JSON.stringify(found));`,
    { permissions: ["-A"], v8Flags },
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(stdout);
}

const MOVES =
  "pages of a WebAssembly.Memory have moved or were discarded: kernel memory can no longer lie over them, so memory/map/map_over_pages.ts and memory/map/mapping.ts need another way to make memory that the engine owns; do not support this version of Deno";

const flags: Record<string, string[]> = {
  "": [],
  " while memory is compacted all the time": ["stress-compaction"],
  " while the engine is told to move WebAssembly memory": [
    "stress-wasm-memory-moving",
  ],
};

for (const [name, v8Flags] of Object.entries(flags)) {
  Deno.test(`The engine leaves the pages of a WebAssembly.Memory where and as they are${name}`, async () => {
    const { moved, changed, kept } = await found(
      `
      const memories = [reserve(), reserve(true), reserve(false, 300)];
      const addresses = memories.map(({ buffer }) => addressOf(new Uint8Array(buffer)));
      memories.forEach((memory, i) => {
        overlay(memory, "engine-stays");
        new Uint8Array(memory.buffer, 0, SIZE).fill(i + 1);
      });
      const garbage: unknown[] = [];
      for (let i = 0; i < ${200 * RUNS}; i++) {
        garbage.push(new Uint8Array(1 << 16), reserve());
        for (const memory of memories) {
          try {
            memory.grow(1);
          } catch { /* refused, as it must be */ }
        }
        if (i % 50 === 0) await settle();
        if (garbage.length > 100) garbage.length = 0;
      }
      found.moved = memories.filter(({ buffer }, i) =>
        addressOf(new Uint8Array(buffer)) !== addresses[i]
      ).length;
      found.changed = memories.filter(({ buffer }, i) =>
        !new Uint8Array(buffer, 0, SIZE).every((byte) => byte === i + 1)
      ).length;
      found.kept = mappings("/memfd:engine-stays").length;
      `,
      v8Flags,
    );
    assertEquals([moved, changed, kept], [0, 0, 3], MOVES);
  });
}

Deno.test("grow(0) of a WebAssembly.Memory detaches its buffer and leaves its pages", async () => {
  const result = await found(`
    const memory = reserve();
    overlay(memory, "engine-grow");
    const { buffer } = memory;
    const bytes = new Uint8Array(buffer);
    bytes[0] = 7;
    const before = addressOf(bytes);
    memory.grow(0);
    found.detached = [buffer.detached, bytes.length, memory.buffer === buffer];
    const again = new Uint8Array(memory.buffer);
    found.pages = [addressOf(again) === before, again[0], again.length];
    await settle();
    found.held = mappings("/memfd:engine-grow").length;
    const large = new WebAssembly.Memory({
      initial: 65537n, maximum: 65537n, address: "i64",
    } as unknown as WebAssembly.MemoryDescriptor);
    const { buffer: old } = large;
    (large as unknown as { grow(pages: bigint): bigint }).grow(0n);
    found.large = old.detached;
  `);
  assertEquals(
    result,
    {
      detached: [true, 0, false],
      pages: [true, 7, 65536],
      held: 1,
      large: true,
    },
    "grow(0) no longer detaches, or moves the pages: detach() in memory/map/engine_pages.ts is what makes stale typed arrays safe, so find another way to detach before this version of Deno is supported",
  );
});

Deno.test("grow(0) of a shared WebAssembly.Memory leaves its buffer as it is", async () => {
  const { length, first, grown } = await found(`
    const memory = reserve(true);
    overlay(memory, "engine-shared");
    const bytes = new Uint8Array(memory.buffer);
    bytes[0] = 7;
    memory.grow(0);
    found.length = bytes.length;
    found.first = bytes[0];
    try {
      memory.grow(1);
    } catch (error) {
      found.grown = (error as Error).name;
    }
  `);
  assertEquals(
    [length, first, grown],
    [65536, 7, "RangeError"],
    "shared memory behaves differently: reread close() in memory/memory.ts, which counts on stale arrays of shared memory to read zeros",
  );
});

const UNMAPS =
  "the engine unmaps pages too early, too late or more than once: the range of addresses is its own in memory/map/mapping.ts, which never unmaps; strace the program of this test before this version of Deno is supported";

for (const shared of [false, true]) {
  const kind = shared ? "shared " : "";
  Deno.test(`The engine unmaps a ${kind}WebAssembly.Memory when the last view of it is gone, and not before`, async () => {
    const { lines, after, foreign } = await found(`
      const lines: number[] = [];
      let held: unknown;
      let address = 0n;
      const holders: ((memory: WebAssembly.Memory) => unknown)[] = [
        (memory) => memory,
        (memory) => memory.buffer,
        (memory) => new Uint8Array(memory.buffer, 8, 8),
        (memory) => new DataView(memory.buffer),
        (memory) => new Uint8Array(memory.buffer).values(),
      ];
      for (const hold of holders) {
        (() => {
          const memory = reserve(${shared});
          overlay(memory, "engine-unmaps");
          address = addressOf(new Uint8Array(memory.buffer));
          held = hold(memory);
        })();
        await settle();
        lines.push(mappings("/memfd:engine-unmaps").length);
        held = undefined;
        for (let i = 0; i < 100 && mappings("/memfd:engine-unmaps").length > 0; i++) {
          await settle();
        }
        lines.push(mappings("/memfd:engine-unmaps").length);
      }
      found.lines = lines;
      // Where it lay something else lies now, and is left alone.
      const fd = libc.memfd_create(new TextEncoder().encode("engine-foreign\\0"), 1);
      libc.ftruncate(fd, BigInt(SIZE));
      // MAP_SHARED | MAP_FIXED_NOREPLACE
      const foreign = libc.mmap(address, BigInt(SIZE), 3, 0x100001, fd, 0n);
      found.foreign = foreign === address || foreign === 2n ** 64n - 1n;
      for (let i = 0; i < 5; i++) await settle();
      found.after = mappings("/memfd:engine-foreign").length ===
        (foreign === address ? 1 : 0);
      if (held !== undefined) console.log(held);
    `);
    assertEquals(lines, Array(5).fill([1, 0]).flat(), UNMAPS);
    assertEquals([foreign, after], [true, true], UNMAPS);
  });
}

Deno.test("The engine collects garbage before it refuses an ArrayBuffer of an impossible size", async () => {
  const { made, left } = await found(`
    (() => {
      for (let i = 0; i < 50; i++) overlay(reserve(), "engine-collects");
    })();
    found.made = mappings("/memfd:engine-collects").length > 0;
    try {
      new ArrayBuffer(Number.MAX_SAFE_INTEGER);
    } catch { /* that was the point */ }
    found.left = mappings("/memfd:engine-collects").length;
  `);
  assert(made);
  // What the last iteration left in a register is not garbage yet.
  assert(
    left as number <= 1,
    `${left} of 50 memories are left: collect() in memory/map/engine_pages.ts and in tests/_support.ts needs another way to have garbage collected; nothing unsafe follows, but limits are hit earlier`,
  );
});

const EMPTY =
  "a detached typed array no longer reads undefined and ignores stores: the accessors of layout/region/lanes.ts tell closed memory by that, and must ask for the length instead";

Deno.test("A detached typed array reads undefined and ignores stores, also in compiled code", () => {
  function read(array: Uint32Array, i: number): number | undefined {
    return array[i];
  }
  function write(array: Uint32Array, i: number): void {
    array[i] = 5;
  }
  for (let round = 0; round < 3; round++) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const array = new Uint32Array(memory.buffer);
    for (let i = 0; i < 100_000; i++) {
      write(array, i & 1023);
      assert(read(array, i & 1023) === 5);
    }
    memory.grow(0);
    write(array, 0);
    assertEquals([read(array, 0), array.length], [undefined, 0], EMPTY);
    assertEquals(new Uint32Array(memory.buffer)[0], 5, EMPTY);
    assertThrows(() => Atomics.load(array, 0), TypeError);
    assertThrows(() => new DataView(array.buffer), TypeError);
  }
});

Deno.test("A buffer passed to native code is the view's address, NULL when it is detached", async () => {
  const result = await found(`
    const memory = reserve();
    const whole = addressOf(new Uint8Array(memory.buffer));
    const part = new Uint32Array(memory.buffer, 4096, 4);
    const shared = new Uint8Array(reserve(true).buffer, 16);
    function often(): boolean {
      // Until the call is compiled: it goes another way then.
      for (let i = 0; i < 20_000; i++) {
        if (addressOf(part) !== whole + 4096n) return false;
      }
      return true;
    }
    found.part = often();
    found.shared = addressOf(shared) % 4096n === 16n;
    memory.grow(0);
    found.detached = String(addressOf(part));
    found.again = addressOf(new Uint8Array(memory.buffer)) === whole;
  `);
  assertEquals(
    result,
    { part: true, shared: true, detached: "0", again: true },
    "buffers reach native code differently: every function of ffi/calls/pages.ts takes its address from one, and currentBuffer() in memory/map/mapping.ts guards against NULL",
  );
});

Deno.test("Deno tells which paths native libraries may be loaded from", async () => {
  const path = "/lib/x86_64-linux-gnu/libc.so.6";
  const program = `console.log(JSON.stringify([
    Deno.permissions.querySync({ name: "ffi" }).state,
    Deno.permissions.querySync({ name: "ffi", path: "${path}" }).state,
    Deno.permissions.querySync({ name: "ffi", path: "/other" }).state,
  ]));`;
  const expected: [permissions: string[], states: string[]][] = [
    [["--allow-ffi"], ["granted", "granted", "granted"]],
    [[`--allow-ffi=${path}`], ["prompt", "granted", "prompt"]],
    [[], ["prompt", "prompt", "prompt"]],
  ];
  for (const [permissions, states] of expected) {
    const { code, stdout, stderr } = await run(program, { permissions });
    assertEquals(code, 0, stderr);
    const actual = JSON.parse(stdout) as string[];
    // How much of a grant of paths is a grant of all is said in two ways.
    if (permissions[0]?.includes("=")) actual[0] = "prompt";
    assertEquals(
      actual,
      states,
      "permissions are told differently: openLibc() in ffi/libc/functions.ts finds out by them by which name it may open libc",
    );
  }
});

Deno.test("An aligned element of a typed array is loaded and stored at once", async () => {
  const { torn } = await found(`
    const memory = reserve(true);
    const words = new BigUint64Array(memory.buffer);
    const code = \`onmessage = ({ data }) => {
      const words = new BigUint64Array(data);
      const stop = new Int32Array(data, 64);
      postMessage(0);
      for (let i = 0; Atomics.load(stop, 0) === 0; i++) {
        words[0] = i & 1 ? 0xffffffffffffffffn : 0n;
      }
      postMessage(0);
    };\`;
    const url = "data:application/javascript," + encodeURIComponent(code);
    const worker = new Worker(url, { type: "module" });
    const answer = () => new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(memory.buffer);
    await answer();
    let torn = 0;
    for (let i = 0; i < ${1_000_000 * RUNS}; i++) {
      const word = words[0]!;
      if (word !== 0n && word !== 0xffffffffffffffffn) torn++;
    }
    Atomics.store(new Int32Array(memory.buffer, 64), 0, 1);
    await answer();
    worker.terminate();
    found.torn = torn;
  `);
  assertEquals(
    torn,
    0,
    "64-bit elements tear: no aligned field of layout/region/lanes.ts may be read without Atomics any more",
  );
});

Deno.test("Nothing outside a class reaches its private fields", () => {
  class Holder {
    readonly #secret = { found: "secret" };
    static has(value: object): boolean {
      return #secret in value && value.#secret.found === "secret";
    }
  }
  const holder = new Holder();
  const seen = [
    ...Reflect.ownKeys(holder),
    ...Object.values(Object.getOwnPropertyDescriptors(holder)),
    JSON.stringify(holder),
    Deno.inspect(holder, { showHidden: true, depth: 10 }),
    Deno.inspect(new Proxy(holder, {}), { showProxy: true, showHidden: true }),
    JSON.stringify(structuredClone(holder)),
  ];
  assertEquals(
    seen.filter((value) => Deno.inspect(value).includes("secret")),
    [],
    "private fields can be reached: they keep the buffers of read-only memory from programs, whose stores would end the process",
  );
  assert(Holder.has(holder));
  assert(!Holder.has(new Proxy(holder, {})));
  assert(!Holder.has(structuredClone(holder)));
});
