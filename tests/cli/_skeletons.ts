/** Skeletons for tests: object files of both folders, and what is written of them. */

import { basename, fromFileUrl, join } from "@std/path";
import { main } from "../../cli/main.ts";
import { compileOnce } from "../bpf/_objects.ts";
import { fire } from "../_fire.ts";
import { repository, TemporaryDirectory } from "../_support.ts";

/** The flags of the sources of tests/bpf/programs that leave something open. */
const FLAGS: Readonly<Record<string, string[]>> = {
  section: ['-DSECTION="xdp"'],
  statics: ["-DUNIT=7", '-DSECTION_NAME=".data.only"'],
};

/** The source that is compiled once for each of its shapes. */
const SHAPES = "cli/shapes";

/** The names of the objects that are made of it: all twenty, or some of them. */
export const shapes: readonly string[] = Array.from(
  { length: 20 },
  (_, index) => index + 1,
).filter((shape) => fire || [2, 3, 13, 14, 17].includes(shape))
  .map((shape) => `cli/shape_${shape}`);

/** The name of an object's source. */
function sourceOf(name: string): string {
  return shapes.includes(name) ? SHAPES : name;
}

function flagsOf(name: string): string[] {
  const [, shape] = /^cli\/shape_(\d+)$/.exec(name) ?? [];
  return shape === undefined
    ? FLAGS[basename(name)] ?? []
    : [`-DSHAPE=${shape}`];
}

/** Options of the command beside the paths, by the names of objects. */
const OPTIONS: Readonly<Record<string, string[]>> = {
  records: ["--embed", "--event", "events=event", "--event", "perf=note"],
};

/** The skeletons of all objects in the tests, until they are disposed of. */
export class Skeletons implements Disposable {
  readonly #directory = new TemporaryDirectory();
  // Below the repository, where the name of the package resolves; its
  // configuration leaves out files that are named so.
  readonly #prefix = `${repository}/.run-${crypto.randomUUID()}-`;
  readonly #files: string[] = [];

  /** The names of all objects. */
  readonly names: readonly string[] = ["bpf/programs", "cli"].flatMap((
    folder,
  ) =>
    Array.from(
      Deno.readDirSync(new URL(`../${folder}`, import.meta.url)),
      ({ name }) => `${folder}/${name}`,
    )
  ).filter((name) => name.endsWith(".bpf.c"))
    .map((name) => name.slice(0, -".bpf.c".length))
    .filter((name) => name !== SHAPES).concat(shapes).sort();

  /** Compiles all of them. */
  async compile(): Promise<void> {
    const names = [...this.names];
    const compileNext = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const source = new URL(`../${sourceOf(name)}.bpf.c`, import.meta.url);
        const flags = flagsOf(name);
        const options = flags.length === 0 ? {} : { flags };
        const object = await compileOnce(fromFileUrl(source), options);
        await Deno.copyFile(object, this.object(name));
      }
    };
    await Promise.all([compileNext(), compileNext()]);
  }

  /** The object file of a source. */
  object(name: string): string {
    return join(this.#directory.path, `${basename(name)}.bpf.o`);
  }

  /** Writes a skeleton: its path. */
  async write(name: string): Promise<string> {
    const file = this.path(basename(name));
    const code = await main([
      "skeleton",
      this.object(name),
      "--output",
      file,
      "--import",
      "@hostmem/hostmem",
      ...OPTIONS[basename(name)] ?? [],
    ]);
    if (code !== 0) throw new Error(`hostmem skeleton ended with ${code}`);
    return file;
  }

  /** The path of a file beside the skeletons. */
  path(name: string): string {
    const file = `${this.#prefix}${name}.ts`;
    if (!this.#files.includes(file)) this.#files.push(file);
    return file;
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
    for (const file of this.#files) Deno.removeSync(file);
  }
}
