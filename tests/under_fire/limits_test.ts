import { assert, assertEquals } from "@std/assert";
import { sized } from "../_fire.ts";
import { run } from "../_support.ts";

/** The begin of every program of this file. */
const prelude = `
  import { u8 } from "./layout/mod.ts";
  import { Memory, pageSize } from "./memory/mod.ts";
  import { addressSpace, collect, mappings, openDescriptors } from "./tests/_support.ts";
  import {
    libc, limit, RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_MEMLOCK,
    RLIMIT_NOFILE,
  } from "./tests/under_fire/_native.ts";

  const page = pageSize();
  const path = Deno.makeTempFileSync({ prefix: "limits" });
  Deno.truncateSync(path, 2 ** 24);
  using origin = Memory.create(2 ** 20, { name: "limits" });
  const fd = origin.fd!;

  /** Tells what comes of it, in a word. */
  function outcome(body: () => Memory | void): string {
    try {
      using memory = body() ?? undefined;
      if (memory) memory.view(u8, memory.size - 1).value;
      return "works";
    } catch (error) {
      const { name, code } = error as { name: string; code?: string };
      return code ?? name;
    }
  }

  const ways: Record<string, () => Memory> = {
    create: () => Memory.create(2 ** 30),
    "create for Workers": () => Memory.create(2 ** 30, { workers: true }),
    open: () => Memory.open(path, { allowTruncatable: true }),
    "open for reading": () =>
      Memory.open(path, { allowTruncatable: true, readOnly: true }),
    map: () => Memory.map(fd, 2 ** 20),
    "map for Workers": () => Memory.map(fd, 2 ** 20, { workers: true }),
  };

  function tryAll(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(ways).map(([name, way]) => [name, outcome(way)]),
    );
  }

  function left(): number[] {
    collect();
    return [
      mappings("/memfd:limits", "/memfd:hostmem", path).length,
      openDescriptors().length,
    ];
  }
`;

const all = [
  "create",
  "create for Workers",
  "open",
  "open for reading",
  "map",
  "map for Workers",
];

function every(outcome: string): Record<string, string> {
  return Object.fromEntries(all.map((name) => [name, outcome]));
}

