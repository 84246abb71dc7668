import { assert, assertEquals } from "@std/assert";
import { u32 } from "../../layout/mod.ts";
import { mappingStats, Memory, pageSize } from "../../memory/mod.ts";
import { collect, mappings } from "../_support.ts";
import { Attached, sealed } from "./workers/_workers.ts";

const page = pageSize();

function counted(): [mappings: number, bytes: number] {
  const { mappings, bytes } = mappingStats();
  return [mappings, bytes];
}

/** Returns what is counted when all garbage is gone. */
async function settled(): Promise<[mappings: number, bytes: number]> {
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return counted();
}

Deno.test("mappingStats() counts what is mapped and takes back what is closed", () => {
  const [before, bytes] = counted();
  const one = Memory.create(1);
  const two = Memory.create(2 * page + 1, { workers: true });
  const three = Memory.map(one.fd!, page);
  assertEquals(counted(), [before + 3, bytes + 5 * page]);
  three.close();
  assertEquals(counted(), [before + 2, bytes + 4 * page]);
  three.close();
  two.close();
  one.close();
  assertEquals(counted(), [before, bytes]);
});

Deno.test("mappingStats() takes back what was dropped once it is collected", async () => {
  const [before, bytes] = await settled();
  function drop(): [mappings: number, bytes: number] {
    for (let i = 0; i < 10; i++) Memory.create(page).view(u32);
    return counted();
  }
  assertEquals(drop(), [before + 10, bytes + 10 * page]);
  assertEquals(await settled(), [before, bytes]);
});

Deno.test("mappingStats() counts what a pointer or an array still holds", async () => {
  const [before, bytes] = await settled();
  function array(): Uint8Array {
    return new Uint8Array(Memory.create(page).webAssembly.buffer);
  }
  const held = array();
  assertEquals(await settled(), [before + 1, bytes + page]);
  assertEquals(held[0], 0);
});

Deno.test("mappingStats() takes back a detached memory once", async () => {
  const before = await settled();
  const memory = Memory.create(page);
  memory.webAssembly.grow(0);
  await settled();
  memory.close();
  assertEquals(await settled(), before);
});

Deno.test("mappingStats() counts attached pages where they were made", async () => {
  const [before, bytes] = await settled();
  const memory = Memory.create(page, { workers: true });
  const same = Memory.attach(memory.handle);
  assertEquals(counted(), [before + 1, bytes + page]);
  same.close();
  assertEquals(memory.closed, true);
  assertEquals(counted(), [before, bytes]);
  // Another thread closes it: counted until this thread notices.
  const other = Memory.create(page, { workers: true });
  using worker = new Attached();
  await worker.ask("attach", other.handle);
  await worker.ask("close");
  assertEquals(counted(), [before + 1, bytes + page]);
  assertEquals(other.closed, true);
  assertEquals(counted(), [before, bytes]);
});

Deno.test("mappingStats() counts read-only memory for each thread that attached it", async () => {
  const [before, bytes] = await settled();
  using file = sealed(page);
  const memory = Memory.map(file.fd, page, { workers: true });
  const same = Memory.attach(memory.handle);
  assertEquals(counted(), [before + 2, bytes + 2 * page]);
  memory.close();
  assertEquals(same.closed, true);
  assertEquals(counted(), [before, bytes]);
});

Deno.test("mappingStats() counts all mappings of the process as /proc does", () => {
  mappingStats();
  const { processMappings, processMappingsMax } = mappingStats();
  const lines = mappings().length;
  assert(
    Math.abs(processMappings! - lines) < 20,
    `${processMappings} ${lines}`,
  );
  assertEquals(processMappingsMax, 32_768);
});
