/**
 * Object files for tests: C sources in `programs/`, compiled by clang.
 *
 * @module
 */

import { NativeObject } from "../../bpf/libbpf/object.ts";
import { basename, fromFileUrl, join } from "@std/path";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { BpfObject } from "../../bpf/mod.ts";
import { compiledBefore } from "../_needs.ts";
import { TemporaryDirectory } from "../_support.ts";

/** The options of {@linkcode compile}. */
export interface CompileOptions {
  /** The compiler; `"clang"` unless said otherwise. */
  compiler?: string;
  /** The target; `"bpf"` unless said otherwise. */
  target?: string;
  /** Further flags, behind `-O2 -g`. */
  flags?: string[];
}

let made = 0;

/** Compiled objects, made once and kept for as long as this process's tests. */
const directory = new TemporaryDirectory();
addEventListener("unload", () => directory[Symbol.dispose]());

/** The folder that processes share them in: `HOSTMEM_COMPILED`, if it is set. */
const objectsShared = Deno.env.get("HOSTMEM_COMPILED");

/** The machine that an object is for. */
export interface Machine {
  /** Its processor; this machine's unless said otherwise. */
  arch?: typeof Deno.build.arch;
  /** The folder in which its `/usr/include` lies; `/` unless said otherwise. */
  system?: string;
}

/** Lists the arguments of the compiler. */
export function compilerArguments(
  source: string,
  object: string,
  { target = "bpf", flags = [] }: Omit<CompileOptions, "compiler"> = {},
  { arch = Deno.build.arch, system = "" }: Machine = {},
): string[] {
  return [
    "-target",
    target,
    "-O2",
    "-g",
    "-Wall",
    "-Werror",
    // For bpf/bpf_tracing.h.
    `-D__TARGET_ARCH_${arch === "x86_64" ? "x86" : "arm64"}`,
    // Where Debian has asm/types.h, which the target does not tell.
    `-I${system}/usr/include/${arch}-linux-gnu`,
    `-I${system}/usr/include`,
    ...flags,
    "-c",
    source,
    "-o",
    object,
  ];
}

/**
 * Compiles `programs/<name>.bpf.c`: the path of an object file that nobody else
 * uses.
 */
export async function compile(
  name: string,
  directory: TemporaryDirectory,
  options: CompileOptions = {},
): Promise<string> {
  const object = directory.join(`${name}-${made++}.bpf.o`);
  await Deno.copyFile(await compileOnce(sourceOf(name), options), object);
  return object;
}

/** As {@linkcode compile}, the path of one that all use and none changes. */
export function objectFile(name: string): Promise<string> {
  return compileOnce(sourceOf(name), {});
}

function sourceOf(name: string): string {
  return fromFileUrl(new URL(`./programs/${name}.bpf.c`, import.meta.url));
}

/** Objects that this process has asked for, by their source and options. */
const objects = new Map<string, Promise<string>>();

/**
 * Compiles a source, unless a process of this run of tests has done so: the path
 * of an object file that all use and none changes.
 */
export function compileOnce(
  source: string,
  options: CompileOptions,
): Promise<string> {
  if (compiledBefore !== undefined && Object.keys(options).length === 0) {
    const object = basename(source).replace(/c$/, "o");
    return Promise.resolve(join(compiledBefore, object));
  }
  const key = JSON.stringify([Deno.readTextFileSync(source), options]);
  let object = objects.get(key);
  if (object === undefined) {
    object = compileUnlessThere(key, source, options);
    objects.set(key, object);
  }
  return object;
}

/** Compiles into the folder that all processes of a run of tests share. */
async function compileUnlessThere(
  key: string,
  source: string,
  options: CompileOptions,
): Promise<string> {
  const name = createHash("sha256").update(key).digest("hex");
  const object = join(objectsShared ?? directory.path, `${name}.bpf.o`);
  if (existsSync(object)) return object;
  const unfinished = `${object}.${crypto.randomUUID()}`;
  await succeed(
    options.compiler ?? "clang",
    compilerArguments(source, unfinished, options),
  );
  await Deno.rename(unfinished, object);
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
    tokenPath: undefined,
  });
}

/** Compiles a C text with the includes that BPF programs have. */
export async function compileText(
  text: string,
  directory: TemporaryDirectory,
  flags: string[] = [],
): Promise<string> {
  const source = directory.join(`text-${made}.bpf.c`);
  const object = directory.join(`text-${made++}.bpf.o`);
  await Deno.writeTextFile(
    source,
    `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
${text}`,
  );
  await Deno.copyFile(await compileOnce(source, { flags }), object);
  return object;
}
