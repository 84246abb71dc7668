import { assertEquals } from "@std/assert";
import { countOfList, possibleCpus } from "../../bpf/map/possible_cpus.ts";

function count(list: string): number | undefined {
  const text = new TextEncoder().encode(list);
  return countOfList(text, text.length);
}

Deno.test("A list of CPUs is counted", () => {
  assertEquals(count("0"), 1);
  assertEquals(count("0-1"), 2);
  assertEquals(count("0-3,8-11"), 8);
  assertEquals(count("0,2,4-127"), 126);
  assertEquals(count("7-7"), 1);
});

Deno.test("What is no list of CPUs is not counted", () => {
  for (const list of ["", ",", "-", "0-", "-1", "0,,1", "3-1", "0-1-2", "a"]) {
    assertEquals(count(list), undefined, list);
  }
});

Deno.test("The number of possible CPUs is at least that of usable ones", () => {
  assertEquals(possibleCpus() >= navigator.hardwareConcurrency, true);
});
