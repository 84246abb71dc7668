import { assert, assertEquals } from "@std/assert";
import { sized } from "../_fire.ts";
import { arenas, bpfMaps, testWith } from "../_needs.ts";
import { run } from "../_support.ts";

/**
 * Failures. One mapping or descriptor that is left behind in a hundred shows, and
 * so does a page, since the rest of a gigabyte is written afterwards.
 */
const FAILURES = sized(400, 10_000);

/** A program that fails to map so often and tells what that left behind. */
const failing = `
  import { Memory, pageSize } from "./memory/mod.ts";
  import { arenas } from "./tests/_needs.ts";
  import { addressSpace, collect, lastingDescriptors, mappings } from "./tests/_support.ts";
  import { BpfMap, memfd, O_RDONLY, O_WRONLY, open, pipe } from "./tests/memory/_kernel.ts";

  const page = pageSize();
  const path = Deno.makeTempFileSync({ prefix: "refused" });
  Deno.writeFileSync(path, new Uint8Array(page));
  const [read] = pipe();
  const refusing: [fd: number, size: number, code: string][] = [
    [open(path, O_WRONLY).fd, page, "EACCES"],
    [read.fd, page, "ENODEV"],
    [open("/", O_RDONLY).fd, page, "ENODEV"],
    [memfd(page, "refused").fd, 2 * page, ""],
  ];
  if (Deno.args[0] === "bpf") {
    refusing.push(
      [BpfMap.hash(1).fd, page, "ENOTSUPP"],
      [BpfMap.unmappable(1).fd, page, "EINVAL"],
      [BpfMap.array(1).fd, 1024 * page, "EINVAL"],
    );
    if (arenas.met) refusing.push([BpfMap.arena(1).fd, page, ""]);
  }
  function fail(count: number): void {
    for (let i = 0; i < count; i++) {
      const [fd, size, code] = refusing[i % refusing.length]!;
      try {
        Memory.map(fd, size, { allowTruncatable: true });
      } catch (error) {
        const actual = (error as { code?: string }).code ?? "";
        if (actual === code) continue;
        throw error;
      }
      throw new Error("mapped " + code);
    }
  }
  function left(): number[] {
    collect();
    return [
      mappings("/memfd:refused", "anon_inode:bpf-map", path).length,
      lastingDescriptors(),
      addressSpace(),
    ];
  }
  const worker = Deno.args[1] === "worker"
    ? new Worker(
      new URL("./tests/memory/_mapping_worker.ts", import.meta.url),
      { type: "module" },
    )
    : undefined;
  const answer = () =>
    new Promise<unknown>((resolve) =>
      worker!.onmessage = ({ data }) => resolve(data)
    );
  if (worker) await answer();
  const failures = Number(Deno.args[2]);
  fail(failures / 10);
  const before = left();
  fail(failures);
  const after = left();
  let rounds: unknown = 0;
  if (worker) {
    worker.postMessage("how many");
    rounds = await answer();
    worker.terminate();
  }
  // No hole: the engine's memory is used, and written, all over.
  const kept: Uint8Array[] = [];
  for (let i = 0; i < 2000; i++) {
    kept.push(new Uint8Array(65536).fill(i));
    kept.push(
      new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer).fill(i),
    );
  }
  collect();
  const whole = kept.every((bytes, i) =>
    bytes[0] === (i >> 1) % 256 && bytes[65535] === (i >> 1) % 256
  );
  Deno.removeSync(path);
  console.log(JSON.stringify({ before, after, whole, rounds }));
`;

