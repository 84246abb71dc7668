import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError, NotSupportedError } from "../../../errors.ts";
import { u32 } from "../../../layout/mod.ts";
import { Memory, type MemoryHandle, pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import {
  collect,
  eventually,
  openDescriptors,
  TemporaryDirectory,
} from "../../_support.ts";
import { BpfMap } from "../_kernel.ts";
import { Attached, Shared } from "./_workers.ts";

const page = pageSize();

Deno.test("Memory.attach() in a Worker gives the same bytes", async () => {
  using memory = Memory.create(100, { workers: true });
  using worker = new Attached();
  assertEquals(await worker.ask("attach", memory.handle), {
    size: 100,
    readOnly: false,
    workers: true,
    fd: undefined,
  });
  await worker.ask("point");
  const pointer = memory.pointer(Shared);
  pointer.plain = 2 ** 32 - 1;
  assertEquals(await worker.ask("plain"), 2 ** 32 - 1);
  await worker.ask("store", 5);
  assertEquals(pointer.plain, 5);
  pointer.numbers[3] = 8;
  assertEquals(await worker.ask("numbers"), [1, 0, 0, 8]);
  await worker.ask("add", 1000);
  assertEquals(pointer.count.load(), 1000n);
  await worker.ask("writeAt", [new Uint8Array([1, 2, 3]), 96]);
  const target = new Uint8Array(4);
  assertEquals(memory.readAt(target, 96), 4);
  assertEquals([...target], [1, 2, 3, 0]);
  assertEquals(await worker.ask("readAt", 97), [
    3,
    new Uint8Array([2, 3, ...new Array(14).fill(0)]),
  ]);
  assertEquals(await worker.answer("writeAt", [new Uint8Array(5), 96]), {
    error: "BoundsError",
    message: "5 bytes at offset 96 exceed the mapping of 100 bytes",
  });
});

Deno.test("Memory.attach() works in the thread that made the memory", () => {
  const memory = Memory.create(page, { workers: true });
  const same = Memory.attach(memory.handle);
  const cloned = Memory.attach(structuredClone(same.handle));
  memory.pointer(u32).value = 1;
  assertEquals([same, cloned].map((memory) => memory.view(u32).value), [1, 1]);
  same.writeAt(new Uint8Array([9]), 0);
  assertEquals(cloned.view(u32).value, 9);
  new Uint32Array(cloned.webAssembly.buffer)[0] = 10;
  assertEquals(memory.view(u32).value, 10);
  cloned.close();
  assertEquals([memory.closed, same.closed, cloned.closed], [true, true, true]);
  assertThrows(() => memory.handle, ClosedError);
});

Deno.test("A handle can be posted to several Workers, and on by them", async () => {
  using memory = Memory.create(page, { workers: true });
  using one = new Attached();
  using other = new Attached();
  memory.pointer(Shared).plain = 7;
  for (const worker of [one, other]) {
    await worker.ask("attach", memory.handle);
    await worker.ask("point");
    assertEquals(await worker.ask("plain"), 7);
  }
  const handle = await one.ask("handle") as MemoryHandle;
  assertEquals(Memory.attach(handle).view(Shared).plain, 7);
  assertEquals(await other.ask("nest", handle), 7);
});

Deno.test("Memory.close() in one thread closes the memory for the others", async () => {
  for (const closer of ["here", "there"]) {
    const memory = Memory.create(page, { workers: true });
    const pointer = memory.pointer(Shared);
    const array = pointer.numbers;
    using worker = new Attached();
    await worker.ask("attach", memory.handle);
    await worker.ask("point");
    pointer.plain = 5;
    array[1] = 6;
    if (closer === "here") {
      memory.close();
      assertThrows(() => pointer.plain, ClosedError);
      // Nobody has asked that Memory: pointers made before read zeros.
      assertEquals(await worker.ask("plain"), 0);
      assertEquals(await worker.ask("numbers"), [0, 0, 0, 0]);
      for (const action of ["makePointer", "makeView", "readAt", "handle"]) {
        const answer = await worker.answer(action, 0);
        assertEquals(answer, {
          error: "ClosedError",
          message: "The memory is closed",
        });
      }
      // From then on they throw.
      const answer = await worker.answer("plain");
      assert("error" in answer && answer.error === "ClosedError");
      assertEquals(await worker.ask("numbers"), [0, 0, 0, 0]);
      assertEquals(await worker.ask("closed"), true);
      await worker.ask("close");
    } else {
      await worker.ask("close");
      assertEquals([pointer.plain, array[1]], [0, 0]);
      assertEquals(memory.closed, true);
      assertThrows(() => pointer.plain, ClosedError);
      assertThrows(() => pointer.plain = 1, ClosedError);
      assertEquals(memory.fd, undefined);
      assertEquals(array[1], 0);
      memory.close();
    }
  }
});

bpfTest(
  "Memory.close() by a Worker releases a BPF map in the next statement",
  async () => {
    using map = BpfMap.array(8);
    const memory = Memory.map(map.fd, page, { workers: true });
    using worker = new Attached();
    await worker.ask("attach", memory.handle);
    assertEquals(map.freeze(), false);
    await worker.ask("close");
    assertEquals(map.freeze(), true);
    assertEquals(memory.closed, true);
  },
);

Deno.test("A handle of closed memory cannot be attached", async () => {
  const memory = Memory.create(page, { workers: true });
  const { handle } = memory;
  memory.close();
  assertThrows(
    () => Memory.attach(handle),
    ClosedError,
    "The memory is closed",
  );
  using worker = new Attached();
  const answer = await worker.answer("attach", handle);
  assert("error" in answer && answer.error === "ClosedError");
});

Deno.test("Memory that was not made for Workers has no handle", () => {
  using memory = Memory.create(page);
  assertThrows(
    () => memory.handle,
    NotSupportedError,
    "make it with `workers: true`",
  );
});

for (const readOnly of [false, true]) {
  const kind = readOnly ? "read-only" : "writable";
  Deno.test(`Copies of ${kind} memory over a truncated file cannot fault, in a Worker either`, async () => {
    using directory = new TemporaryDirectory("/dev/shm");
    const path = directory.join("file");
    Deno.writeFileSync(path, new Uint8Array(2 * page).fill(1));
    const before = openDescriptors(path).length;
    const memory = Memory.open(path, {
      offset: page,
      readOnly,
      workers: true,
      allowTruncatable: true,
    });
    using worker = new Attached();
    await worker.ask("attach", memory.handle);
    assertEquals((await worker.ask("readAt", 8) as unknown[])[0], 16);
    if (!readOnly) {
      await worker.ask("writeAt", [new Uint8Array([9]), 0]);
      assertEquals(Deno.readFileSync(path)[page], 9);
    }
    Deno.truncateSync(path, page + 10);
    assertEquals((await worker.ask("readAt", 8) as unknown[])[0], 2);
    assertEquals((await worker.ask("readAt", 10) as unknown[])[0], 0);
    const bytes = new Uint8Array(3);
    assertEquals([memory.readAt(bytes, 8), memory.readAt(bytes, page)], [2, 0]);
    const answer = await worker.answer("writeAt", [new Uint8Array(3), 8]);
    assert("error" in answer);
    assertEquals(answer.error, readOnly ? "ReadOnlyError" : "BoundsError");
    memory.close();
    assertEquals(await worker.ask("closed"), true);
    assertEquals(openDescriptors(path).length, before);
  });
}

Deno.test("A handle of memory over a file that was dropped refuses to be attached", async () => {
  using directory = new TemporaryDirectory("/dev/shm");
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  function drop(): MemoryHandle {
    return Memory.open(path, { workers: true, allowTruncatable: true }).handle;
  }
  const handle = drop();
  await eventually(() => {
    collect();
    return openDescriptors(path).length === 0;
  });
  assertThrows(() => Memory.attach(handle), ClosedError, "nothing holds it");
});
