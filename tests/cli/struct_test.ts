import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command, kernelBtf, testWith } from "../_needs.ts";
import { run } from "../_support.ts";
import { pahole, parsePahole } from "../btf/_pahole.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const cli = new URL("../../cli/mod.ts", import.meta.url);
const permissions = ["--allow-ffi", `--allow-read=${VMLINUX}`];

testWith(kernelBtf, command("pahole"))(
  "hostmem struct prints what pahole prints (needs BTF and pahole)",
  async () => {
    for (const name of ["list_head", "task_struct", "sk_buff", "inode"]) {
      const { code, stdout, stderr } = await run(cli, {
        permissions,
        args: ["struct", name],
      });
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      const [printed] = parsePahole(stdout);
      const [told] = await pahole(VMLINUX, ["-C", name]);
      assertEquals(printed, told);
      assert(told!.members.length > 1);
    }
  },
);

testWith(kernelBtf)(
  "hostmem struct says that there is no such struct (needs BTF)",
  async () => {
    const none = await run(cli, {
      permissions,
      args: ["struct", "no_such_struct"],
    });
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no_such_struct");
    assertEquals((await run(cli, { permissions, args: ["struct"] })).code, 2);
  },
);
