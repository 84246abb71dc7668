import { assert, assertEquals, assertThrows } from "@std/assert";
import { u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { mappings, openDescriptors, run } from "../_support.ts";
import { F_SEAL_SHRINK } from "./_kernel.ts";

const page = pageSize();

Deno.test("Memory.create() makes zeroed memory of any size and bounds access to it", () => {
  for (const size of [1, 4095, 4096, 4097, 65535, 65536, 65537]) {
    using memory = Memory.create(size);
    assertEquals([memory.size, memory.readOnly], [size, false]);
    const bytes = new Uint8Array(size + 10).fill(1);
    assertEquals(memory.readAt(bytes, 0), size);
    assertEquals(bytes.indexOf(1), size);
    memory.writeAt(new Uint8Array([2]), size - 1);
    assertThrows(() => memory.writeAt(new Uint8Array([2]), size), RangeError);
  }
});

Deno.test("Memory.create() gives a descriptor of whole pages that others can map", () => {
  using memory = Memory.create(100);
  using same = Memory.map(memory.fd!, page);
  memory.pointer(u32, 8).value = 42;
  assertEquals(same.view(u32, 8).value, 42);
});

Deno.test("Memory.create() seals the file against shrinking and not against more seals", () => {
  using memory = Memory.create(2 * page);
  const libc = Deno.dlopen("libc.so.6", {
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  });
  const { fcntl, ftruncate } = libc.symbols;
  const seals = fcntl(memory.fd!, 1034, 0);
  assertEquals(seals & F_SEAL_SHRINK, F_SEAL_SHRINK);
  assertEquals(ftruncate(memory.fd!, BigInt(page)), -1);
  // F_SEAL_FUTURE_WRITE
  assertEquals(fcntl(memory.fd!, 1033, 16), 0);
  libc.close();
});

Deno.test("Memory.create() names the memory for /proc", () => {
  using _memory = Memory.create(page, { name: "a name, ö" });
  assertEquals(mappings("/memfd:a name, ö").length, 1);
  assertEquals(openDescriptors("/memfd:a name, ö").length, 1);
  using _plain = Memory.create(page);
  assert(openDescriptors("/memfd:hostmem ").length > 0);
});

Deno.test("Memory.create() refuses names that are none", () => {
  const create = (name: unknown) =>
    Memory.create(page, { name: name as string });
  assertThrows(() => create("a\0b"), TypeError, "without NUL");
  assertThrows(() => create(5), TypeError, "Name must be a string");
  assertThrows(() => create(null), TypeError, "Name must be a string");
  assertThrows(
    () => create("ö".repeat(125)),
    RangeError,
    "at most 249 bytes of UTF-8: it has 250",
  );
  create("ö".repeat(124) + "x").close();
});

Deno.test("Memory.create() refuses sizes that are none, or too large", () => {
  const before = openDescriptors().length;
  for (const size of [0, -1, 0.5, NaN, Infinity, 2 ** 53, "1", null]) {
    assertThrows(
      () => Memory.create(size as number),
      RangeError,
      "Size must be a whole number of bytes above 0",
    );
  }
  assertThrows(
    () => Memory.create(u32 as unknown as number),
    RangeError,
    "Size must be a whole number of bytes above 0: received the type u32; pass sizeOf(type)",
  );
  assertThrows(
    () => Memory.create(2 ** 34 + 1),
    RangeError,
    `at most ${2 ** 34} bytes can be mapped`,
  );
  assertThrows(
    () => Memory.create(2 ** 34, { workers: true }),
    RangeError,
    `at most ${2 ** 34 - 65536} bytes can be mapped`,
  );
  assertThrows(() => Memory.create(2 ** 53 - 1));
  assert(openDescriptors().length <= before);
});

Deno.test("Memory.create() closes its descriptor with the memory", () => {
  const name = "closed with the memory";
  const memory = Memory.create(page, { name });
  assertEquals(openDescriptors(`/memfd:${name}`).length, 1);
  memory.close();
  assertEquals(openDescriptors(`/memfd:${name}`).length, 0);
  assertEquals(mappings(`/memfd:${name}`).length, 0);
  assertEquals(memory.fd, undefined);
});

Deno.test("Memory.create() closes the descriptor of memory that was dropped", async () => {
  const { code, stderr } = await run(
    `
    import { Memory } from "./memory/mod.ts";
    import { collect, eventually, openDescriptors } from "./tests/_support.ts";
    function drop(): void {
      for (let i = 0; i < 10; i++) Memory.create(1, { name: "dropped" });
    }
    drop();
    await eventually(() => {
      collect();
      return openDescriptors("/memfd:dropped").length === 0;
    });
  `,
    { permissions: ["-A"] },
  );
  assertEquals(code, 0, stderr);
});

Deno.test("Memory's prototype and what inherits from a memory can be shown", () => {
  using memory = Memory.create(8);
  assertEquals(Deno.inspect(memory), "Memory { 8 bytes, writable }");
  for (const object of [Memory.prototype, Object.create(memory)]) {
    assertEquals(Deno.inspect(object), "[prototype]");
  }
});
