import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError, ReadOnlyError } from "../../../errors.ts";
import { u32 } from "../../../layout/mod.ts";
import { Memory, type MemoryHandle, pageSize } from "../../../memory/mod.ts";
import { bpfMaps, bpfTest, testWith } from "../../_needs.ts";
import { collect, eventually, openDescriptors, run } from "../../_support.ts";
import { BpfMap } from "../_kernel.ts";
import { Attached, sealed } from "./_workers.ts";

const page = pageSize();

function buffersIn(value: unknown): number[] {
  if (value instanceof SharedArrayBuffer) return [value.byteLength];
  if (value instanceof WebAssembly.Memory) return [value.buffer.byteLength];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(buffersIn);
}

Deno.test("A handle of read-only memory carries no buffer of it", () => {
  using file = sealed(page);
  using memory = Memory.map(file.fd, page, { workers: true });
  assertEquals([memory.readOnly, memory.workers], [true, true]);
  assertThrows(() => memory.webAssembly, ReadOnlyError);
  // The state, and the number of a descriptor.
  assertEquals(buffersIn(memory.handle).sort(), [4, 8]);
});

function open(source: string): Memory {
  if (source === "a sealed memfd") {
    using file = sealed(page);
    return Memory.map(file.fd, page, { workers: true });
  }
  using map = BpfMap.array(page / 8);
  for (let i = 0; i < 8; i++) map.update(i, 0x0707070707070707n);
  assert(map.freeze());
  return Memory.map(map.fd, page, { workers: true });
}

for (const source of ["a sealed memfd", "a frozen BPF map"]) {
  testWith(source === "a frozen BPF map" ? bpfMaps : [])(
    `Memory.attach() maps ${source} again, after its descriptor was closed`,
    async () => {
      const name = source === "a sealed memfd"
        ? "/memfd:sealed"
        : "anon_inode:bpf-map";
      const before = openDescriptors(name).length;
      const memory = open(source);
      {
        using worker = new Attached();
        assertEquals(await worker.ask("attach", memory.handle), {
          size: page,
          readOnly: true,
          workers: true,
          fd: undefined,
        });
        await worker.ask("view");
        assertEquals(await worker.ask("plain"), 0x07070707);
        const [count, bytes] = await worker.ask("readAt", 8) as [
          number,
          Uint8Array,
        ];
        assertEquals([count, bytes[15]], [16, 7]);
        const answer = await worker.answer("makePointer");
        assert("error" in answer && answer.error === "ReadOnlyError");
        const again = Memory.attach(await worker.ask("handle") as MemoryHandle);
        assertEquals(again.view(u32).value, 0x07070707);
        memory.close();
        assertEquals([again.closed, await worker.ask("closed")], [true, true]);
        const late = await worker.answer("plain");
        assert("error" in late && late.error === "ClosedError");
      }
      assertEquals(openDescriptors(name).length, before);
    },
  );
}

Deno.test("Closing read-only memory in a Worker closes it here", async () => {
  using file = sealed(page);
  const memory = Memory.map(file.fd, page, { workers: true });
  const view = memory.view(u32);
  using worker = new Attached();
  await worker.ask("attach", memory.handle);
  await worker.ask("close");
  // This thread's mapping is its own, and is there until it asks.
  assertEquals(view.value, 0x07070707);
  assertThrows(() => memory.view(u32), ClosedError);
  assertThrows(() => view.value, ClosedError);
});

Deno.test("Read-only memory holds one descriptor, however often a handle is taken", () => {
  const before = openDescriptors("/memfd:sealed").length;
  {
    using file = sealed(page);
    const memory = Memory.map(file.fd, page, { workers: true });
    for (let i = 0; i < 10; i++) memory.handle;
    assertEquals(openDescriptors("/memfd:sealed").length, before + 2);
    const { handle } = memory;
    const attached = [1, 2, 3].map(() => Memory.attach(handle));
    assertEquals(openDescriptors("/memfd:sealed").length, before + 2);
    memory.close();
    assertThrows(() => Memory.attach(handle), ClosedError);
    assertEquals(attached.map((memory) => memory.closed), [true, true, true]);
    assertEquals(openDescriptors("/memfd:sealed").length, before + 1);
  }
  assertEquals(openDescriptors("/memfd:sealed").length, before);
});

