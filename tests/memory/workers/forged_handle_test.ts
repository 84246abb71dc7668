import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../../errors.ts";
import { u32 } from "../../../layout/mod.ts";
import { Memory, type MemoryHandle, pageSize } from "../../../memory/mod.ts";
import { openDescriptors, run } from "../../_support.ts";
import { sealed } from "./_workers.ts";

const page = pageSize();

const kind = "hostmem.Memory";

/** The first word of a control. */
const MAGIC = 0x686d656d;

function sharedPages(initial: number, maximum = initial): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial, maximum, shared: true });
}

Deno.test("Memory.attach() refuses what is no handle", () => {
  using memory = Memory.create(page, { workers: true });
  const { buffer } = memory.webAssembly;
  const control = new SharedArrayBuffer(8);
  new Int32Array(control).set([MAGIC, 1]);
  const wrong: unknown[] = [
    undefined,
    null,
    0,
    kind,
    memory,
    memory.webAssembly,
    buffer,
    {},
    { kind },
    { kind: "hostmem", pages: memory.webAssembly },
    { kind, pages: null },
    { kind, pages: buffer },
    { kind, pages: { buffer } },
    { kind, pages: Object.create(WebAssembly.Memory.prototype) },
    { kind, pages: new WebAssembly.Memory({ initial: 2 }) },
    { kind, pages: sharedPages(0, 9) },
    { kind, pages: sharedPages(1) },
    { kind, pages: sharedPages(2) },
    { kind, control: new ArrayBuffer(8) },
    { kind, control: new SharedArrayBuffer(7) },
    { kind, control: new SharedArrayBuffer(8) },
    { kind, control },
    { kind, control, backing: 1 },
    { kind, control, backing: { offset: 0, size: page } },
    { kind, control, backing: { offset: 0, size: page, descriptor: 3 } },
    {
      kind,
      control,
      backing: { offset: 0, size: page, descriptor: new SharedArrayBuffer(3) },
    },
  ];
  for (const handle of wrong) {
    assertThrows(
      () => Memory.attach(handle as MemoryHandle),
      TypeError,
      "Cannot attach: the handle must be one that memory.handle gave, in this version of the package: it",
      Deno.inspect(handle),
    );
  }
});

Deno.test("Memory.attach() refuses a backing whose numbers are none", () => {
  using file = sealed(page);
  using memory = Memory.map(file.fd, page, { workers: true });
  // deno-lint-ignore no-explicit-any
  const handle = memory.handle as any;
  const before = openDescriptors().length;
  for (
    const change of [
      { offset: -page },
      { offset: 1 },
      { offset: NaN },
      { offset: "0" },
      { offset: 2 ** 53 },
      { size: 0 },
      { size: -1 },
      { size: 0.5 },
      { size: 1n },
      { size: 2 ** 53 },
      { size: 2 ** 52, offset: 2 ** 53 - page },
      { size: page + 1 },
      { offset: page },
    ]
  ) {
    assertThrows(
      () =>
        Memory.attach({ ...handle, backing: { ...handle.backing, ...change } }),
      RangeError,
    );
  }
  assertThrows(
    () =>
      Memory.attach({
        ...handle,
        backing: { ...handle.backing, identity: "" },
      }),
    TypeError,
    "refers to something else now",
  );
  assert(openDescriptors().length <= before);
});

