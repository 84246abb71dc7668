import { assertEquals, assertStringIncludes } from "@std/assert";
import { toFileUrl } from "@std/path";
import {
  bpfMaps,
  bpfObjects,
  kernelBtf,
  type Needs,
  testWith,
} from "../_needs.ts";
import { repository, run, TemporaryDirectory } from "../_support.ts";
import { compile } from "../bpf/_objects.ts";

const decoder = new TextDecoder();

/** Runs a user's tests whose resources Deno watches: their end and output. */
async function outcomeOf(
  tests: string,
  directory: TemporaryDirectory,
): Promise<{ code: number; output: string }> {
  const root = toFileUrl(repository);
  const imports = {
    "@hostmem/hostmem": `${root}/mod.ts`,
    "@hostmem/hostmem/bpf": `${root}/bpf/mod.ts`,
    "@hostmem/hostmem/btf": `${root}/btf/mod.ts`,
    "@hostmem/hostmem/sync": `${root}/sync/mod.ts`,
  };
  const config = directory.join("deno.json");
  await Deno.writeTextFile(config, JSON.stringify({ imports }));
  const file = directory.join("user_test.ts");
  await Deno.writeTextFile(file, tests);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--no-lock", `--config=${config}`],
      // Before, they are the default.
      ...sinceDeno29 ? ["--sanitize-resources", "--sanitize-ops"] : [],
      file,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
const sinceDeno29 = major > 2 || (major === 2 && minor >= 9);

const useOfMemory = `
  Deno.test("memory", async () => {
    using memory = Memory.create(4096, { workers: true });
    memory.pointer(u64).value = 1n;
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, new Uint8Array(4096));
    using file = Memory.open(path, { allowTruncatable: true });
    file.pointer(u64).value = 1n;
    file.flush();
    await Deno.remove(path);
  });
`;

Deno.test("Without preload() Deno blames the first test that uses memory", async () => {
  using directory = new TemporaryDirectory();
  const { code, output } = await outcomeOf(
    `
      import { Memory, u64 } from "@hostmem/hostmem";
      ${useOfMemory}
    `,
    directory,
  );
  assertEquals(code, 1, output);
  assertStringIncludes(output, "A dynamic library was loaded during the test");
});

/** The number of tries: luck decides whether a call outlives its test. */
const REPEATED = 100;

/** Tests of a user's that must pass, one unless said otherwise. */
function passes(
  what: string,
  needs: Needs,
  tests: (directory: TemporaryDirectory) => string | Promise<string>,
  count = 1,
): void {
  testWith(needs)(
    `After preload() Deno blames no test that uses ${what}`,
    async () => {
      using directory = new TemporaryDirectory();
      const text = await tests(directory);
      const { code, output } = await outcomeOf(text, directory);
      assertEquals(code, 0, output);
      assertStringIncludes(output, `${count} passed`);
    },
  );
}

passes("memory", [], () => `
  import { Memory, preload, u64 } from "@hostmem/hostmem";
  preload();
  ${useOfMemory}
`);

passes("the kernel's BTF", kernelBtf, () => `
  import { Btf, preload } from "@hostmem/hostmem/btf";
  preload();
  Deno.test("types", () => {
    Btf.kernel().layout("list_head");
  });
`);

passes("BPF maps and rings", bpfMaps, () => `
  import { BpfMap, preload, RingBuffer } from "@hostmem/hostmem/bpf";
  preload();
  for (let i = 0; i < ${REPEATED}; i++) {
    Deno.test("rings " + i, async () => {
      using map = BpfMap.create({ type: "ringbuf", maxEntries: 65536 });
      using ring = new RingBuffer(map);
      setTimeout(() => ring.close(), 1);
      for await (const _ of ring);
    });
  }
`, REPEATED);

passes("waits for shared memory", [], () => `
  import { atomic, Memory, preload, u32 } from "@hostmem/hostmem";
  import { waitAsync } from "@hostmem/hostmem/sync";
  preload();
  for (let i = 0; i < ${REPEATED}; i++) {
    Deno.test("waits " + i, async () => {
      using memory = Memory.create(64);
      const word = memory.pointer(atomic(u32));
      await waitAsync(word, 0, { timeout: 1 });
    });
  }
`, REPEATED);

passes(
  "BPF objects and links",
  bpfObjects,
  async (directory) => `
    import { BpfObject, onLibbpfMessage, preload } from "@hostmem/hostmem/bpf";
    preload();
    Deno.test("objects", () => {
      onLibbpfMessage(() => {});
      using object = BpfObject.load("${await compile("maps", directory)}");
      using link = object.program("enter").attach();
    });
  `,
);

Deno.test("preload() throws Deno's own error without permission, and importing does not", async () => {
  for (const entry of ["mod.ts", "btf/mod.ts", "bpf/mod.ts"]) {
    const { code, stdout, stderr } = await run(
      `
        import { preload } from "./${entry}";
        try {
          preload();
        } catch (error) {
          console.log(error instanceof Deno.errors.NotCapable);
        }
      `,
      { permissions: [] },
    );
    assertEquals({ code, stdout }, { code: 0, stdout: "true\n" }, stderr);
  }
});

Deno.test("preload() is content with permission for libc alone", async () => {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  const libc = /\/\S*\/libc\.so\.6$/m.exec(maps)?.[0];
  const { code, stdout, stderr } = await run(
    `
      import { Memory } from "./mod.ts";
      import { preload } from "./bpf/mod.ts";
      preload();
      preload();
      using memory = Memory.create(4096);
      console.log(memory.size);
    `,
    { permissions: [`--allow-ffi=${libc}`] },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "4096\n" }, stderr);
});
