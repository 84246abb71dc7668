import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TemporaryDirectory } from "../_support.ts";
import { hostmemHere } from "./_hostmem.ts";

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
