import { assertEquals } from "@std/assert";
import type { Pointer } from "../../../layout/mod.ts";
import { Memory, type MemoryHandle, pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { collect, eventually } from "../../_support.ts";
import { BpfMap, mapExists } from "../_kernel.ts";
import { Attached, Shared } from "../workers/_workers.ts";

const page = pageSize();

/** All orders of some things. */
function orders<T>(things: readonly T[]): T[][] {
  if (things.length < 2) return [[...things]];
  return things.flatMap((first) =>
    orders(things.filter((thing) => thing !== first))
      .map((rest) => [first, ...rest])
  );
}

/** One mapped map, and all that holds its memory. */
interface Held {
  id: number;
  things: Record<string, unknown>;
}

function holdWritable(): Held {
  using map = BpfMap.array(page / 8);
  const memory = Memory.map(map.fd, page, { workers: true });
  const pointer: Pointer<typeof Shared> = memory.pointer(Shared);
  return {
    id: map.id,
    things: {
      memory,
      pointer,
      array: pointer.numbers,
      iterator: pointer.numbers.values(),
      handle: memory.handle,
    },
  };
}

function holdReadOnly(): Held {
  using map = BpfMap.array(page / 8);
  if (!map.freeze()) throw new Error("freeze");
  const memory = Memory.map(map.fd, page, { workers: true });
  const view = memory.view(Shared);
  return {
    id: map.id,
    things: { memory, view, iterator: view.numbers[Symbol.iterator]() },
  };
}

async function dropInEveryOrder(
  hold: () => Held,
  names: string[],
): Promise<void> {
  using worker = new Attached();
  const sequences = orders([...names, "worker"]);
  // Not in this function's registers: what is in there is not collected.
  async function make(key: number): Promise<Held> {
    const held = hold();
    const { handle } = held.things["memory"] as Memory;
    await worker.ask("hold", [key, handle as MemoryHandle]);
    return held;
  }
  const all: Held[] = [];
  for (let key = 0; key < sequences.length; key++) all.push(await make(key));
  for (let step = 0; step <= names.length; step++) {
    assertEquals(all.filter(({ id }) => !mapExists(id)).length, 0, `${step}`);
    const keys: number[] = [];
    sequences.forEach((sequence, key) => {
      const name = sequence[step]!;
      if (name === "worker") keys.push(key);
      else delete all[key]!.things[name];
    });
    await worker.ask("drop", keys);
    await worker.ask("collect");
    collect();
  }
  await eventually(async () => {
    await worker.ask("collect");
    collect();
    return all.every(({ id }) => !mapExists(id));
  });
}

bpfTest(
  "Memory lives until the last of Memory, pointer, typed array, iterator, handle and Worker is dropped, in each of 720 orders",
  async () => {
    const names = ["memory", "pointer", "array", "iterator", "handle"];
    await dropInEveryOrder(holdWritable, names);
  },
);

bpfTest(
  "Read-only memory lives until the last of Memory, view, iterator and Worker is dropped, in each of 24 orders",
  async () => {
    await dropInEveryOrder(holdReadOnly, ["memory", "view", "iterator"]);
  },
);

for (const readOnly of [false, true]) {
  const kind = readOnly ? "read-only" : "writable";
  bpfTest(
    `Memory that a Worker held, ${kind}, is gone after it is terminated`,
    async () => {
      const ids: number[] = [];
      async function hold(worker: Attached, key: number): Promise<void> {
        using map = BpfMap.array(page / 8);
        if (readOnly && !map.freeze()) throw new Error("freeze");
        const memory = Memory.map(map.fd, page, { workers: true });
        ids.push(map.id);
        await worker.ask("hold", [key, memory.handle]);
      }
      {
        using worker = new Attached();
        for (let key = 0; key < 20; key++) await hold(worker, key);
        collect();
        assertEquals(ids.filter(mapExists).length, 20);
      }
      await eventually(() => {
        collect();
        return !ids.some(mapExists);
      });
    },
  );
}

bpfTest(
  "Memory that was closed is gone, whoever still holds what of it",
  async () => {
    using worker = new Attached();
    const held = holdWritable();
    const memory = held.things["memory"] as Memory;
    await worker.ask("attach", memory.handle);
    await worker.ask("point");
    memory.close();
    await eventually(() => !mapExists(held.id), 5000);
    // Read-only memory goes from the Worker when that asks.
    const readable = holdReadOnly();
    const same = readable.things["memory"] as Memory;
    await worker.ask("attach", same.handle);
    same.close();
    assertEquals(await worker.ask("closed"), true);
    await eventually(() => !mapExists(readable.id), 5000);
  },
);
