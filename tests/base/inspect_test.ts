import { assertEquals } from "@std/assert";
import * as main from "../../mod.ts";
import * as bpf from "../../bpf/mod.ts";
import * as btf from "../../btf/mod.ts";
import * as sync from "../../sync/mod.ts";

Deno.test("The prototype of each exported class can be shown, and what inherits from it alone", () => {
  const failed: string[] = [];
  for (
    const [name, value] of Object.entries({ ...main, ...bpf, ...btf, ...sync })
  ) {
    const prototype: unknown = (value as { prototype?: unknown }).prototype;
    if (typeof prototype !== "object") continue;
    for (const object of [prototype, Object.create(prototype)]) {
      try {
        Deno.inspect(object);
      } catch (error) {
        failed.push(`${name}: ${error}`);
      }
    }
  }
  assertEquals(failed, []);
});
