/** The tests that are tried on other kernels. */

import { repository } from "../_support.ts";

/** By process: what ends one of them does not end the others. */
export const groups: Readonly<Record<string, readonly string[]>> = {
  memory: all("tests/memory"),
  btf: all("tests/btf"),
  bpf: all("tests/bpf"),
};

function all(folder: string): string[] {
  return Array.from(Deno.readDirSync(`${repository}/${folder}`))
    .map(({ name }) => `${folder}/${name}`)
    .filter((name) => name.endsWith("_test.ts"))
    .sort();
}
