import { assert, assertEquals } from "@std/assert";
import { onlineCpus, possibleCpus } from "../../bpf/mod.ts";
import { numbersIn } from "../../bpf/map/cpus.ts";

Deno.test("A list of CPUs is read", () => {
  assertEquals(numbersIn("0"), [0]);
  assertEquals(numbersIn("0-1"), [0, 1]);
  assertEquals(numbersIn("0-3,8-11"), [0, 1, 2, 3, 8, 9, 10, 11]);
  assertEquals(numbersIn("0,2,4-127")!.length, 126);
  assertEquals(numbersIn("7-7"), [7]);
});

Deno.test("What is no list of CPUs is not read", () => {
  for (const list of ["", ",", "-", "0-", "-1", "0,,1", "3-1", "0-1-2", "a"]) {
    assertEquals(numbersIn(list), undefined, list);
  }
});

Deno.test("The CPUs that are online are those of the system, not of this process", () => {
  const online = onlineCpus();
  assert(online.length >= navigator.hardwareConcurrency);
  assert(online.at(-1)! < possibleCpus());
  assertEquals(
    online.length,
    Deno.readTextFileSync("/proc/stat").match(/^cpu\d+ /gm)!.length,
  );
});
