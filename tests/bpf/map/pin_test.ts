import { assertEquals, assertStringIncludes } from "@std/assert";
import { bpfMaps, bpfMounts, testWith } from "../../_needs.ts";
import { run, type RunResult, TemporaryDirectory } from "../../_support.ts";

const mountTest = testWith(bpfMaps, bpfMounts);

/** Runs a program with a BPF file system on `directory`, which it alone sees. */
async function withBpfFileSystem(
  program: string,
  directory: TemporaryDirectory,
  permissions: string[],
): Promise<RunResult> {
  return await run(
    `import { BpfMap } from "@hostmem/hostmem/bpf";
    import { u64 } from "@hostmem/hostmem";
    const [directory] = Deno.args;
    function tell(use: () => unknown): void {
      try {
        console.log(use());
      } catch (error) {
        console.log(String(error));
      }
    }
    ${program}`,
    {
      permissions,
      args: [directory.path],
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

mountTest("BpfMap.pin() keeps a map that BpfMap.open() opens", async () => {
  using directory = new TemporaryDirectory();
  const { code, stdout, stderr } = await withBpfFileSystem(
    `
      const path = directory + "/counts";
      let id: number;
      {
        using map = BpfMap.create({
          type: "array",
          valueSize: 8,
          maxEntries: 2,
          flags: ["mmapable"],
          name: "pinned",
        });
        map.pointer(u64, 1).value = 5n;
        map.memory().close();
        map.pin(path);
        ({ id } = map.info);
        tell(() => map.pin(path));
      }
      {
        using map = BpfMap.open(path);
        console.log(map.info.id === id, map.info.name, map.view(u64, 1).value);
        map.pointer(u64, 1).value = 6n;
      }
      using url = BpfMap.open(new URL("file://" + path), { readOnly: true });
      console.log(url.lookup(1)![0]);
      tell(() => url.update(1, new Uint8Array(8)));
      tell(() => url.memory());
      tell(() => BpfMap.open(directory + "/nothing"));
      tell(() => url.pin(directory + "/with.dot"));
      tell(() => url.pin("/tmp/hostmem-not-bpf"));
      Deno.removeSync(path);
    `,
    directory,
    ["--allow-ffi", "--allow-read", "--allow-write"],
  );
  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  const expected = [
    "BPF_OBJ_PIN) failed with EEXIST",
    "true pinned 5n",
    "6",
    "BPF_MAP_UPDATE_ELEM) failed with EPERM",
    "opened rdonly (BPF_F_RDONLY), and such a descriptor cannot be mapped",
    'nothing"; nothing is pinned there',
    "BPF_OBJ_PIN) failed with EPERM",
    "must lie on a BPF file system",
  ];
  assertEquals(lines.length, expected.length, stdout);
  expected.forEach((part, i) => assertStringIncludes(lines[i]!, part));
});

mountTest("BpfMap.open() refuses a pinned program", async () => {
  using directory = new TemporaryDirectory();
  const { code, stdout, stderr } = await withBpfFileSystem(
    `
      import { Program } from "./tests/bpf/_program.ts";
      import { pin } from "./bpf/pins.ts";
      using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
      using program = Program.adding(map.fd, 0, 1);
      pin(program.fd, directory + "/program");
      tell(() => BpfMap.open(directory + "/program"));
    `,
    directory,
    ["-A"],
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "NotSupportedError: Cannot use");
  assertStringIncludes(stdout, `/program" as a BPF map`);
});

mountTest("BpfMap.open() and pin() ask Deno for the path first", async () => {
  using directory = new TemporaryDirectory();
  const { code, stdout, stderr } = await withBpfFileSystem(
    `
      using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
      const path = directory + "/map";
      map.pin(path);
      console.log(BpfMap.open(path).info.id === map.info.id);
      Deno.permissions.revokeSync({ name: "write", path: directory });
      tell(() => map.pin(directory + "/other"));
      tell(() => BpfMap.open(path));
      console.log(BpfMap.open(path, { readOnly: true }).info.id === map.info.id);
      Deno.permissions.revokeSync({ name: "read", path: directory });
      tell(() => BpfMap.open(path, { readOnly: true }));
    `,
    directory,
    [
      "--allow-ffi",
      `--allow-read=${directory.path}`,
      `--allow-write=${directory.path}`,
    ],
  );
  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  const expected = [
    "true",
    "NotCapable: Requires write access",
    "NotCapable: Requires write access",
    "true",
    "NotCapable: Requires read access",
  ];
  assertEquals(lines.length, expected.length, stdout);
  expected.forEach((part, i) => assertStringIncludes(lines[i]!, part));
});

Deno.test("BpfMap.open() and pin() refuse what is no path", async () => {
  const { code, stdout, stderr } = await run(`
    import { BpfMap } from "@hostmem/hostmem/bpf";
    for (const path of ["", "a\\0b", 1, null, {}, new URL("http://x/y")]) {
      try {
        BpfMap.open(path as string);
      } catch (error) {
        console.log((error as Error).name);
      }
    }
  `);
  assertEquals(
    { code, stdout },
    { code: 0, stdout: "TypeError\n".repeat(6) },
    stderr,
  );
});
