import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kernelBtf, testWith } from "../_needs.ts";
import { repository } from "../_support.ts";
import { hostmemHere, outputOf } from "./_hostmem.ts";

testWith(kernelBtf)(
  "hostmem types writes TypeScript that is formatted and type-checks",
  async () => {
    // Below the repository, where the name of the package resolves.
    const file = `${repository}/.run-types-${crypto.randomUUID()}.ts`;
    try {
      await outputOf(
        "types",
        "vmlinux",
        "sock_common",
        "bpf_attr",
        "--import",
        "@hostmem/hostmem",
        "--output",
        file,
      );
      const source = await Deno.readTextFile(file);
      assertStringIncludes(source, `from "@hostmem/hostmem"`);
      for (
        const args of [["check", file], ["fmt", "--check", "--no-config", file]]
      ) {
        const { success, stderr } = await new Deno.Command(Deno.execPath(), {
          args,
          cwd: repository,
        }).output();
        assert(success, new TextDecoder().decode(stderr));
      }
      assertEquals(
        await outputOf(
          "types",
          "vmlinux",
          "sock_common",
          "--check",
          `${file}#sock_common`,
        ),
        "The layouts agree\n",
      );
      const wrong = await hostmemHere([
        "types",
        "vmlinux",
        "list_head",
        "--check",
        `${file}#sock_common`,
      ]);
      assertEquals(wrong.code, 1);
      assertStringIncludes(wrong.stdout, "skc_family");
      const none = await hostmemHere([
        "types",
        "vmlinux",
        "list_head",
        "--check",
        `${file}#nothing`,
      ]);
      assertEquals(none.code, 1);
      assertStringIncludes(none.stderr, "sock_common");
    } finally {
      await Deno.remove(file);
    }
  },
);
