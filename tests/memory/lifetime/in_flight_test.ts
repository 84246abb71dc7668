/** The fate of memory whose handle is on its way, or whose thread ends. */

import { assertEquals } from "@std/assert";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { collect, eventually, mappings } from "../../_support.ts";
import { Attached } from "../workers/_workers.ts";

const page = pageSize();

/** Waits until nothing of the name is mapped any more. */
async function gone(name: string): Promise<void> {
  await eventually(() => {
    collect();
    return mappings(`/memfd:${name}`).length === 0;
  });
}

function create(name: string): Memory {
  return Memory.create(page, { workers: true, name });
}

/** Makes a memory and posts its handle, in a function whose end drops both. */
function post(name: string, to: { postMessage(message: unknown): void }): void {
  to.postMessage(create(name).handle);
}

Deno.test("Memory whose handle nobody takes out of a MessageChannel goes with the channel", async () => {
  const name = "in a channel";
  await (async () => {
    const { port1, port2 } = new MessageChannel();
    for (let i = 0; i < 20; i++) post(name, port1);
    collect();
    assertEquals(mappings(`/memfd:${name}`).length, 20);
    // Until it is closed the other end could still ask.
    await new Promise((resolve) => setTimeout(resolve, 1));
    port1.close();
    port2.close();
  })();
  await gone(name);
});

Deno.test("Memory whose handle nobody hears on a BroadcastChannel is gone", async () => {
  const name = "in a broadcast";
  await (async () => {
    const from = new BroadcastChannel(name);
    const to = new BroadcastChannel(name);
    for (let i = 0; i < 20; i++) post(name, from);
    await new Promise((resolve) => setTimeout(resolve, 20));
    from.close();
    to.close();
  })();
  await gone(name);
});

Deno.test("A hundred handles posted twice to a Worker are gone after it is terminated", async () => {
  const name = "delivered";
  await (async () => {
    using worker = new Attached();
    for (let key = 0; key < 100; key++) {
      const { handle } = create(name);
      await worker.ask("hold", [key, handle]);
      await worker.ask("hold", [key + 100, handle]);
    }
    collect();
    assertEquals(mappings(`/memfd:${name}`).length, 100);
  })();
  await gone(name);
});

for (const end of ["terminate()", "close()"]) {
  for (const workers of [false, true]) {
    const kind = workers ? ", made for Workers," : "";
    Deno.test(`Fifty memories that a Worker made${kind} are gone after its ${end}`, async () => {
      const name = "of a Worker";
      const attached = new Attached();
      await attached.ask("make", [50, workers, name]);
      collect();
      assertEquals(mappings(`/memfd:${name}`).length, 50);
      if (end === "close()") attached.worker.postMessage({ action: "end" });
      else attached.worker.terminate();
      await gone(name);
      attached.worker.terminate();
    });
  }
}
