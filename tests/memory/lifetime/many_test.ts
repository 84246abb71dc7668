import { assert, assertEquals } from "@std/assert";
import { fire, sized } from "../../_fire.ts";
import { run } from "../../_support.ts";

/** Memories: more than the 65 530 mappings that a process may have. */
const MANY = sized(70_000, 200_000);

const prelude = `
  import { mappingStats, Memory, pageSize } from "./memory/mod.ts";
  import {
    addressSpace,
    collect,
    mappings,
    openDescriptors,
  } from "./tests/_support.ts";
`;

// deno-lint-ignore no-explicit-any
async function measure(program: string, ...args: string[]): Promise<any> {
  const { code, signal, stdout, stderr } = await run(prelude + program, {
    permissions: ["-A"],
    args,
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(stdout);
}

for (const workers of fire ? [false, true] : [false]) {
  const kind = workers ? " for Workers" : "";
  Deno.test(`More memories${kind} than there can be mappings, dropped in one synchronous job, leave nothing`, async () => {
    const { before, after, descriptors, most, stats } = await measure(
      `
      const workers = Deno.args[0] === "true";
      using origin = Memory.create(65536, { name: "origin" });
      const fd = origin.fd!;
      function drop(count: number): void {
        for (let i = 0; i < count; i++) Memory.map(fd, 65536, { workers });
      }
      function now(): number[] {
        return [mappings("/memfd:origin").length, addressSpace()];
      }
      drop(100);
      collect();
      const before = now();
      const descriptors = [openDescriptors("/memfd:origin").length];
      let most = 0;
      for (let i = 0; i < Number(Deno.args[1]); i += 10_000) {
        drop(10_000);
        most = Math.max(most, mappingStats().processMappings!);
        descriptors.push(openDescriptors("/memfd:origin").length);
      }
      collect();
      const after = now();
      // The registry that counts is asked between two jobs.
      for (let i = 0; i < 100 && mappingStats().mappings > 1; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        collect();
      }
      const { mappings: live, bytes } = mappingStats();
      const stats = [live, bytes];
      console.log(
        JSON.stringify({ before, after, descriptors, most, stats }),
      );
    `,
      `${workers}`,
      `${MANY}`,
    );
    assertEquals(before[0], 1);
    assertEquals(after[0], 1);
    assert(after[1] < before[1] + 2 ** 30, `${before} ${after}`);
    assertEquals(Math.max(...descriptors), 1);
    assert(most < 50_000, `${most}`);
    assertEquals(stats, [1, 65536]);
  });
}

// An ordinary run has one of few, in lifetime_test.ts.
for (const size of fire ? ["pageSize()", "65536"] : []) {
  Deno.test(`Memories of ${size} bytes held beyond the budget are refused, and collected ones make room`, async () => {
    const { message, count, lines, limit, again } = await measure(`
      using origin = Memory.create(65536);
      const fd = origin.fd!;
      let held: Memory[] = [];
      function fill(): string {
        try {
          while (held.length < 70_000) held.push(Memory.map(fd, ${size}));
          return "";
        } catch (error) {
          return String(error);
        }
      }
      const message = fill();
      const count = held.length;
      const {
        processMappings: lines,
        processMappingsMax: limit,
      } = mappingStats();
      held = [];
      // Not closed: the collection is forced by the next that is refused.
      fill();
      const again = held.length;
      console.log(JSON.stringify({ message, count, lines, limit, again }));
    `);
    assert(
      message.startsWith("NotSupportedError: Too many live mappings: this"),
      message,
    );
    assert(message.includes(`at most ${limit} are allowed`), message);
    // Half a page of WebAssembly takes two. Counted is once in a thousand.
    const most = size === "65536" ? limit : limit / 2;
    assert(count > most * 0.9 && count < most + 1025, `${count}`);
    assert(lines > 30_000 && lines < limit + 5000, `${lines}`);
    assert(again > count * 0.9, `${again} of ${count}`);
  });
}