Deno.test("A handle of read-only memory that was dropped says so, and leaves no descriptor", async () => {
  const before = openDescriptors("/memfd:sealed").length;
  function drop(): [MemoryHandle, Memory] {
    using file = sealed(page);
    const memory = Memory.map(file.fd, page, { workers: true });
    return [memory.handle, Memory.attach(memory.handle)];
  }
  const [handle, attached] = drop();
  await eventually(() => {
    collect();
    return openDescriptors("/memfd:sealed").length === before;
  });
  for (const dead of [handle, attached.handle]) {
    assertThrows(
      () => Memory.attach(dead),
      ClosedError,
      "nothing holds it any more",
    );
  }
  // What was attached stands on its own.
  assertEquals(attached.closed, false);
  assertEquals(attached.view(u32).value, 0x07070707);
  attached.close();
});

Deno.test("Memory.attach() neither maps nor closes what took the place of its descriptor", async () => {
  // Whoever closes a descriptor that is not his gives its number away.
  const { code, stdout, stderr } = await run(
    `
    import { Memory, pageSize } from "@hostmem/hostmem";
    import { openDescriptors } from "./tests/_support.ts";
    import {
      F_SEAL_FUTURE_WRITE,
      F_SEAL_SHRINK,
      memfd,
    } from "./tests/memory/_kernel.ts";
    const { symbols: libc } = Deno.dlopen("libc.so.6", {
      dup2: { parameters: ["i32", "i32"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
    using file = memfd(pageSize()).seal(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
    using foreign = memfd(pageSize(), "foreign").seal(F_SEAL_SHRINK);
    const memory = Memory.map(file.fd, pageSize(), { workers: true });
    const handle = structuredClone(memory.handle);
    const number = new Int32Array((handle as any).backing.descriptor)[0];
    const messages: string[] = [];
    function attach(): void {
      try {
        Memory.attach(handle);
      } catch (error) {
        messages.push(String(error));
      }
    }
    libc.dup2(foreign.fd, number);
    const before = openDescriptors().length;
    attach();
    messages.push(String(openDescriptors().length - before));
    libc.close(number);
    attach();
    // Another thread can write where the number is published.
    new Int32Array((handle as any).backing.descriptor)[0] = foreign.fd;
    attach();
    memory.close();
    messages.push(String(openDescriptors("/memfd:foreign").length));
    console.log(JSON.stringify(messages));
  `,
    { permissions: ["-A"] },
  );
  assertEquals(code, 0, stderr);
  const [replaced, leaked, closed, forged, foreign] = JSON.parse(stdout);
  assert(replaced.startsWith("TypeError: Cannot attach"), replaced);
  assert(replaced.includes("refers to something else now"), replaced);
  assertEquals(leaked, "0");
  assert(closed.startsWith("SystemError: fcntl failed with EBADF"), closed);
  assert(forged.includes("refers to something else now"), forged);
  assertEquals(foreign, "1");
});

bpfTest("Memory.attach() tells one BPF map from another by its id", () => {
  using map = BpfMap.array(8);
  using other = BpfMap.array(8);
  assert(map.freeze());
  using memory = Memory.map(map.fd, page, { workers: true });
  using foreign = Memory.map(other.fd, page, {
    workers: true,
    readOnly: true,
  });
  // deno-lint-ignore no-explicit-any
  const [handle, from] = [memory.handle, foreign.handle] as any[];
  assertThrows(
    () =>
      Memory.attach({
        ...handle,
        backing: { ...handle.backing, descriptor: from.backing.descriptor },
      }),
    TypeError,
    "refers to something else now",
  );
});

Deno.test("A Worker that is terminated holds no descriptor of read-only memory", async () => {
  const before = openDescriptors("/memfd:sealed").length;
  using file = sealed(page);
  using memory = Memory.map(file.fd, page, { workers: true });
  for (let i = 0; i < 5; i++) {
    using worker = new Attached();
    await worker.ask("attach", memory.handle);
  }
  assertEquals(openDescriptors("/memfd:sealed").length, before + 2);
});
