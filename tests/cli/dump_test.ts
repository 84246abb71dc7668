import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { BpfMap } from "../../bpf/mod.ts";
import { u32, u64 } from "../../layout/mod.ts";
import { Builder, K, SIGNED } from "../btf/_builder.ts";
import { btfMap } from "../bpf/map/_btf_maps.ts";
import { bpfMaps, command, mounts, root, testWith } from "../_needs.ts";
import { eventually, run, TemporaryDirectory } from "../_support.ts";
import { hostmemHere, outputOf } from "./_hostmem.ts";

const cli = new URL("../../cli/mod.ts", import.meta.url);
const permissions = ["--allow-ffi", "--allow-read"];
const needs = [bpfMaps, root];
const mapTest = testWith(needs);

/** A hash from `struct flow { u32 address; struct { u16 port; } to; }` to counts. */
function flows(): BpfMap {
  const btf = new Builder();
  const int = btf.int("unsigned int", 4);
  const short = btf.int("unsigned short", 2);
  const long = btf.int("unsigned long long", 8);
  const name = btf.array(btf.int("char", 1, SIGNED), 8);
  const state = btf.add(
    K.ENUM,
    "state",
    4,
    [btf.name("CLOSED"), 0, btf.name("OPEN"), 1],
    2,
  );
  const to = btf.struct("to", 4, [["port", short, 0]]);
  return btfMap({
    type: "hash",
    keySize: 8,
    valueSize: 24,
    maxEntries: 100,
    btf,
    keyTypeId: btf.struct("flow", 8, [["address", int, 0], ["to", to, 32]]),
    valueTypeId: btf.struct("count", 24, [
      ["packets", long, 0],
      ["device", name, 64],
      ["state", state, 128],
    ]),
  });
}

async function dump(...args: string[]): Promise<string[]> {
  return (await outputOf("dump", ...args)).trimEnd().split("\n");
}

/** Cells of a row. */
function cells(line: string): string[] {
  return line.trim().split(/ {2,}/);
}

mapTest(
  "hostmem dump shows the entries of a map by its id, decoded",
  async () => {
    using map = flows();
    map.table().setAll([
      [{ address: 7, to: { port: 443 } }, {
        packets: 2n ** 63n,
        device: "\x1b[2Jx",
        state: 1,
      }],
    ]);
    const id = `${map.info.id}`;
    const [title, header, row, ...rest] = await dump(id);
    assertStringIncludes(
      title!,
      `map ${id}: hash, key 8 B, value 24 B, at most 100 entries`,
    );
    assertEquals(cells(header!), [
      "address",
      "to.port",
      "packets",
      "device",
      "state",
    ]);
    // What is in the map does not reach the terminal as it is.
    assertEquals(cells(row!), [
      "7",
      "443",
      "9223372036854775808",
      `"\\u{1b}[2Jx"`,
      "OPEN",
    ]);
    assertEquals(rest, []);
  },
);

mapTest(
  "hostmem dump shows bytes without BTF, sums of per-CPU maps, variables",
  async () => {
    using plain = BpfMap.create({
      type: "hash",
      name: "plain",
      keySize: 2,
      valueSize: 3,
      maxEntries: 4,
    });
    plain.update(new Uint8Array([1, 2]), new Uint8Array([3, 4, 255]));
    const bytes = await dump(`${plain.info.id}`);
    assertStringIncludes(bytes[0]!, " plain: ");
    assertEquals(cells(bytes[2]!), ["0102", "0304ff"]);

    const btf = new Builder();
    const int = btf.int("unsigned int", 4);
    const long = btf.int("unsigned long long", 8);
    using counts = btfMap({
      type: "percpu_array",
      keySize: 4,
      valueSize: 8,
      maxEntries: 2,
      btf,
      keyTypeId: int,
      valueTypeId: long,
    });
    const table = counts.perCpu({ keyType: u32, valueType: u64 });
    table.set(1, table.get(1)!.map(() => 5n));
    const sums = await dump(`${counts.info.id}`);
    assertEquals(cells(sums[1]!), ["key", "sum of value"]);
    assertEquals(sums.slice(2).map(cells), [
      ["0", "0"],
      ["1", `${table.sum(1)}`],
    ]);

    const hits = btf.add(K.VAR, "hits", long, [1]);
    const limit = btf.add(K.VAR, "limit", int, [1]);
    const section = btf.add(K.DATASEC, ".bss", 16, [
      hits,
      0,
      8,
      limit,
      8,
      4,
    ], 2);
    using variables = btfMap({
      type: "array",
      keySize: 4,
      valueSize: 16,
      maxEntries: 1,
      btf,
      keyTypeId: 0,
      valueTypeId: section,
    });
    variables.table().set(0, { hits: 12n, limit: 3 });
    const lines = await dump(`${variables.info.id}`);
    assertEquals(lines.slice(1).map(cells), [
      ["field", "value"],
      ["key", "0"],
      ["hits", "12"],
      ["limit", "3"],
    ]);
  },
);

