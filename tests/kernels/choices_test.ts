import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { groups, inGuest } from "./_tests.ts";

/** Has the files imported, as in a guest, and runs none of their tests. */
function declare(choices: unknown): { success: boolean; said: string } {
  const { success, stdout } = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--allow-all",
      "--no-check",
      "--no-lock",
      "--filter=/^no test has this name$/",
      fromFileUrl(new URL("./_in_guest.ts", import.meta.url)),
    ],
    env: { HOSTMEM_TESTS: JSON.stringify(choices), NO_COLOR: "1" },
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return { success, said: new TextDecoder().decode(stdout) };
}

Deno.test("All tests that are chosen for other kernels, or left out there, exist", () => {
  const { success, said } = declare(Object.values(groups).flat().map(inGuest));
  assertEquals(success, true, said);
  assertEquals(/^@guest.*/gm.exec(said)?.[0], undefined);
});

Deno.test("A choice that matches no test is a trouble of the guest's", () => {
  const file = "tests/bpf/map/create_test.ts";
  const { said } = declare([{ file, only: ["^Nothing"], without: [] }]);
  assertMatch(
    said,
    /^@guest trouble no test's name in .*create_test.ts matches \/\^Nothing\/$/m,
  );
});