async function assertNothingLeft(kind: string, worker = ""): Promise<void> {
  const { code, signal, stdout, stderr } = await run(failing, {
    permissions: ["-A"],
    args: [kind, worker, `${FAILURES}`],
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  const { before, after, whole, rounds } = JSON.parse(stdout);
  assertEquals(after[0], 0);
  assertEquals(after[1], before[1]);
  assert(after[2] < before[2] + 2 ** 28, stdout);
  assert(whole);
  if (worker !== "") assert(rounds > 100, stdout);
}

const kind = bpfMaps.met ? "bpf" : "";

Deno.test("Failed maps leave no mapping, no descriptor, no address space and no hole", async () => {
  await assertNothingLeft(kind);
});

Deno.test("Failed maps leave nothing beside a Worker that maps and unmaps all the while", async () => {
  await assertNothingLeft(kind, "worker");
});

testWith(arenas)(
  "A mapping that cannot be moved into place leaves no hole",
  async () => {
    const { code, signal, stdout, stderr } = await run(
      `
      import { pageSize } from "./ffi/mod.ts";
      import { mapOverPages } from "./memory/map/map_over_pages.ts";
      import { collect, mappings } from "./tests/_support.ts";
      import {
        BpfMap,
        isMapped,
        mapAnonymous,
      } from "./tests/memory/_kernel.ts";
      const worker = new Worker(
        new URL("./tests/memory/_mapping_worker.ts", import.meta.url),
        { type: "module" },
      );
      await new Promise((resolve) => worker.onmessage = resolve);
      const messages = new Set<string>();
      const canaries: bigint[] = [];
      for (let i = 0; i < Number(Deno.args[0]); i++) {
        // Arenas refuse to be moved, after what was there is gone.
        using arena = BpfMap.arena(16);
        try {
          mapOverPages({
            fd: arena.fd,
            offset: 0,
            length: 16 * pageSize(),
            granule: pageSize(),
            readOnly: false,
            forWorkers: false,
          });
        } catch (error) {
          messages.add(String(error));
        }
        // Where there is a hole this lands in it, and is lost when the engine
        // unmaps what it takes for its own.
        canaries.push(mapAnonymous(16 * pageSize()));
        if (i % 500 === 0) collect();
      }
      collect();
      worker.terminate();
      const lost = canaries.filter((address) => !isMapped(address)).length;
      const left = mappings("anon_inode:bpf-map").length;
      console.log(JSON.stringify([...messages, left, lost]));
    `,
      { permissions: ["-A"], args: [`${sized(200, 2000)}`] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    const [message, ...counts] = JSON.parse(stdout);
    assert(message.startsWith("SystemError: mremap failed with EINVAL"));
    assert(message.includes("a BPF arena"), message);
    assertEquals(counts, [0, 0]);
  },
);

Deno.test("Memory.map() collects garbage and tries again where the address space is exhausted", async () => {
  // Deno itself reserves some 20 GiB, so the limit is set from within.
  const { code, stdout, stderr } = await run(
    `
    import { Memory } from "./memory/mod.ts";
    import { addressSpace } from "./tests/_support.ts";
    const size = 2 ** 28;
    using origin = Memory.create(2 * size);
    const fd = origin.fd!;
    const libc = Deno.dlopen("libc.so.6", {
      setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    });
    const limit = BigInt(addressSpace() + 3 * size);
    // RLIMIT_AS
    if (libc.symbols.setrlimit(9, new BigUint64Array([limit, limit])) !== 0) {
      throw new Error("setrlimit");
    }
    // The engine collects by itself when it cannot reserve; after two of one
    // size it is the kernel that refuses a larger one first.
    // Four times what fits, or more.
    for (let i = 0; i < Number(Deno.args[0]); i++) {
      Memory.map(fd, size);
      Memory.map(fd, size);
      Memory.map(fd, size + size / 4);
    }
    const held: Memory[] = [];
    let message = "";
    try {
      while (true) held.push(Memory.map(fd, size));
    } catch (error) {
      message = String(error);
    }
    const count = held.length;
    for (const memory of held) memory.close();
    held.length = 0;
    Memory.map(fd, size).close();
    console.log(JSON.stringify({ message, count }));
  `,
    { permissions: ["-A"], args: [`${sized(4, 50)}`] },
  );
  assertEquals(code, 0, stderr);
  const { message, count } = JSON.parse(stdout);
  assert(
    message.startsWith("SystemError: mmap failed with ENOMEM"),
    message,
  );
  assert(count > 0 && count < 4, stdout);
});