async function resultOf(program: string): Promise<Record<string, unknown>> {
  const { code, signal, stdout, stderr } = await run(
    `${prelude}\n${program}\nDeno.removeSync(path);`,
    { permissions: ["-A"] },
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(stdout);
}

Deno.test("Memory under a limit of file sizes fails with EFBIG and not with SIGXFSZ", async () => {
  // The kernel sends the signal to whoever makes a file larger, or writes
  // behind the limit; what it does by default is to end the process.
  const result = await resultOf(`
    using file = Memory.open(path, { allowTruncatable: true });
    const lowered = limit(RLIMIT_FSIZE, 2 ** 23);
    const below = outcome(() => Memory.create(2 ** 23));
    const above = outcome(() => Memory.create(2 ** 23 + 1));
    const within = outcome(() => file.writeAt(new Uint8Array(10), 2 ** 23 - 10));
    const across = outcome(() => file.writeAt(new Uint8Array(10).fill(1), 2 ** 23 - 5));
    const beyond = outcome(() => file.writeAt(new Uint8Array(10).fill(1), 2 ** 23));
    const bytes = new Uint8Array(20);
    file.readAt(bytes, 2 ** 23 - 10);
    // Through the mapping nothing is checked, and nothing is wrong with that.
    file.pointer(u8, 2 ** 24 - 1).value = 7;
    file.flush();
    const opened = outcome(ways.open!);
    lowered.restore();
    const after = tryAll();
    const written = Deno.readFileSync(path)[2 ** 24 - 1];
    console.log(JSON.stringify({
      below, above, within, across, beyond, opened, after, written,
      untouched: bytes.every((byte) => byte === 0),
    }));
  `);
  assertEquals(result, {
    below: "works",
    above: "EFBIG",
    within: "works",
    across: "EFBIG",
    beyond: "EFBIG",
    opened: "works",
    after: every("works"),
    written: 7,
    untouched: true,
  });
});

Deno.test("Memory without descriptors to be had fails with EMFILE, and leaves nothing behind", async () => {
  const result = await resultOf(`
    tryAll();
    const before = left();
    const most = Math.max(...Array.from(
      Deno.readDirSync("/proc/self/fd"),
      ({ name }) => Number(name),
    ));
    const lowered = limit(RLIMIT_NOFILE, most + 1);
    const taken: number[] = [];
    for (let fd; (fd = libc.eventfd(0, 0)) >= 0;) taken.push(fd);
    const during = [tryAll(), tryAll()];
    lowered.restore();
    for (const fd of taken) libc.close(fd);
    const after = tryAll();
    console.log(JSON.stringify({ during, after, before, left: left() }));
  `);
  const during = {
    ...every("EMFILE"),
    // What the caller opened needs no other.
    map: "works",
  };
  assertEquals(result.during, [during, during]);
  assertEquals(result.after, every("works"));
  assertEquals(result.left, result.before);
});

Deno.test("Memory without addresses to be had fails with ENOMEM, and leaves nothing behind", async () => {
  const result = await resultOf(`
    tryAll();
    const before = left();
    // Enough for what the engine and its threads take meanwhile.
    const lowered = limit(RLIMIT_AS, addressSpace() + 2 ** 28);
    const kinds = new Set<string>();
    for (let i = 0; i < ${sized(2, 50)}; i++) {
      kinds.add(outcome(ways.create!));
      kinds.add(outcome(ways["create for Workers"]!));
    }
    const small = outcome(ways.map!);
    lowered.restore();
    const after = tryAll();
    console.log(JSON.stringify({
      kinds: [...kinds], small, after, before, left: left(),
    }));
  `);
  assertEquals(result.kinds, ["ENOMEM"]);
  assertEquals(result.small, "works");
  assertEquals(result.after, every("works"));
  assertEquals(result.left, result.before);
});

Deno.test("Memory where no more data may be had fails with ENOMEM, and leaves nothing behind", async () => {
  const result = await resultOf(`
    tryAll();
    const before = left();
    const data = Number(
      /^VmData:\\s+(\\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))![1],
    );
    const lowered = limit(RLIMIT_DATA, data * 1024 + 2 ** 27);
    const kinds = new Set<string>();
    // The engine collects, and tries again, before it says no.
    for (let i = 0; i < ${sized(2, 20)}; i++) {
      kinds.add(outcome(ways.create!));
      kinds.add(outcome(ways["create for Workers"]!));
    }
    const small = outcome(ways.map!);
    lowered.restore();
    const after = tryAll();
    console.log(JSON.stringify({
      kinds: [...kinds], small, after, before, left: left(),
    }));
  `);
  assertEquals(result.kinds, ["ENOMEM"]);
  assertEquals(result.small, "works");
  assertEquals(result.after, every("works"));
  assertEquals(result.left, result.before);
});

Deno.test("Memory works where none may be locked", async () => {
  const result = await resultOf(`
    limit(RLIMIT_MEMLOCK, 0);
    console.log(JSON.stringify(tryAll()));
  `);
  assertEquals(result, every("works"));
});

Deno.test("Memory.map() refuses where other code has taken the mappings that a process can have", async () => {
  const result = await resultOf(`
    const max = Number(Deno.readTextFileSync("/proc/sys/vm/max_map_count"));
    const early = Memory.map(fd, page);
    // Pages that can and cannot be read by turns are a mapping each.
    const pages = Math.min(max, 65530) - mappings().length - 8000;
    const length = BigInt(pages * page);
    // PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    const address = libc.mmap(0n, length, 0, 0x4022, -1, 0n);
    for (let i = 1; i < pages; i += 2) {
      libc.mprotect(address + BigInt(i * page), BigInt(page), 1);
    }
    const taken = mappings().length;
    const held: Memory[] = [];
    let refusal = "";
    while (refusal === "" && held.length < 3000) {
      try {
        held.push(Memory.map(fd, page, { workers: held.length % 2 === 0 }));
      } catch (error) {
        refusal = String(error);
      }
    }
    const again = outcome(ways.map!);
    early.close();
    for (const memory of held) memory.close();
    const count = held.length;
    held.length = 0;
    libc.munmap(address, length);
    const after = outcome(ways.map!);
    console.log(JSON.stringify({ taken, refusal, again, count, after }));
  `);
  const { taken, refusal, again, count, after } = result;
  assert(taken as number > 55_000, `${taken}`);
  assert(
    (refusal as string).startsWith(
      "NotSupportedError: Too many live mappings: this process has",
    ),
    `${refusal}`,
  );
  assertEquals([again, after], ["NotSupportedError", "works"]);
  assert(count as number < 1024, `${count}`);
});
