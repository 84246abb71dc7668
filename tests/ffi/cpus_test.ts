import { assert, assertEquals } from "@std/assert";
import {
  numbersOfList,
  onlineCpus,
  possibleCpus,
} from "../../ffi/calls/cpus.ts";
import { hasCommand, run } from "../_support.ts";

Deno.test("A list of CPUs is read", () => {
  assertEquals(numbersOfList("0"), [0]);
  assertEquals(numbersOfList("0-1"), [0, 1]);
  assertEquals(numbersOfList("0-3,8-11"), [0, 1, 2, 3, 8, 9, 10, 11]);
  assertEquals(numbersOfList("0,2,4-127")?.length, 126);
  assertEquals(numbersOfList("7-7"), [7]);
});

Deno.test("What is not a list of CPUs is not read", () => {
  for (const list of ["", ",", "-", "0-", "-1", "0,,1", "3-1", "0-1-2", "a"]) {
    assertEquals(numbersOfList(list), undefined, list);
  }
});

Deno.test("onlineCpus() tells the CPUs that /proc/stat counts for", () => {
  const lines = Deno.readTextFileSync("/proc/stat").matchAll(/^cpu(\d+) /gm);
  assertEquals(onlineCpus(), [...lines].map(([, cpu]) => Number(cpu)));
});

Deno.test("possibleCpus() has all that are online, and is the same each time", () => {
  const possible = possibleCpus();
  assert(onlineCpus().every((cpu) => possible.includes(cpu)));
  assertEquals(possibleCpus(), possible);
  assert(Object.isFrozen(possible));
});

Deno.test({
  name: "CPUs are told in full to a process that may run on one of them",
  ignore: !hasCommand("taskset"),
  async fn() {
    const { stdout, stderr } = await run(
      `
      import { onlineCpus, possibleCpus } from "@hostmem/hostmem/bpf";
      console.log(JSON.stringify([
        navigator.hardwareConcurrency, onlineCpus(), possibleCpus(),
      ]));
    `,
      { under: ["taskset", "--cpu-list", String(onlineCpus()[0])] },
    );
    assertEquals(
      stdout,
      `${JSON.stringify([1, onlineCpus(), possibleCpus()])}\n`,
      stderr,
    );
  },
});
