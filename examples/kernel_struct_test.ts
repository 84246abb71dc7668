import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command, kernelBtf, testWith } from "../tests/_needs.ts";
import { run } from "../tests/_support.ts";
import { pahole, parsePahole } from "../tests/btf/_pahole.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const example = new URL("./kernel_struct.ts", import.meta.url);
const permissions = ["--allow-ffi", `--allow-read=${VMLINUX}`];

testWith(kernelBtf, command("pahole"))(
  "kernel_struct.ts prints what pahole prints (needs BTF and pahole)",
  async () => {
    for (const name of ["list_head", "task_struct", "sk_buff", "inode"]) {
      const { code, stdout, stderr } = await run(example, {
        permissions,
        args: [name],
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
  "kernel_struct.ts says that there is no such struct (needs BTF)",
  async () => {
    const none = await run(example, { permissions, args: ["no_such_struct"] });
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no_such_struct");
    assertEquals((await run(example, { permissions })).code, 2);
  },
);
