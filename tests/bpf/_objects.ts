/**
 * Object files for tests: C sources that lie beside them, compiled by clang.
 *
 * @module
 */

import { NativeObject } from "../../bpf/libbpf/object.ts";
import { fromFileUrl } from "@std/path";
import type { BpfObject } from "../../bpf/mod.ts";
import { TemporaryDirectory } from "../_support.ts";

/** How {@linkcode compile} compiles. */
export interface CompileOptions {
  /** The compiler; `"clang"` unless said otherwise. */
  compiler?: string;
  /** The target; `"bpf"` unless said otherwise. */
  target?: string;
  /** Further flags, behind `-O2 -g`. */
  flags?: string[];
}

let made = 0;

/** Compiles `tests/bpf/<name>.bpf.c`: the path of the object file. */
export async function compile(
  name: string,
  directory: TemporaryDirectory,
  { compiler = "clang", target = "bpf", flags = [] }: CompileOptions = {},
): Promise<string> {
  const source = fromFileUrl(new URL(`./${name}.bpf.c`, import.meta.url));
  const object = directory.join(`${name}-${made++}.bpf.o`);
  await succeed(compiler, [
    "-target",
    target,
    "-O2",
    "-g",
    "-Wall",
    "-Werror",
    // Where Debian has asm/types.h, which the target does not tell.
    `-I/usr/include/${Deno.build.arch}-linux-gnu`,
    ...flags,
    "-c",
    source,
    "-o",
    object,
  ]);
  return object;
}

/** Runs a command, and gives what it wrote. @throws {Error} with its messages. */
export async function succeed(
  command: string,
  args: string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Compiled objects, made once and kept for as long as this file's tests. */
const directory = new TemporaryDirectory();
addEventListener("unload", () => directory[Symbol.dispose]());
const compiled = new Map<string, Promise<string>>();

/** As {@linkcode compile} with nothing said otherwise, once for each name. */
export function objectFile(name: string): Promise<string> {
  let path = compiled.get(name);
  if (path === undefined) {
    path = compile(name, directory);
    compiled.set(name, path);
  }
  return path;
}

/** Runs a program of an object so many times, with a packet of zeros. */
export function runProgram(object: BpfObject, name: string, repeat = 1): void {
  object.program(name).run({ data: new Uint8Array(64), repeat });
}

/** Opens an object with libbpf alone, which loads nothing. */
export async function openNative(name: string): Promise<NativeObject> {
  return NativeObject.open({
    bytes: Deno.readFileSync(await objectFile(name)),
    name,
    pinRoot: undefined,
    btfPath: undefined,
    kconfig: undefined,
  });
}
