import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  eventually,
  repository,
  run,
  TemporaryDirectory,
} from "../_support.ts";

/** Holds memory, and has a thread that waits for a descriptor. */
const holding = `
  import { Watch } from "${join(repository, "bpf/ring/wait_for_events.ts")}";
  import { Descriptor } from "${join(repository, "ffi/descriptor.ts")}";
  import { check, createWaker } from "${join(repository, "ffi/mod.ts")}";
  import { Memory } from "${join(repository, "mod.ts")}";

  const kept: Memory[] = [];
  for (let i = 0; i < 8; i++) {
    const memory = Memory.create(4096, { name: "held" });
    if (i % 2 === 0) memory.close();
    else kept.push(memory);
  }
  const bell = new Descriptor(check(createWaker(), "eventfd"));
  const waiting = new Watch([bell]).next();
  Object.assign(globalThis, { kept, bell });
`;

/** The number of memfds that the above has. */
const held = 4;

/** A program that holds something, and goes on as `rest` says. */
function write(path: string, rest: string): void {
  Deno.writeTextFileSync(path, holding + rest);
}

for (
  const [how, code] of [
    ["terminate()", ""],
    ["self.close()", "self.close();"],
    ["an uncaught error", `throw new Error("as meant");`],
  ]
) {
  Deno.test(`A Worker that ends by ${how} leaves no descriptor behind`, async () => {
    using directory = new TemporaryDirectory();
    const path = directory.join("worker.ts");
    write(
      path,
      `self.onmessage = () => { ${code} };
       self.postMessage("ready");`,
    );
    // In a process of its own, where nothing else opens and closes.
    const result = await run(
      `
      import { eventually, openDescriptors } from "./tests/_support.ts";
      const descriptors = () =>
        openDescriptors().filter((target) =>
          target.includes("memfd:held") || target.includes("[event") ||
          target === "/"
        );
      async function start(url: string): Promise<Worker> {
        const worker = new Worker(url, { type: "module" });
        worker.onerror = (event) => event.preventDefault();
        await new Promise((resolve) => worker.onmessage = resolve);
        return worker;
      }
      // For its first Worker, Deno opens what it keeps.
      (await start("data:text/javascript,self.postMessage(0)")).terminate();
      const before = descriptors().length;
      const worker = await start("file://${path}");
      console.log(openDescriptors("/memfd:held").length);
      if (${code === ""}) worker.terminate();
      else worker.postMessage("end");
      // The thread that waits is not told, but it does not wait for long.
      await eventually(() => descriptors().length <= before);
      console.log("gone");
      Deno.exit();
    `,
      { permissions: ["-A"] },
    );
    assertEquals(result.stdout, `${held}\ngone\n`, result.stderr);
  });
}

Deno.test("A program that --watch runs anew leaves no descriptor behind", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("program.ts");
  const log = directory.join("log");
  const rounds = () =>
    Deno.readTextFileSync(log).trim().split("\n").filter(Boolean)
      .map((line) => JSON.parse(line));
  const start = (round: number) =>
    write(
      path,
      `const count = () => {
         const links: string[] = [];
         for (const { name } of Deno.readDirSync("/proc/self/fd")) {
           try { links.push(Deno.readLinkSync("/proc/self/fd/" + name)); }
           catch { /* that of the directory, or just closed */ }
         }
         const of = (kind: string) =>
           links.filter((link) => link.includes(kind)).length;
         return {
           memfd: of("memfd:held"),
           epoll: of("[eventpoll]"),
           eventfd: of("[eventfd]"),
         };
       };
       // The thread that waited in the round before is not told of the end,
       // but it does not wait for long.
       const first = ${JSON.stringify(rounds()[0]?.counts ?? null)};
       let counts = count();
       for (let i = 0; i < 100 && first !== null; i++) {
         if (JSON.stringify(counts) === JSON.stringify(first)) break;
         await new Promise((resolve) => setTimeout(resolve, 50));
         counts = count();
       }
       Deno.writeTextFileSync(
         "${log}",
         JSON.stringify({ round: ${round}, counts }) + "\\n",
         { append: true },
       );
       await waiting;`,
    );
  Deno.writeTextFileSync(log, "");
  start(0);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-lock", "--watch"],
      `--config=${join(repository, "deno.json")}`,
      path,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    for (let round = 0; round <= 5; round++) {
      let tries = 0;
      // A change while Deno is about to watch goes unnoticed, so once more.
      await eventually(() => {
        if (tries++ % 30 === 0 && round > 0) start(round);
        return rounds().at(-1)?.round === round;
      }, 60_000);
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  const [first, ...others] = rounds();
  assertEquals(others.at(-1)!.round, 5);
  assertEquals(first.counts.memfd, held);
  for (const { counts } of others) assertEquals(counts, first.counts);
});