mapTest("hostmem dump finds a map by its name", async () => {
  const name = `n${Deno.pid}_${Date.now() % 1e6}`;
  const make = () =>
    BpfMap.create({
      type: "array",
      name: name.slice(0, 15),
      valueSize: 4,
      maxEntries: 2,
    });
  using first = make();
  const byName = await dump(name);
  assertEquals(byName, await dump(`${first.info.id}`));
  using second = make();
  const { code, stderr } = await hostmemHere(["dump", name]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `There are 2 maps named "${name}": say which by its id, ${first.info.id} or ${second.info.id}`,
  );
});

mapTest("hostmem dump says what it cannot show", async () => {
  const fails = async (name: string, said: string) => {
    const { code, stderr } = await hostmemHere(["dump", name]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, said);
  };
  await fails("4294967295", "there is no map of that id");
  await fails("/nowhere/map", "ENOENT");
  await fails(
    "no_such_map",
    'There is no map named "no_such_map": `hostmem maps` lists all; the path of a pin has a slash, as in ./no_such_map',
  );
  using queue = BpfMap.create({ type: "queue", valueSize: 4, maxEntries: 1 });
  await fails(`${queue.info.id}`, "of type queue");
});

mapTest("hostmem dump --json writes keys and values as data", async () => {
  using map = flows();
  map.table().set({ address: 7, to: { port: 443 } }, {
    packets: 2n ** 63n,
    device: "\x1b[2Jx",
    state: 1,
  });
  assertEquals(
    JSON.parse((await dump(`${map.info.id}`, "--json")).join("\n")),
    [
      {
        key: { address: 7, to: { port: 443 } },
        value: { packets: "9223372036854775808", device: "\x1b[2Jx", state: 1 },
      },
    ],
  );
  using plain = BpfMap.create({
    type: "hash",
    keySize: 2,
    valueSize: 3,
    maxEntries: 4,
  });
  plain.update(new Uint8Array([1, 2]), new Uint8Array([3, 4, 255]));
  assertEquals(
    JSON.parse((await dump(`${plain.info.id}`, "--json")).join("\n")),
    [{ key: ["0x01", "0x02"], value: ["0x03", "0x04", "0xff"] }],
  );
});

testWith(needs, mounts)(
  "hostmem dump opens a pinned map (needs unshare)",
  async () => {
    using directory = new TemporaryDirectory();
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      using map = BpfMap.create({ type: "array", valueSize: 4, maxEntries: 2, name: "pinned" });
      map.update(1, new Uint8Array([1, 2, 3, 4]));
      map.pin("${directory.path}/map");
      const { code, stdout } = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-lock", "--allow-ffi", "--allow-read", "cli/mod.ts", "dump", "${directory.path}/map"],
      }).outputSync();
      console.log(new TextDecoder().decode(stdout), code);
    `,
      {
        permissions: ["-A"],
        under: [
          "unshare",
          "-m",
          "sh",
          "-c",
          `mount -t bpf none "${directory.path}" && exec "$@"`,
          "sh",
        ],
      },
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, " pinned: ");
    assertStringIncludes(stdout, "01020304");
  },
);

/** Runs the example in a terminal of its own. */
class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  /** Everything that came out of it. */
  text = "";

  constructor(rows: number, columns: number, args: string[]) {
    const command = [
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-lock",
      "--no-check",
      ...permissions,
      fromFileUrl(cli),
      "dump",
      ...args,
    ].map((part) => `'${part}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: [
        "--quiet",
        "--return",
        "--command",
        `trap : INT; stty rows ${rows} cols ${columns} -echoctl; ${command}; echo "ended with $?"; stty -a`,
        "/dev/null",
      ],
      env: { SHELL: "/bin/sh", TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      this.text += decoder.decode(bytes, { stream: true });
    }
  }

  /** Presses keys. */
  async type(keys: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(keys));
  }

  /** Waits until it has ended. */
  async ended(): Promise<void> {
    await this.#child.status;
    await this.#reading;
    await this.#writer.close().catch(() => {});
  }

  /** The frames that were drawn, without their escape sequences. */
  get frames(): string[][] {
    return this.text.split("\x1b[H").slice(1).map((frame) =>
      // deno-lint-ignore no-control-regex
      frame.split("\x1b[J")[0]!.replaceAll(/\x1b\[\d*[Km]/g, "").split("\r\n")
    );
  }
}

