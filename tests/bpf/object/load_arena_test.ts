import { assertEquals } from "@std/assert";
import { arenas, bpfObjects, libbpfSince, testWith } from "../../_needs.ts";
import { run } from "../../_support.ts";
import { objectFile } from "../_objects.ts";

testWith(bpfObjects, arenas, libbpfSince(4))(
  "BpfObject.load() refuses an arena that has no room for its variables, or would lie over other memory (needs clang and libbpf 1.4)",
  async () => {
    const path = await objectFile("arena_variables");
    const { code, signal, stdout, stderr } = await run(
      `
      import { assertEquals, assertThrows } from "@std/assert";
      import { Memory, NotSupportedError, pageSize, u64 } from "./mod.ts";
      import { BpfObject } from "./bpf/mod.ts";

      const path = ${JSON.stringify(path)};
      const load = (arena: object) => BpfObject.load(path, { maps: { arena } });
      const pages = Math.ceil(16384 / pageSize());
      if (pages > 1) {
        assertThrows(
          () => load({ maxEntries: pages - 1 }),
          RangeError,
          "maxEntries of the map arena must be at least " + pages +
            ", the pages that its variables take: it is " + (pages - 1),
        );
      }
      const linesOf = (text: string) =>
        Deno.readTextFileSync("/proc/self/maps").split("\\n")
          .filter((line) => line.includes(text));

      using memory = Memory.create(64 * pageSize(), { name: "ours" });
      const value = memory.pointer(u64);
      value.value = 7n;
      const begin = BigInt("0x" + linesOf("memfd:ours")[0]!.split("-")[0]);
      assertThrows(
        () => load({ mapExtra: begin }),
        NotSupportedError,
        "Cannot load: the map arena must lie at 0x" + begin.toString(16),
      );
      assertEquals(value.value, 7n);

      // What is free is taken, given back, and taken anew, also after a failure.
      const mapExtra = 1n << 44n;
      const there = () => linesOf(mapExtra.toString(16) + "-").length;
      for (let i = 0; i < 2; i++) {
        using object = load({ mapExtra, maxEntries: pages });
        assertEquals(object.map("arena").info.mapExtra, mapExtra);
        assertEquals(there(), 1);
      }
      assertEquals(there(), 0);
      assertThrows(() => load({ mapExtra, flags: 0 }));
      assertEquals(there(), 0);
      console.log("whole");
    `,
      { permissions: ["-A"] },
    );
    assertEquals(
      { code, signal, stdout },
      { code: 0, signal: null, stdout: "whole\n" },
      stderr,
    );
  },
);
