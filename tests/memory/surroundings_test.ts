/** The origin of the process, and what it starts. */

import { assertEquals } from "@std/assert";
import { Memory, pageSize } from "../../memory/mod.ts";
import { memfdPolicy, testWith } from "../_needs.ts";
import { run, TemporaryDirectory } from "../_support.ts";

const page = pageSize();

Deno.test("A child process inherits neither a mapping nor a descriptor", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("not inherited");
  Deno.writeFileSync(path, new Uint8Array(page));
  using memory = Memory.create(page, { name: "not inherited", workers: true });
  using _writable = Memory.open(path, { allowTruncatable: true });
  using readable = Memory.map(memory.fd!, page, {
    readOnly: true,
    workers: true,
  });
  using _attached = Memory.attach(readable.handle);
  const shown = new Set<boolean>();
  for (let i = 0; i < 60; i++) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", "ls -l /proc/self/fd; cat /proc/self/maps"],
    }).output();
    shown.add(new TextDecoder().decode(stdout).includes("not inherited"));
  }
  assertEquals([...shown], [false]);
});

for (const policy of [0, 1, 2]) {
  // It is set for a namespace of process numbers of its own.
  testWith(memfdPolicy(policy))(
    `Memory.create() works with vm.memfd_noexec = ${policy}`,
    async () => {
      const { code, stdout, stderr } = await run(
        `
        import { Memory } from "./memory/mod.ts";
        import { u32 } from "./layout/mod.ts";
        using memory = Memory.create(4096);
        memory.pointer(u32).value = 7;
        const set = Deno.readTextFileSync("/proc/sys/vm/memfd_noexec");
        console.log(Number(set), memory.view(u32).value);
        `,
        {
          permissions: ["-A"],
          under: [
            ..."unshare --pid --fork --mount-proc sh -c".split(" "),
            `echo ${policy} > /proc/sys/vm/memfd_noexec && exec "$@"`,
            "sh",
          ],
        },
      );
      assertEquals(code, 0, stderr);
      assertEquals(stdout, `${policy} 7\n`);
    },
  );
}
