import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../../errors.ts";
import { array, HostLayout, struct, u32 } from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfTest } from "../../_needs.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  run,
} from "../../_support.ts";
import { type Accessor, accessor } from "../../under_fire/_native.ts";
import { BpfMap, mapExists } from "../_kernel.ts";

const page = pageSize();

const Inner = struct("Inner", { _: HostLayout, x: u32 });
const Outer = struct("Outer", {
  _: HostLayout,
  inner: Inner,
  numbers: array(u32, 4),
});

/** Returns the exports of a WebAssembly module that imports the memory. */
function instantiate(memory: Memory): Accessor {
  const instance = new WebAssembly.Instance(accessor(memory.workers), {
    m: { m: memory.webAssembly, f: () => {} },
  });
  return instance.exports as unknown as Accessor;
}

/** The objects that a program can hold on to while the rest is dropped. */
const holders: Record<string, (memory: Memory) => unknown> = {
  "the memory": (memory) => memory,
  "a pointer": (memory) => memory.pointer(Outer),
  "a view": (memory) => memory.view(Outer),
  "a nested pointer": (memory) => memory.pointer(Outer).inner,
  "a typed array": (memory) => memory.pointer(Outer).numbers,
  "an iterator": (memory) => memory.pointer(Outer).numbers.values(),
  "the WebAssembly.Memory": (memory) => memory.webAssembly,
  "its buffer": (memory) => memory.webAssembly.buffer,
  "a part of a typed array": (memory) =>
    memory.pointer(Outer).numbers.subarray(1, 2),
  "an empty part of one": (memory) =>
    memory.pointer(Outer).numbers.subarray(0, 0),
  "a DataView": (memory) => new DataView(memory.webAssembly.buffer, 8, 8),
  "a column": (memory) => memory.pointer(array(Inner, 2)).column("x"),
  "a native pointer": (memory) =>
    Deno.UnsafePointer.of(memory.pointer(Outer).numbers),
  "a WebAssembly instance": instantiate,
  "a WebAssembly function": (memory) => instantiate(memory).load,
};

/** The fate of memory: whether it stayed while held, and went with that. */
interface Fate {
  readonly stayed: boolean;
  readonly went: boolean;
}

/**
 * Finds the fate of memory, each over a map of its own, that one thing holds.
 * All are held and dropped together: to collect takes as long for one of them.
 */
async function fatesOf(workers: boolean): Promise<Map<string, Fate>> {
  const held: unknown[] = [];
  function hold(of: (memory: Memory) => unknown): number {
    using map = BpfMap.array(8);
    held.push(of(Memory.map(map.fd, page, { workers })));
    return map.id;
  }
  const ids = Object.values(holders).map(hold);
  const stayed = ids.map(() => true);
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 1));
    ids.forEach((id, i) => stayed[i] &&= mapExists(id));
  }
  assertEquals(held.length, ids.length);
  held.length = 0;
  // Of which it is not so each test tells.
  await eventually(() => {
    collect();
    return !ids.some(mapExists);
  }, 5000).catch(() => {});
  return new Map(
    Object.keys(holders).map((name, i) => [
      name,
      { stayed: stayed[i]!, went: !mapExists(ids[i]!) },
    ]),
  );
}

for (const workers of [false, true]) {
  const kind = workers ? " made for Workers" : "";
  let fates: Promise<Map<string, Fate>> | undefined;
  for (const name of Object.keys(holders)) {
    bpfTest(
      `Memory${kind} lives for as long as ${name} does, and no longer`,
      async () => {
        fates ??= fatesOf(workers);
        const fate = (await fates).get(name);
        assertEquals(fate, { stayed: true, went: true });
      },
    );
  }
}

Deno.test("Memory.close() makes every later access throw or read undefined", () => {
  const memory = Memory.create(page);
  const pointer = memory.pointer(Outer);
  const { inner, numbers } = pointer;
  const view = memory.view(Outer);
  const { webAssembly } = memory;
  numbers[0] = 5;
  memory.close();
  assertEquals([memory.closed, memory.size], [true, page]);
  assertThrows(() => inner.x, ClosedError);
  assertThrows(() => inner.x = 1, ClosedError);
  assertThrows(() => view.inner.x, ClosedError);
  assertThrows(() => memory.pointer(u32), ClosedError, "The memory is closed");
  assertThrows(() => memory.view(u32), ClosedError);
  assertThrows(() => memory.webAssembly, ClosedError);
  assertThrows(() => memory.flush(), ClosedError);
  assertEquals([numbers.length, numbers[0]], [0, undefined]);
  numbers[0] = 6;
  assertEquals(numbers[0], undefined);
  // A WebAssembly.Memory that was kept has zeroed pages of its own.
  assertEquals(new Uint32Array(webAssembly.buffer)[1], 0);
});

Deno.test("Memory.close() of memory for Workers makes this thread's pointers throw", () => {
  const memory = Memory.create(page, { workers: true });
  const pointer = memory.pointer(Outer);
  const { inner, numbers } = pointer;
  const { buffer } = memory.webAssembly;
  numbers[0] = 5;
  inner.x = 7;
  memory.close();
  assertThrows(() => inner.x, ClosedError);
  assertThrows(() => inner.x = 1, ClosedError);
  // What is shared cannot be detached: raw arrays read zeros.
  assertEquals(numbers[0], 0);
  assertEquals(new Uint8Array(buffer)[0], 0);
});

Deno.test("Memory.close() can be called again, and ends a using block", () => {
  const memory = Memory.create(page);
  memory.close();
  memory.close();
  memory[Symbol.dispose]();
  let outer: Memory;
  {
    using inner = Memory.create(page);
    outer = inner;
    assertEquals(outer.closed, false);
  }
  assertEquals(outer.closed, true);
});

