import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { compilerOfC, testWith } from "../tests/_needs.ts";
import {
  compileC,
  openDescriptors,
  run,
  TemporaryDirectory,
} from "../tests/_support.ts";

const example = new URL("./shared_counter.ts", import.meta.url);
const program = new URL("./shared_counter.c", import.meta.url);

const permissions = ["-A"];

testWith(compilerOfC)(
  "shared_counter.ts loses no count to its C program, over file and memfd",
  async () => {
    using directory = new TemporaryDirectory();
    const executable = await compileC(program, directory, [
      "-O2",
      "-Wall",
      "-Wextra",
      "-Werror",
    ]);
    const { code, stdout, stderr } = await run(example, {
      permissions,
      args: [executable],
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
    const sections = stdout.split(/^(?=The )/m);
    assertEquals(sections.length, 2, stdout);
    assertMatch(sections[0]!, /^The file \/dev\/shm\//);
    assertMatch(sections[1]!, /^The memfd \/proc\/\d+\/fd\/\d+/);
    for (const section of sections) {
      assertStringIncludes(section, "the C program wrote: hello from C");
      assertStringIncludes(
        section,
        "2000000 counts from here and 2000000 from C make 4000000",
      );
    }
  },
);

testWith(compilerOfC)(
  "shared_counter.ts says so when its C program fails, and cleans up",
  async () => {
    const before = sharedFiles();
    const { code, stderr } = await run(example, {
      permissions,
      args: ["/bin/false"],
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "/bin/false failed with exit code 1");
    assertEquals(sharedFiles(), before);
    assertEquals(openDescriptors("/dev/shm/").length, 0);
  },
);

function sharedFiles(): string[] {
  return Array.from(Deno.readDirSync("/dev/shm"), ({ name }) => name).sort();
}

Deno.test("shared_counter.ts says how it is called", async () => {
  const { code, stderr } = await run(example);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "usage: shared_counter.ts");
});
