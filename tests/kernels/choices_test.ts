import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { groups, inGuest } from "./_tests.ts";

const LACKING = "tests/bpf/map/create_test.ts";

/**
 * Has all files that are chosen imported, as in a guest, and runs none of their
 * tests; in the end one of them, chosen for a test that it does not have.
 */
function declare(): { success: boolean; said: string } {
  const choices = [
    ...Object.values(groups).flat().map(inGuest),
    { file: LACKING, only: ["^Nothing"], without: [] },
  ];
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

let declared: ReturnType<typeof declare> | undefined;

/** Lists what the guest says is wrong with the choices. */
function troubles(): string[] {
  const { success, said } = declared ??= declare();
  assertEquals(success, true, said);
  return said.match(/^@guest.*/gm) ?? [];
}

Deno.test("All tests that are chosen for other kernels, or left out there, exist", () => {
  assertEquals(troubles().filter((one) => !one.includes("^Nothing")), []);
});

Deno.test("A choice that matches no test is a trouble of the guest's", () => {
  const trouble = troubles().find((one) => one.includes("^Nothing"));
  assertMatch(
    trouble ?? "",
    /^@guest trouble no test's name in .*create_test.ts matches \/\^Nothing\/$/,
  );
});
