import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfMap,
  BpfObject,
  type LoadOptions,
  NotSupportedError,
  readObjectFile,
  SystemError,
} from "../../../bpf/mod.ts";
import {
  bpfMounts,
  bpfObjects,
  clang,
  kernelBtf,
  testWith,
} from "../../_needs.ts";
import {
  openDescriptors,
  run,
  type RunResult,
  TemporaryDirectory,
} from "../../_support.ts";
import { compileText, objectFile, runProgram } from "../_objects.ts";

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() sets how large maps are (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    using object = BpfObject.load(path, {
      maps: {
        table: { maxEntries: 100 },
        plain: { maxEntries: 9, valueSize: 16 },
        ring: { maxEntries: 1 << 20 },
      },
    });
    const { table, plain, ring } = object.maps;
    assertEquals(table!.info.maxEntries, 100);
    assertEquals([plain!.info.maxEntries, plain!.info.valueSize], [9, 16]);
    assertEquals(ring!.info.maxEntries, 1 << 20);
    runProgram(object, "count", 3);
    assertEquals(plain!.lookup(1)![0], 3);
  },
);

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() makes no map that it is told not to (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    using whole = BpfObject.load(path);
    using object = BpfObject.load(path, {
      maps: { plain: { create: false } },
      programs: Object.fromEntries(
        Object.keys(whole.programs).map((name) => [name, { load: false }]),
      ),
    });
    assertEquals(
      Object.keys(object.maps),
      Object.keys(whole.maps).filter((name) => name !== "plain"),
    );
    assertThrows(
      () => object.map("plain"),
      RangeError,
      'There is no map named "plain"',
    );
  },
);

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() uses another object's maps, sections too (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    const first = BpfObject.load(path);
    using second = BpfObject.load(path, {
      maps: {
        plain: { reuse: first.map("plain") },
        ".bss": { reuse: first.map(".bss") },
      },
    });
    const ids = ({ maps }: BpfObject) =>
      ["plain", ".bss", "table"].map((name) => maps[name]!.info.id);
    const [plain, bss, table] = ids(first);
    assertEquals(ids(second).slice(0, 2), [plain, bss]);
    assert(ids(second)[2] !== table);
    const before = first.variable("hits").get();
    runProgram(second, "count");
    assertEquals(before, 0n);
    assertEquals(first.variable("hits").get(), second.variable("hits").get());
    assertEquals(first.variable("hits").get(), 8n);
    first.close();
    assertEquals(second.variable("hits").get(), 8n);
    assertThrows(
      () =>
        BpfObject.load(path, {
          maps: { ".bss": { reuse: second.map(".bss") } },
          variables: { hits: 1n },
        }),
      NotSupportedError,
      "Cannot set hits before loading: another map is used in place of that of its section .bss",
    );
  },
);

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() makes a map of maps such as the one given (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    using inner = BpfMap.create({
      type: "array",
      valueSize: 16,
      maxEntries: 1,
    });
    using plain = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    const maps = { outer: { innerMap: plain } };
    using object = BpfObject.load(path, { maps });
    const outer = object.map("outer");
    outer.update(0, new Uint8Array(new Uint32Array([plain.fd]).buffer));
    assertThrows(
      () => outer.update(0, new Uint8Array(new Uint32Array([inner.fd]).buffer)),
      SystemError,
      "EINVAL",
    );
    object.close();
    assertEquals(plain.lookup(0), new Uint8Array(8));
  },
);

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() says what is wrong with the options of maps (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    using small = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    using hash = BpfMap.create({ type: "hash", valueSize: 8, maxEntries: 4 });
    const before = openDescriptors("anon_inode:bpf").length;
    function refuses(
      maps: LoadOptions["maps"] | unknown,
      // deno-lint-ignore no-explicit-any
      error: new (...args: any[]) => Error,
      message: string,
    ): void {
      assertThrows(
        () => BpfObject.load(path, { maps } as LoadOptions),
        error,
        message,
      );
    }
    refuses(
      { tables: {} },
      RangeError,
      'There is no map named "tables": it must be one of "first", "outer"',
    );
    refuses(
      { table: { maxEntries: 0 } },
      RangeError,
      "maxEntries of the map table",
    );
    refuses({ table: { maxEntries: 1.5 } }, RangeError, "received 1.5");
    refuses(
      { table: { valueSize: "8" } },
      RangeError,
      "valueSize of the map table",
    );
    refuses({ table: { reuse: {} } }, TypeError, "must be a BpfMap");
    refuses({ table: 7 }, TypeError, "Options must be an object");
    refuses(7, TypeError, "Options must be an object");
    refuses({ table: { pin: 7 } }, TypeError, "Path must be a string");
    refuses(
      { ".bss": { maxEntries: 2 } },
      NotSupportedError,
      "it is a section, an array of one value",
    );
    refuses(
      { plain: { reuse: small } },
      RangeError,
      "The map to reuse for plain must have the maxEntries 4: it has 1",
    );
    refuses(
      { plain: { reuse: hash } },
      RangeError,
      "must have the type array: it has hash",
    );
    refuses(
      { plain: { innerMap: small } },
      SystemError,
      "bpf_map__set_inner_map_fd(plain) failed with EINVAL (invalid argument): error: unsupported map type",
    );
    assertEquals(openDescriptors("anon_inode:bpf").length, before);
    small.close();
    refuses({ plain: { reuse: small } }, Error, "");
    assertEquals(openDescriptors("anon_inode:bpf").length, before - 1);
  },
);

