import { assertEquals, assertThrows } from "@std/assert";
import { BoundsError } from "../../errors.ts";
import { array, HostLayout, struct, u32, u64, u8 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { residentMemory, TemporaryDirectory } from "../_support.ts";

const GiB = 2 ** 30;

Deno.test("pageSize() is what the kernel says", () => {
  const { stdout } = new Deno.Command("getconf", { args: ["PAGESIZE"] })
    .outputSync();
  assertEquals(pageSize(), Number(new TextDecoder().decode(stdout)));
});

for (const workers of [false, true]) {
  const kind = workers ? " for Workers" : "";
  for (const size of [2 * GiB, 4 * GiB - 65536, 4 * GiB, 5 * GiB, 15 * GiB]) {
    Deno.test(`Memory${kind} of ${size} bytes reads and writes to its last byte`, () => {
      using memory = Memory.create(size, { workers });
      const Pair = struct("Pair", { _: HostLayout, low: u32, high: u32 });
      for (const offset of [0, size / 2 - 8, size - 8]) {
        memory.pointer(u64, offset).value = BigInt(offset) + 1n;
        const bytes = new Uint8Array(16);
        assertEquals(
          memory.readAt(bytes, offset),
          offset === size - 8 ? 8 : 16,
        );
        assertEquals(
          new BigUint64Array(bytes.buffer)[0],
          BigInt(offset) + 1n,
        );
        const { low, high } = memory.view(Pair, offset);
        assertEquals(high * 2 ** 32 + low, offset + 1);
        memory.writeAt(new Uint8Array([7]), offset + 7);
        assertEquals(memory.view(u8, offset + 7).value, 7);
      }
      for (const offset of [size - 4, size, size + 8, 2 ** 53 - 8]) {
        if (offset % 8 !== 0) continue;
        assertThrows(() => memory.pointer(u64, offset), BoundsError);
        assertThrows(
          () => memory.writeAt(new Uint8Array(9), offset),
          BoundsError,
        );
      }
      assertThrows(
        () => memory.writeAt(new Uint8Array(2), size - 1),
        BoundsError,
        `2 bytes at offset ${size - 1} exceed the mapping of ${size} bytes`,
      );
      const { webAssembly } = memory;
      const kept = memory.pointer(u32);
      memory.close();
      assertThrows(() => kept.value);
      assertEquals(workers || webAssembly.buffer.byteLength >= size, true);
    });
  }
}

Deno.test("Memory.create() makes 16 GiB", () => {
  using memory = Memory.create(16 * GiB);
  const last = 16 * GiB - 8;
  memory.pointer(u64, last).value = 5n;
  assertEquals(memory.view(u64, last).value, 5n);
  assertThrows(() => memory.view(u64, 16 * GiB), BoundsError);
});

Deno.test("Memory.open() maps a sparse file of 5 GiB", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("sparse");
  using file = Deno.openSync(path, { create: true, write: true });
  file.truncateSync(5 * GiB);
  file.seekSync(5 * GiB - 4, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array([1, 2, 3, 4]));
  const before = residentMemory();
  using memory = Memory.open(path, { readOnly: true, allowTruncatable: true });
  assertEquals(memory.size, 5 * GiB);
  assertEquals(memory.view(u32, 5 * GiB - 4).value, 0x04030201);
  assertEquals(memory.view(u32, 2 ** 32).value, 0);
  assertEquals(memory.view(u32, 2 ** 32 - 4).value, 0);
  assertThrows(() => memory.view(u32, 5 * GiB), BoundsError);
  const huge = memory.view(array(u32, 5 * GiB / 4));
  assertEquals(huge.at(-1), 0x04030201);
  assertEquals(residentMemory() - before < 2 ** 28, true);
});

Deno.test("Memory.open() allocates no more of a sparse file than it maps", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("sparse");
  using file = Deno.openSync(path, { create: true, write: true });
  file.truncateSync(GiB);
  using memory = Memory.open(path, {
    offset: GiB - 2 ** 20,
    allowTruncatable: true,
  });
  assertEquals(memory.size, 2 ** 20);
  const { blocks, size } = Deno.statSync(path);
  assertEquals(size, GiB);
  assertEquals(blocks! * 512 <= 2 ** 21, true, `${blocks}`);
});
