/**
 * A copy of the package as whoever imports it has it: its types are used, and its
 * source is not checked, which `deno task check` does.
 *
 * @module
 */

import { join } from "@std/path";
import { repository, TemporaryDirectory } from "./_support.ts";

let copy: TemporaryDirectory | undefined;

/**
 * A folder that holds the package and its `deno.json`, made once: for what lies in
 * it, the package has its name. To check what imports `@hostmem/hostmem/bpf` takes
 * the type checker a third of the time that it takes beside the source.
 */
export function publishedPackage(): string {
  if (copy !== undefined) return copy.path;
  copy = new TemporaryDirectory();
  addEventListener("unload", () => copy![Symbol.dispose]());
  const { publish, links } = JSON.parse(
    Deno.readTextFileSync(join(repository, "deno.json")),
  ) as { publish: { include: string[] }; links: string[] };
  const published = publish.include.filter((path) => /(\/|\.ts)$/.test(path));
  for (const path of ["deno.json", ...published, ...links]) {
    copyTo(copy, path.replace(/^\.\/|\/$/g, ""));
  }
  return copy.path;
}

function copyTo(directory: TemporaryDirectory, path: string): void {
  const source = join(repository, path);
  if (Deno.statSync(source).isDirectory) {
    Deno.mkdirSync(directory.join(path), { recursive: true });
    for (const { name } of Deno.readDirSync(source)) {
      copyTo(directory, `${path}/${name}`);
    }
  } else if (path.endsWith(".ts")) {
    const text = Deno.readTextFileSync(source);
    Deno.writeTextFileSync(directory.join(path), `// @ts-nocheck\n${text}`);
  } else if (/\.(js|json)$/.test(path)) {
    Deno.copyFileSync(source, directory.join(path));
  }
}
