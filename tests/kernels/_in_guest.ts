/**
 * The tests of several files as those of one: each module that they import is
 * compiled once, and not once for each file, which takes ten seconds under
 * emulation. Which they are `HOSTMEM_TESTS` says. The name of each begins with
 * its file.
 *
 * @module
 */

import { SEPARATOR } from "./_names.ts";
import type { ChoiceInGuest } from "./_tests.ts";

type Part = string | ((...given: unknown[]) => unknown) | Deno.TestDefinition;

const choices: ChoiceInGuest[] = JSON.parse(Deno.env.get("HOSTMEM_TESTS")!);
const declare = Deno.test as (...parts: Part[]) => void;

for (const { file, only, without } of choices) {
  const patterns = [...only, ...without].map((source) => new RegExp(source));
  const used = new Set<RegExp>();
  const matches = (name: string, some: readonly RegExp[]) => {
    const matching = some.filter((pattern) => pattern.test(name));
    for (const pattern of matching) used.add(pattern);
    return matching.length > 0;
  };
  const chosen = (name: string) =>
    (only.length === 0 || matches(name, patterns.slice(0, only.length))) &&
    !matches(name, patterns.slice(only.length));
  const test = (...parts: Part[]) => {
    const name = parts.map(nameOf).find((name) => name !== "") ?? "";
    if (!chosen(name)) return;
    declare(...renamed(parts, file.replace(/^tests\//, "") + SEPARATOR + name));
  };
  Object.assign(Deno, { test: Object.assign(test, declare) });
  try {
    await import(`../../${file}`);
  } catch (error) {
    test("Is imported", () => {
      throw error;
    });
  }
  for (const pattern of patterns) {
    if (used.has(pattern)) continue;
    console.log(`@guest trouble no test's name in ${file} matches ${pattern}`);
  }
}

function nameOf(part: Part): string {
  return typeof part === "string" ? part : part.name;
}

/** Gives the arguments of `Deno.test`, in whichever form, another name. */
function renamed(parts: readonly Part[], name: string): Part[] {
  const at = parts.findIndex((part) => nameOf(part) !== "");
  const part = parts[at]!;
  switch (typeof part) {
    case "string":
      return parts.toSpliced(at, 1, name);
    case "function":
      return [name, ...parts];
    default:
      return parts.toSpliced(at, 1, { ...part, name });
  }
}
