import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kernelBtf, testWith } from "../_needs.ts";
import { repository, TemporaryDirectory } from "../_support.ts";
import { typeErrors } from "../_type_check.ts";
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
      assertEquals(await typeErrors(source), "");
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["fmt", "--check", "--no-config", file],
        cwd: repository,
      }).output();
      assert(success, new TextDecoder().decode(stderr));
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

Deno.test("hostmem says what is wrong with a file of types, in one line", async () => {
  using directory = new TemporaryDirectory();
  const told = async (name: string, source: string) => {
    const file = directory.join(name);
    await Deno.writeTextFile(file, source);
    const { code, stderr } = await hostmemHere(["header", `${file}#Config`]);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
    assert(!stderr.includes("u{1b}"), stderr);
    return stderr;
  };
  // As a type of another version of this package would be.
  const alike = `export const Config = { kind: "struct", size: 4, align: 4 };`;
  const other = await told("other.ts", alike);
  assertStringIncludes(other, "another version or copy");
  assertStringIncludes(other, "deno run -A jsr:@hostmem/hostmem/cli");
  const broken = await told("broken.ts", "let a: = 1");
  assertStringIncludes(broken, "broken.ts: ");
  assertStringIncludes(await told("empty.ts", ""), "has no export Config");
});
