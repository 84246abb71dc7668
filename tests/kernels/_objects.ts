/** Objects of BPF for a guest, which has no compiler. */

import { repository, type TemporaryDirectory } from "../_support.ts";
import { compilerArguments } from "../bpf/_objects.ts";
import { command } from "./_command.ts";
import type { Kernel } from "./_kernels.ts";

/** Sources that no object can be made of without further flags. */
const templates = new Set(["section.bpf.c", "statics.bpf.c"]);

/** Compiles all of `tests/bpf/programs/*.bpf.c`: the folder of the objects. */
export async function compileAll(
  { name, arch }: Kernel,
  system: string,
  directory: TemporaryDirectory,
): Promise<string> {
  const folder = directory.join(`objects-${name}`);
  Deno.mkdirSync(folder, { recursive: true });
  const sources = Array.from(
    Deno.readDirSync(`${repository}/tests/bpf/programs`),
  )
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".bpf.c") && !templates.has(name));
  await Promise.all(sources.map((source) => {
    const object = `${folder}/${source.replace(/c$/, "o")}`;
    return command(
      "clang",
      compilerArguments(
        `${repository}/tests/bpf/programs/${source}`,
        object,
        {},
        {
          arch,
          system,
        },
      ),
    );
  }));
  return folder;
}
