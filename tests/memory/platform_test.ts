import { assertEquals } from "@std/assert";
import { run } from "../_support.ts";

async function outcome(
  body: string,
  options: Parameters<typeof run>[1] = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(
    `
    import { Memory, pageSize } from "./memory/mod.ts";
    console.log("imported");
    try {
      ${body}
      console.log("worked");
    } catch (error) {
      console.log(String(error));
    }
    `,
    options,
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return stdout;
}

for (const flag of ["jitless", "lite-mode"]) {
  Deno.test(`Memory says under --${flag} that it requires WebAssembly`, async () => {
    for (
      const call of [
        "Memory.create(4096)",
        "Memory.map(0, 4096)",
        'Memory.open("/etc/hostname")',
      ]
    ) {
      const text = await outcome(call, { v8Flags: [flag] });
      assertEquals(
        text,
        "imported\nNotSupportedError: Mapping memory requires WebAssembly: run without --jitless and --lite-mode\n",
      );
    }
  });
}

const use = `
  const memory = Memory.create(pageSize());
  memory.writeAt(new Uint8Array([1]), 0);
  memory.flush();
  Memory.map(memory.fd!, pageSize()).close();
  memory.close();
`;

Deno.test("Memory works with --allow-ffi alone", async () => {
  assertEquals(await outcome(use), "imported\nworked\n");
});

Deno.test("Memory throws Deno's own error at the first call without permission", async () => {
  const text = await outcome(use, { permissions: [] });
  assertEquals(
    text,
    'imported\nNotCapable: Requires ffi access to "libc.so.6", run again with the --allow-ffi flag\n',
  );
});
