import { assert, assertEquals } from "@std/assert";
import { run } from "../../_support.ts";

/** The results of a raw array, or of what JavaScript makes of zeros. */
const ZEROS: Record<string, string> = {
  "typed array read": "0",
  "field array read": "0",
  "subarray read": "0",
  "slice": "0,0",
  "indexOf": "-1",
  "join": "0,0",
  "for of": "0",
  "forEach": "0",
  "iterator": "false",
  "DataView read": "0",
  "Atomics.load": "0",
  "Atomics.add": "0",
  "Atomics.compareExchange": "0",
  "Atomics.notify": "0",
  "Atomics.wait": "not-equal",
  "the clone's buffer": "0",
  "wasm load": "0",
  "wasm atomic": "1",
  "wasm grow": "2",
  "pointer read": "0",
  "view read": "0",
  "nested read": "0",
  "memory.closed": "true",
  "memory.fd": "undefined",
  "memory.close": "undefined",
  "field array after that": "0",
  "Deno.inspect": "true",
};

/** The cases that throw a ClosedError from when the Memory was asked. */
const CLOSED = [
  "atomic wait",
  "pointer read after that",
  "pointer write after that",
  "atomic add after that",
  "atomic of a pointer after that",
  "view read after that",
  "nested read after that",
  "array of a pointer after that",
  "memory.pointer",
  "memory.view",
  "memory.readAt",
  "memory.writeAt",
  "memory.webAssembly",
  "memory.handle",
  "memory.flush",
];

for (const closer of ["main thread", "Worker", "other Worker"]) {
  Deno.test(`All that a Worker took out of memory is harmless after the ${closer} closed it`, async () => {
    const { code, signal, stdout, stderr } = await run(
      `
      import { Memory, pageSize } from "./memory/mod.ts";
      import { Attached } from "./tests/memory/workers/_workers.ts";
      import { mappings } from "./tests/_support.ts";
      import { pipe } from "./tests/memory/_kernel.ts";
      const { symbols: libc } = Deno.dlopen("libc.so.6", {
        write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
      });
      const [closer] = Deno.args;
      const worker = new Worker(
        new URL("./tests/memory/lifetime/_stale_worker.ts", import.meta.url).href,
        { type: "module" },
      );
      const answer = () =>
        new Promise<any>((resolve) => worker.onmessage = ({ data }) => resolve(data));
      async function ask(action: string, rest: object = {}): Promise<any> {
        const answered = answer();
        worker.postMessage({ action, ...rest });
        return await answered;
      }
      await answer();
      const memory = Memory.create(pageSize(), { workers: true, name: "stale" });
      memory.writeAt(new Uint8Array(pageSize()).fill(99), 0);
      const ends = [pipe(), pipe()];
      const path = Deno.makeTempFileSync();
      Deno.writeFileSync(path, new Uint8Array(8).fill(1));
      const fds = ends.map(([read]) => read.fd);
      await ask("prepare", { handle: memory.handle, fds, path });
      if (closer === "main thread") memory.close();
      if (closer === "Worker") await ask("close");
      if (closer === "other Worker") {
        const other = new Attached();
        await other.ask("attach", memory.handle);
        await other.ask("close");
        other.worker.terminate();
      }
      const gone = mappings("/memfd:stale").length === 0;
      // What is mapped from now on must not be touched.
      using foreign = Memory.create(pageSize());
      const maps = Array.from(
        { length: 200 },
        () => Memory.map(foreign.fd!, pageSize()),
      );
      for (const [, write] of ends) {
        libc.write(write.fd, new Uint8Array(8).fill(7), 8n);
      }
      const results = await ask("try");
      await ask("finish");
      const bytes = new Uint8Array(pageSize());
      foreign.readAt(bytes, 0);
      const untouched = bytes.every((byte) => byte === 0);
      const callback = Memory.create(pageSize(), { workers: true });
      const inCallback = await ask("close in a callback", {
        handle: callback.handle,
      });
      worker.terminate();
      Deno.removeSync(path);
      for (const map of maps) map.close();
      console.log(JSON.stringify({
        results,
        gone,
        untouched,
        inCallback,
        closed: [memory.closed, callback.closed],
      }));
    `,
      { permissions: ["-A"], args: [closer] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    const { results, gone, untouched, inCallback, closed } = JSON.parse(stdout);
    assert(results.length >= 60, `${results.length}`);
    assertEquals([gone, untouched, ...closed], [true, true, true, true]);
    const outcomes: Record<string, string> = Object.fromEntries(results);
    // Whoever closes the memory knows at once.
    const known = closer === "Worker";
    for (const [name, expected] of Object.entries(ZEROS)) {
      const throws = known && /^(pointer|view|nested) read$/.test(name);
      assertEquals(outcomes[name], throws ? "ClosedError" : expected, name);
    }
    for (const name of CLOSED) {
      assertEquals(outcomes[name], "ClosedError", name);
    }
    assertEquals(inCallback, [64, "64", "0"]);
  });
}