testWith(needs, command("script"))(
  "hostmem dump --watch draws in place what fits, and restores the terminal (needs script)",
  async () => {
    using map = BpfMap.create({
      type: "array",
      valueSize: 8,
      maxEntries: 1000,
      name: "watched",
    });
    const terminal = new Terminal(12, 40, [
      `${map.info.id}`,
      "--watch",
      "--interval=0.05",
    ]);
    await eventually(() => terminal.frames.length > 2, 30_000);
    map.update(3, new Uint8Array([171, 205, 0, 0, 0, 0, 0, 0]));
    await eventually(() => terminal.text.includes("abcd"), 30_000);
    // Ctrl-C, by way of the terminal.
    await terminal.type("\x03");
    await terminal.ended();
    const { text, frames } = terminal;
    assert(text.startsWith("\x1b[?1049h\x1b[?25l\x1b[H"), text.slice(0, 100));
    for (const frame of frames) {
      assert(frame.length <= 12, `${frame.length} lines`);
      for (const line of frame) assert(line.length <= 40, JSON.stringify(line));
      assertEquals(frame.at(-1), "…");
    }
    const rest = text.slice(text.lastIndexOf("\x1b[?25h\x1b[?1049l"));
    assertStringIncludes(rest, "abcd");
    assertStringIncludes(rest, "ended with 0");
    // The terminal echoes and breaks lines as before.
    assert(/[^-]icanon/.test(rest) && /[^-]echo\b/.test(rest), rest);
  },
);

mapTest(
  "hostmem dump --watch into a pipe draws without escape sequences",
  async () => {
    using map = BpfMap.create({ type: "array", valueSize: 1, maxEntries: 200 });
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-lock",
        ...permissions,
        fromFileUrl(cli),
        "dump",
        `${map.info.id}`,
        "--watch",
        "--interval=0.05",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      text += decoder.decode(bytes);
      if (text.split("\n\n").length > 3) break;
    }
    child.kill("SIGTERM");
    const { code } = await child.status;
    await child.stderr.cancel();
    assertEquals(code, 0);
    assert(!text.includes("\x1b"));
    // All of it: a title, a header, 200 rows.
    assertEquals(text.split("\n\n")[1]!.split("\n").length, 202);
  },
);

testWith(needs, command("script"))(
  "hostmem dump --watch shows how fast counters grow (needs script)",
  async () => {
    const btf = new Builder();
    const int = btf.int("unsigned int", 4);
    const long = btf.int("unsigned long long", 8);
    using map = btfMap({
      type: "array",
      keySize: 4,
      valueSize: 8,
      maxEntries: 2,
      btf,
      keyTypeId: int,
      valueTypeId: long,
    });
    const table = map.table();
    const terminal = new Terminal(12, 60, [
      `${map.info.id}`,
      "--watch",
      "--interval=0.2",
    ]);
    const ticking = setInterval(
      () => table.set(1, table.get(1) as bigint + 100n),
      50,
    );
    const rates = () =>
      terminal.frames.map((frame) => cells(frame[3] ?? ""))
        .filter((row) => row.length === 3).map((row) => Number(row[2]));
    try {
      await eventually(() => rates().some((rate) => rate > 0), 60_000);
    } finally {
      clearInterval(ticking);
    }
    await terminal.type("\x03");
    await terminal.ended();
    assertEquals(cells(terminal.frames.at(-1)![1]!), [
      "key",
      "value",
      "value/s",
    ]);
    // Nobody touches the first entry.
    assertEquals(cells(terminal.frames.at(-1)![2]!), ["0", "0", "0"]);
  },
);
