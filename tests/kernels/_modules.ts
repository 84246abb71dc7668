/** Modules of an unpacked kernel, in the order in which they need each other. */

/** A module of a kernel. */
export interface Module {
  /** Its name, as `lsmod` prints it. */
  readonly name: string;
  /** The ELF file, not compressed. */
  readonly content: Uint8Array;
}

/** Those modules and all that they need, the needed ones first. */
export async function modules(
  folder: string,
  names: readonly string[],
): Promise<Module[]> {
  const files = new Map<string, string>();
  find(folder, files);
  const ordered = new Map<string, Module>();
  const add = async (name: string) => {
    const file = files.get(name);
    // What is built in needs no file.
    if (file === undefined || ordered.has(name)) return;
    const content = await read(file);
    for (const needed of dependencies(content)) await add(needed);
    ordered.set(name, { name, content });
  };
  for (const name of names) await add(name);
  return [...ordered.values()];
}

function find(folder: string, files: Map<string, string>): void {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) find(path, files);
    const module = /^(.*)\.ko(\.xz)?$/.exec(name)?.[1];
    if (module !== undefined) files.set(module.replaceAll("-", "_"), path);
  }
}

async function read(file: string): Promise<Uint8Array> {
  if (!file.endsWith(".xz")) return Deno.readFileSync(file);
  const { success, stdout } = await new Deno.Command("xz", {
    args: ["--decompress", "--stdout", file],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`xz cannot read ${file}`);
  return stdout;
}

/** Reads the dependencies in `.modinfo`, which has texts `name=value\0`. */
function dependencies(content: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(content);
  const names = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return names.split(",").filter((name) => name !== "")
    .map((name) => name.replaceAll("-", "_"));
}
