/**
 * The tests of several files as one: each module that they import is compiled
 * once, and not once for each file, which takes ten seconds under emulation. What
 * the files are, `HOSTMEM_FILES` says; the name of each test begins with its file.
 *
 * @module
 */

import { SEPARATOR } from "./_names.ts";

const { test } = Deno;
let prefix = "";

type Part = string | ((...given: unknown[]) => unknown) | Deno.TestDefinition;

function named(...parts: Part[]): void {
  const declare = test as (...parts: Part[]) => void;
  const at = parts.findIndex((part) => nameOf(part) !== "");
  const part = parts[at]!;
  const name = prefix + nameOf(part);
  switch (typeof part) {
    case "string":
      return declare(...parts.toSpliced(at, 1, name));
    case "function":
      return declare(name, ...parts);
    default:
      return declare(...parts.toSpliced(at, 1, { ...part, name }));
  }
}

function nameOf(part: Part): string {
  return typeof part === "string" ? part : part.name;
}

Object.assign(Deno, { test: Object.assign(named, test) });

for (const file of Deno.env.get("HOSTMEM_FILES")!.split(" ")) {
  prefix = file.replace(/^tests\//, "") + SEPARATOR;
  try {
    await import(`../../${file}`);
  } catch (error) {
    Deno.test("can be imported", () => {
      throw error;
    });
  }
}
