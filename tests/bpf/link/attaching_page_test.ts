import { assert, assertEquals } from "@std/assert";
import { targetKinds } from "../../../bpf/link/attach.ts";

const page = await Deno.readTextFile(
  new URL("../../../docs/attaching.md", import.meta.url),
);

/** The kinds in the rows of tables whose second column is a section. */
const told = page.split("\n")
  .filter((line) => /^\| `\w+`.*\|.*`.*\| +[\d.]+/.test(line))
  .flatMap((line) =>
    Array.from(line.split("|")[1]!.matchAll(/`(\w+)`/g), ([, kind]) => kind!)
  );

Deno.test("docs/attaching.md has every kind of target, and no other", () => {
  assert(targetKinds.length > 20);
  assertEquals([...new Set(told)].sort(), [...targetKinds].sort());
});
