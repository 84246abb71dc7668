import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command, kernelBtf, testWith } from "../_needs.ts";
import { pahole, parsePahole } from "../btf/_pahole.ts";
import { hostmem, hostmemHere, outputOf } from "./_hostmem.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

testWith(kernelBtf, command("pahole"))(
  "hostmem struct prints what pahole prints (needs BTF and pahole)",
  async () => {
    for (const name of ["list_head", "task_struct", "sk_buff", "inode"]) {
      const stdout = await outputOf("struct", name);
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
    const none = await hostmem(["struct", "no_such_struct"], {
      permissions: ["--allow-ffi", `--allow-read=${VMLINUX}`],
    });
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no_such_struct");
    assertEquals((await hostmemHere(["struct"])).code, 2);
  },
);
