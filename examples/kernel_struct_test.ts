import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasCommand, run } from "../tests/_support.ts";
import { pahole, parsePahole } from "../tests/btf/_pahole.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const example = new URL("./kernel_struct.ts", import.meta.url);
const permissions = ["--allow-ffi", `--allow-read=${VMLINUX}`];

function hasBtf(): boolean {
  try {
    return Deno.statSync(VMLINUX).isFile;
  } catch {
    return false;
  }
}

Deno.test({
  name: "kernel_struct.ts prints what pahole prints (needs BTF and pahole)",
  ignore: !hasBtf() || !hasCommand("pahole"),
  async fn() {
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
});

Deno.test({
  name: "kernel_struct.ts says that there is no such struct (needs BTF)",
  ignore: !hasBtf(),
  async fn() {
    const none = await run(example, { permissions, args: ["no_such_struct"] });
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no_such_struct");
    assertEquals((await run(example, { permissions })).code, 2);
  },
});
