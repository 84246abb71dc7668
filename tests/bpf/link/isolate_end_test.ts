import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { sized } from "../../_fire.ts";
import { testWith } from "../../_needs.ts";
import {
  eventually,
  repository,
  run,
  TemporaryDirectory,
} from "../../_support.ts";
import { attachable, compileAttach } from "../_attach.ts";

/** The number of runs of a program; what stays of one shows in the next. */
const ROUNDS = sized(2, 5);

/** Attaches a program, and waits for records of a ring that nobody writes. */
const attaching = (object: string) => `
  import { BpfMap, BpfObject, RingBuffer } from "${
  join(repository, "bpf/mod.ts")
}";
  const object = BpfObject.load(${JSON.stringify(object)});
  const link = object.program("count_syscalls").attach();
  const map = BpfMap.create({ type: "ringbuf", maxEntries: 65536 });
  const ring = new RingBuffer(map);
  const records = ring.records();
  const waiting = records.next();
  Object.assign(globalThis, { object, link, map, ring, records });
`;

/** Counts the descriptors of a process by what they are of. */
const counting = `
  function counts() {
    const links: string[] = [];
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      try { links.push(Deno.readLinkSync("/proc/self/fd/" + name)); }
      catch { /* that of the directory */ }
    }
    const count = (kind: string) =>
      links.filter((link) => link.startsWith("anon_inode:" + kind)).length;
    return {
      links: count("bpf_link") + count("bpf-link"),
      maps: count("bpf-map"),
      programs: count("bpf-prog"),
      epoll: count("[eventpoll]"),
    };
  }
`;

testWith(attachable)(
  "A program that --watch runs anew has one link and one ring at a time",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory);
    const path = directory.join("program.ts");
    const log = directory.join("log");
    const start = (round: number) =>
      Deno.writeTextFileSync(
        path,
        `${attaching(object)} ${counting}
       Deno.writeTextFileSync("${log}",
         JSON.stringify({ round: ${round}, ...counts() }) + "\\n", { append: true });
       await waiting;`,
      );
    Deno.writeTextFileSync(log, "");
    start(0);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--no-lock", "--no-check", "--watch"],
        `--config=${join(repository, "deno.json")}`,
        path,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const rounds = () =>
      Deno.readTextFileSync(log).trim().split("\n").filter(Boolean)
        .map((line) => JSON.parse(line));
    try {
      for (let round = 0; round <= ROUNDS; round++) {
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
    assertEquals(first.links, 1);
    assertEquals(others.at(-1).round, ROUNDS);
    for (const other of others) assertEquals({ ...other, round: 0 }, first);
  },
);

for (
  const [how, code] of [
    ["terminate()", ""],
    ["self.close()", "self.close();"],
    ["an uncaught error", `throw new Error("as meant");`],
  ]
) {
  testWith(attachable)(
    `A Worker that ends by ${how} leaves no link and no ring`,
    async () => {
      using directory = new TemporaryDirectory();
      const object = await compileAttach(directory);
      const path = directory.join("worker.ts");
      Deno.writeTextFileSync(
        path,
        `${attaching(object)}
       waiting.catch(() => {});
       self.onmessage = () => { ${code} };
       self.postMessage("ready");`,
      );
      const { stdout, stderr } = await run(
        `
      import { eventually } from "./tests/_support.ts";
      ${counting}
      async function start(url: string): Promise<Worker> {
        const worker = new Worker(url, { type: "module" });
        worker.onerror = (event) => event.preventDefault();
        await new Promise((resolve) => worker.onmessage = resolve);
        return worker;
      }
      // For its first Worker, Deno opens what it keeps.
      (await start("data:text/javascript,self.postMessage(0)")).terminate();
      const { epoll } = counts();
      const worker = await start("file://${path}");
      console.log(counts().links);
      if (${code === ""}) worker.terminate();
      else worker.postMessage("end");
      await eventually(() => counts().links === 0, 10_000);
      await eventually(() => counts().epoll <= epoll, 10_000);
      console.log("gone");
      Deno.exit();
      `,
        { permissions: ["-A"] },
      );
      assertEquals(stdout, "1\ngone\n", stderr);
    },
  );
}
