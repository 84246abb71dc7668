import { assert, assertEquals } from "@std/assert";
import { sized } from "../../_fire.ts";
import { objectTest } from "../../_needs.ts";
import { run, seed } from "../../_support.ts";
import { objectFile } from "../_objects.ts";

/** The number of mistaken objects of each good one, others in each run. */
const count = Number(
  Deno.env.get("HOSTMEM_MUTATIONS") ?? sized(60, 800),
);

for (const name of ["maps", "variables", "kconfig"]) {
  objectTest(
    `Objects with mistakes, made of ${name}.bpf.c, give an error or load (needs clang and libbpf)`,
    async () => {
      const result = await run(new URL("./_mutations.ts", import.meta.url), {
        permissions: ["-A"],
        args: [await objectFile(name), `${seed()}`, "0", `${count}`],
        timeout: Math.max(300_000, count * 200),
      });
      const { code, signal, stdout, stderr } = result;
      assertEquals({ code, signal }, { code: 0, signal: null }, tail(stderr));
      const { loaded = 0, ...errors } = JSON.parse(stdout) as Record<
        string,
        number
      >;
      const expected = [
        "BtfError",
        "InvalidObjectError",
        "InvalidTypeError",
        "RangeError",
        "SystemError",
        "VerifierError",
      ];
      assertEquals(
        Object.keys(errors).filter((name) => !expected.includes(name)),
        [],
        stdout,
      );
      assert(loaded > count / 20, stdout);
      assert(errors.InvalidObjectError! > count / 20, stdout);
    },
  );
}

function tail(text: string): string {
  return text.slice(-500);
}
