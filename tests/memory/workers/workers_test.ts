import { assertEquals, assertThrows } from "@std/assert";
import { u32 } from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";

const page = pageSize();

function controlPage(buffer: ArrayBufferLike): {
  words: Int32Array;
  sizes: BigUint64Array;
} {
  const begin = buffer.byteLength - 65536;
  return {
    words: new Int32Array(buffer, begin, 4),
    sizes: new BigUint64Array(buffer, begin, 5),
  };
}

Deno.test("Memory for Workers lies on a SharedArrayBuffer that a Worker sees", async () => {
  using memory = Memory.create(page, { workers: true });
  assertEquals(memory.workers, true);
  const { webAssembly } = memory;
  assertEquals(webAssembly.buffer instanceof SharedArrayBuffer, true);
  const code = `
    onmessage = ({ data }) => {
      Atomics.add(new Uint32Array(data, 8, 1), 0, 41);
      postMessage("done");
    };
  `;
  const url = URL.createObjectURL(
    new Blob([code], { type: "text/javascript" }),
  );
  const worker = new Worker(url, { type: "module" });
  memory.pointer(u32, 8).value = 1;
  worker.postMessage(webAssembly.buffer);
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.terminate();
  URL.revokeObjectURL(url);
  assertEquals(memory.view(u32, 8).value, 42);
});

Deno.test("Memory for Workers carries a control page that says when it was closed", () => {
  const memory = Memory.create(100, { workers: true });
  const { buffer } = memory.webAssembly;
  assertEquals(buffer.byteLength, 2 * 65536);
  const { words, sizes } = controlPage(buffer);
  assertEquals([...words], [0x686d656d, 1, 0, 0]);
  assertEquals([...sizes.slice(2)], [100n, 0n, BigInt(page)]);
  // The memory's own bytes end before it.
  assertThrows(() => memory.writeAt(new Uint8Array(1), 100), RangeError);
  memory.close();
  assertEquals([...words], [0x686d656d, 2, 0, 0]);
});

Deno.test("Memory for Workers has no control page over its bytes at whole pages of WebAssembly", () => {
  using memory = Memory.create(65536, { workers: true });
  memory.writeAt(new Uint8Array(65536).fill(255), 0);
  const { buffer } = memory.webAssembly;
  const { words } = controlPage(buffer);
  assertEquals(buffer.byteLength, 2 * 65536);
  assertEquals(words[1], 1);
});

Deno.test("Memory for Workers wakes who waits for its end", async () => {
  const memory = Memory.create(page, { workers: true });
  const { words } = controlPage(memory.webAssembly.buffer);
  const { async, value } = Atomics.waitAsync(words, 1, 1);
  assertEquals(async, true);
  memory.close();
  assertEquals(await value, "ok");
});