Deno.test("Memory.attach() refuses a control page that says what cannot be", () => {
  const pages = sharedPages(3);
  const words = new Int32Array(pages.buffer, 2 * 65536, 4);
  const sizes = new BigUint64Array(pages.buffer, 2 * 65536, 5);
  const handle = { kind, pages } as unknown as MemoryHandle;
  function say(
    size: bigint,
    start: bigint,
    length: bigint,
    huge = 0,
    state = 1,
  ): void {
    words.set([MAGIC, state, huge, 0]);
    sizes.set([size, start, length], 2);
  }
  const limit = 2n * 65536n;
  const most = 2n ** 64n - 1n;
  for (
    const [size, start, length, huge] of [
      [0n, 0n, 4096n],
      [0n, 0n, 0n],
      [4097n, 0n, 4096n],
      [1n, 0n, 4095n],
      [1n, 0n, limit + 4096n],
      [limit + 1n, 0n, limit + 65536n],
      [most, 0n, most],
      [1n, 4096n, 4096n],
      [1n, 1n, 4096n, 1],
      [1n, 4096n, limit, 1],
      [1n, most - 4095n, 4096n, 1],
      [1n, 2n ** 63n, 4096n, 1],
      [1n, 65536n, 65536n + 4096n, 1],
    ] as [bigint, bigint, bigint, number?][]
  ) {
    say(size, start, length, huge);
    assertThrows(
      () => Memory.attach(handle),
      TypeError,
      "its pages are no memory made for Workers",
      `${size} ${start} ${length}`,
    );
  }
  for (const state of [0, 2, 3, -1]) {
    say(1n, 0n, 4096n, 0, state);
    assertThrows(() => Memory.attach(handle), ClosedError);
  }
  // What can be is a memory, of the forger's own pages.
  say(limit, 0n, limit);
  const memory = Memory.attach(handle);
  memory.pointer(u32, 65536 * 2 - 4).value = 5;
  assertEquals(new Uint32Array(pages.buffer)[65536 / 2 - 1], 5);
  // It goes by what it was told first.
  say(most, most, most);
  assertEquals(memory.size, 65536 * 2);
  memory.close();
  assertEquals(new Uint32Array(pages.buffer)[65536 / 2 - 1], 0);
  assertEquals([words[0], sizes[2]], [MAGIC, most]);
});

Deno.test("Memory.close() survives a list of sleepers that are none", () => {
  using memory = Memory.create(page, { workers: true });
  const { buffer } = memory.webAssembly;
  const words = new Int32Array(buffer, buffer.byteLength - 65536);
  words[16] = 3;
  words.set([-1, 1, 2 ** 31 - 1], 17);
  memory.close();
  assertEquals(memory.closed, true);
});

Deno.test("Memory.attach() takes pages that grow later", () => {
  const pages = sharedPages(2, 4);
  const words = new Int32Array(pages.buffer, 65536, 4);
  words.set([MAGIC, 1, 0, 0]);
  new BigUint64Array(pages.buffer, 65536, 5).set([4096n, 0n, 4096n], 2);
  const memory = Memory.attach({ kind, pages } as unknown as MemoryHandle);
  pages.grow(2);
  memory.pointer(u32).value = 3;
  assertEquals(new Uint32Array(pages.buffer)[0], 3);
  memory.close();
  assertEquals([new Uint32Array(pages.buffer)[0], words[1]], [0, 2]);
});

Deno.test("Memory.attach() of pages needs no permission, and says what close() needs", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { Memory, u32 } from "@hostmem/hostmem";
    const code = \`
      import { Memory, u32 } from "\${import.meta.resolve("@hostmem/hostmem")}";
      onmessage = ({ data }) => {
        const memory = Memory.attach(data);
        memory.pointer(u32).value = 6;
        try {
          memory.close();
        } catch (error) {
          postMessage([error.name, memory.closed, memory.view(u32).value]);
        }
      };
    \`;
    using memory = Memory.create(4, { workers: true });
    const worker = new Worker(
      \`data:application/javascript,\${encodeURIComponent(code)}\`,
      { type: "module", deno: { permissions: "none" } } as WorkerOptions,
    );
    worker.postMessage(memory.handle);
    const answer = await new Promise((resolve) =>
      worker.onmessage = ({ data }) => resolve(data)
    );
    console.log(JSON.stringify([answer, memory.closed, memory.view(u32).value]));
    worker.terminate();
  `,
    { flags: ["--unstable-worker-options"], permissions: ["-A"] },
  );
  assertEquals(code, 0, stderr);
  assertEquals(JSON.parse(stdout), [["NotCapable", false, 6], false, 6]);
});