for (const workers of [false, true]) {
  const kind = workers ? " of memory for Workers" : "";
  bpfTest(
    `Memory.close()${kind} releases a BPF map in the next statement`,
    () => {
      using map = BpfMap.array(8);
      const memory = Memory.map(map.fd, page, { workers });
      const pointer = memory.pointer(u32);
      pointer.value = 9;
      assertEquals(map.freeze(), false);
      memory.close();
      assertEquals(map.freeze(), true);
      assertEquals(map.lookup(0), 9n);
      assertThrows(() => pointer.value, ClosedError);
    },
  );
}

bpfTest(
  "A BPF map that was mapped and dropped can be frozen once it is collected",
  async () => {
    using map = BpfMap.array(8);
    function drop(): boolean {
      Memory.map(map.fd, page).pointer(u32).value = 9;
      return map.freeze();
    }
    assertEquals(drop(), false);
    await eventually(() => {
      collect();
      return map.freeze();
    }, 5000);
    assertEquals(map.lookup(0), 9n);
  },
);

bpfTest(
  "A BPF map is counted as mapped for as long as it is, over and over",
  () => {
    using map = BpfMap.array(8);
    for (let i = 0; i < sized(2000, 20_000); i++) {
      const memory = Memory.map(map.fd, page);
      const same = i % 4 === 0 ? Memory.map(map.fd, page) : undefined;
      if (i % 1000 === 0) assertEquals(map.freeze(), false);
      memory.close();
      if (same && i % 1000 === 0) assertEquals(map.freeze(), false);
      same?.close();
    }
    assertEquals(map.freeze(), true);
  },
);

bpfTest("Memory agrees with what bpf(2) reads and writes", () => {
  using map = BpfMap.array(8);
  using memory = Memory.map(map.fd, page);
  using again = Memory.map(map.fd, page);
  memory.pointer(u32, 8).value = 77;
  assertEquals(map.lookup(1), 77n);
  map.update(2, 0x1_0000_0002n);
  assertEquals(memory.view(u32, 16).value, 2);
  assertEquals(again.view(u32, 20).value, 1);
  memory.flush();
});

Deno.test("Thousands of memories made and dropped leave mappings, descriptors and address space bounded", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { Memory, pageSize } from "./memory/mod.ts";
    import {
      addressSpace,
      collect,
      mappings,
      openDescriptors,
    } from "./tests/_support.ts";
    using origin = Memory.create(pageSize(), { name: "origin" });
    const fd = origin.fd!;
    function drop(count: number): void {
      for (let i = 0; i < count; i++) Memory.map(fd, pageSize());
    }
    drop(100);
    collect();
    const before = [
      mappings("/memfd:origin").length,
      openDescriptors().length,
      addressSpace(),
    ];
    let most = 0;
    for (let i = 0; i < Number(Deno.args[0]); i++) {
      drop(1000);
      most = Math.max(most, mappings().length);
    }
    collect();
    const after = [
      mappings("/memfd:origin").length,
      openDescriptors().length,
      addressSpace(),
    ];
    console.log(JSON.stringify({ before, after, most }));
  `,
    { permissions: ["-A"], args: [`${sized(6, 20)}`] },
  );
  assertEquals(code, 0, stderr);
  const { before, after, most } = JSON.parse(stdout);
  assertEquals(after[0], before[0]);
  assertEquals(after[1], before[1]);
  assert(after[2] < before[2] + 2 ** 30, stdout);
  assert(most < 45_000, stdout);
});

Deno.test("Memories beyond the budget of mappings are refused, and can be had again after closing", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { Memory, pageSize } from "./memory/mod.ts";
    import { mappings } from "./tests/_support.ts";
    using origin = Memory.create(pageSize());
    const fd = origin.fd!;
    let held: Memory[] = [];
    let message = "";
    try {
      while (held.length < 40_000) held.push(Memory.map(fd, pageSize()));
    } catch (error) {
      message = String(error);
    }
    const count = held.length;
    const lines = mappings().length;
    for (const memory of held) memory.close();
    held = [];
    Memory.map(fd, pageSize()).close();
    console.log(JSON.stringify({ message, count, lines }));
  `,
    { permissions: ["-A"] },
  );
  assertEquals(code, 0, stderr);
  const { message, count, lines } = JSON.parse(stdout);
  assert(
    message.startsWith("NotSupportedError: Too many live mappings"),
    message,
  );
  assert(count > 10_000 && count < 20_000, stdout);
  assert(lines < 40_000, stdout);
});

Deno.test("Memory leaves nothing behind in this process", () => {
  const name = "leaves nothing";
  const before = openDescriptors().length;
  {
    using memory = Memory.create(page, { name });
    using _same = Memory.map(memory.fd!, page);
    assertEquals(mappings(`/memfd:${name}`).length, 2);
  }
  assertEquals(mappings(`/memfd:${name}`).length, 0);
  assert(openDescriptors().length <= before);
});

Deno.test("Deno.inspect() shows what a memory is", () => {
  const memory = Memory.create(100, { workers: true });
  using readable = Memory.map(memory.fd!, page, { readOnly: true });
  assertEquals(Deno.inspect(readable), `Memory { ${page} bytes, read-only }`);
  assertEquals(
    Deno.inspect(memory),
    "Memory { 100 bytes, writable, for Workers }",
  );
  memory.close();
  assertEquals(
    Deno.inspect(memory),
    "Memory { 100 bytes, writable, for Workers, closed }",
  );
});