const mountTest = testWith(bpfObjects, bpfMounts);

/** Runs a program with a BPF file system on `directory`, which it alone sees. */
async function withBpfFileSystem(
  program: string,
  directory: TemporaryDirectory,
  permissions: string[],
): Promise<RunResult> {
  return await run(
    `import { BpfMap, BpfObject } from "@hostmem/hostmem/bpf";
    import { runProgram } from "./tests/bpf/_objects.ts";
    const [directory, path] = Deno.args;
    const pin = directory + "/kept";
    ${program}`,
    {
      permissions,
      args: [directory.path, await objectFile("pinned")],
      under: [
        "unshare",
        "--mount",
        "sh",
        "-c",
        `mount -t bpf none "$0" && exec "$@"`,
        directory.path,
      ],
    },
  );
}

mountTest(
  "BpfObject.load() pins maps, and takes those that are pinned (needs clang, libbpf and root)",
  async () => {
    using directory = new TemporaryDirectory();
    const { code, stdout, stderr } = await withBpfFileSystem(
      `
      for (let i = 0; i < 3; i++) {
        using object = BpfObject.load(path, { pinPath: directory });
        runProgram(object, "bump");
      }
      using map = BpfMap.open(pin);
      console.log(map.lookup(0)[0]);
      {
        using object = BpfObject.load(path, { maps: { kept: { pin: false } } });
        runProgram(object, "bump");
      }
      {
        using object = BpfObject.load(path, { maps: { kept: { pin } } });
        runProgram(object, "bump");
      }
      console.log(map.lookup(0)[0]);
      Deno.removeSync(pin);
      console.log([...Deno.readDirSync(directory)].some(({ name }) => name === "kept"));
    `,
      directory,
      ["-A"],
    );
    assertEquals([code, stdout], [0, "3\n4\nfalse\n"], stderr);
  },
);

mountTest(
  "BpfObject.load() asks Deno before anything is pinned (needs clang, libbpf and root)",
  async () => {
    using directory = new TemporaryDirectory();
    const { code, stdout, stderr } = await withBpfFileSystem(
      `
      const bytes = Deno.readFileSync(path);
      for (const options of [
        { pinPath: directory },
        { maps: { kept: { pin } } },
        {},
      ]) {
        try {
          BpfObject.load(bytes, options).close();
          console.log("loaded");
        } catch (error) {
          console.log(error.name, error.message.replace(directory, "…"));
        }
      }
      console.log([...Deno.readDirSync(directory)].some(({ name }) => name === "kept"));
    `,
      directory,
      [
        "--allow-ffi",
        "--allow-read",
        "--allow-env",
        "--allow-sys",
        "--allow-run",
      ],
    );
    const refused = 'write access to "…/kept"';
    assertEquals([code, stdout], [
      0,
      `NotCapable Requires ${refused}, run again with the --allow-write flag
NotCapable Requires ${refused}, run again with the --allow-write flag
NotCapable Requires write access to "/sys/fs/bpf/kept", run again with the --allow-write flag
false
`,
    ], stderr);
  },
);

mountTest(
  "BpfObject.load() leaves no pin where it fails after pinning (needs clang, libbpf and root)",
  async () => {
    using directory = new TemporaryDirectory();
    const { code, stdout, stderr } = await withBpfFileSystem(
      `
      const libc = Deno.dlopen("libc.so.6", {
        setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
      });
      const RLIMIT_NOFILE = 7;
      libc.symbols.setrlimit(RLIMIT_NOFILE, new BigUint64Array([100n, 100n]));
      const bytes = Deno.readFileSync(path);
      const isPinned = () =>
        [...Deno.readDirSync(directory)].some(({ name }) => name === "kept");

      /** Loads it with so many descriptors left. */
      function loads(left: number): string {
        const files = [];
        try {
          for (;;) files.push(Deno.openSync("/dev/null"));
        } catch {
          for (let i = 0; i < left; i++) files.pop()!.close();
        }
        try {
          BpfObject.load(bytes, { pinPath: directory }).close();
          return "loaded";
        } catch (error) {
          return error.syscall;
        } finally {
          for (const file of files) file.close();
        }
      }

      BpfObject.load(bytes, { pinPath: directory }).close();
      const found = new Set();
      for (const before of [true, false]) {
        for (let left = 0; left < 10; left++) {
          if (!before && isPinned()) Deno.removeSync(pin);
          const result = loads(left);
          found.add(result);
          const wanted = before || result === "loaded";
          if (isPinned() !== wanted) console.log({ before, left, result });
        }
      }
      console.log(found.has("loaded") && found.has("fcntl"));
    `,
      directory,
      ["-A"],
    );
    assertEquals([code, stdout], [0, "true\n"], stderr);
  },
);

testWith(bpfObjects, kernelBtf, clang)(
  "BpfObject.load() takes an object whose map has as many entries as its u32 can say",
  async () => {
    using directory = new TemporaryDirectory();
    for (const entries of [2 ** 29, 2 ** 31, 2 ** 32 - 1]) {
      const path = await compileText(
        `struct {
           __uint(type, BPF_MAP_TYPE_HASH);
           __uint(max_entries, ${entries}u);
           __type(key, int);
           __type(value, long);
         } many SEC(".maps");`,
        directory,
      );
      assertEquals(readObjectFile(path).maps[0]!.maxEntries, entries);
      using object = BpfObject.load(path, {
        maps: { many: { maxEntries: 2 } },
      });
      assertEquals(object.map("many").info.maxEntries, 2);
    }
  },
);
