import { assertEquals } from "@std/assert";
import { sized } from "../_fire.ts";
import { seed } from "../_support.ts";
import { fuzz } from "./_run.ts";
import { shrink } from "./_shrink.ts";

const seconds = Number(Deno.env.get("HOSTMEM_FUZZ_SECONDS") ?? sized(1, 25));

Deno.test("Random operations do to memory what they do to a model of it, or are refused by typed errors", async () => {
  const { ok, report } = await fuzz(seed(), seconds);
  console.log(report);
  assertEquals(ok, true, report);
});

Deno.test("Without code generation random operations do the same", async () => {
  const { ok, report } = await fuzz(seed(), seconds / 5, [
    "disallow-code-generation-from-strings",
  ]);
  console.log(report);
  assertEquals(ok, true, report);
});

Deno.test("A failing run is shrunk to the operations that it takes", () => {
  const all = Array.from({ length: 400 }, (_, index) => index);
  const needed = [3, 77, 78, 399];
  const found = shrink(
    all,
    (part) => needed.every((index) => part.includes(index)),
  );
  assertEquals(found, needed);
});
