/**
 * Programs in C on the other side, compiled with the header that is written for
 * the types of `_types.ts`.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { assertEquals } from "@std/assert";
import { Memory, sizeOf } from "../../mod.ts";
import { outputOf } from "../cli/_hostmem.ts";
import { hasCommand, TemporaryDirectory } from "../_support.ts";
import { Shared } from "./_types.ts";

/** The compilers that programs are tried with. */
export const compilers: readonly string[] = ["gcc", "clang"];

/** One that is there, if any is. */
export const anyCompiler: string = compilers.find(hasCommand) ?? "cc";

/** The program, by the compiler and its flags: made once, since it takes half a second. */
const programs = new Map<string, Promise<string>>();

/** Writes the header, and compiles the program with it: its path. */
async function compileProgram(
  compiler: string,
  flags: readonly string[],
): Promise<string> {
  const directory = new TemporaryDirectory();
  addEventListener("unload", () => directory[Symbol.dispose]());
  const types = fromFileUrl(new URL("_types.ts", import.meta.url));
  await outputOf(
    "header",
    `${types}#Messages`,
    `${types}#Sample`,
    `${types}#Lines`,
    `${types}#Frames`,
    "-o",
    directory.join("shared.h"),
  );
  const program = directory.join("peer");
  const { success, stderr } = await new Deno.Command(compiler, {
    args: [
      ...["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"],
      ...flags,
      ...["-I", directory.path, "-o", program],
      fromFileUrl(new URL("_peer.c", import.meta.url)),
    ],
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return program;
}

/** Memory that is shared with programs in C. */
export class Peers implements Disposable {
  readonly #program: string;
  /** The memory. */
  readonly memory: Memory;
  /** The pointer to what lies in it. */
  readonly shared: ReturnType<typeof pointerTo>;

  private constructor(program: string) {
    this.#program = program;
    this.memory = Memory.create(sizeOf(Shared));
    this.shared = pointerTo(this.memory);
  }

  /** Makes the memory, for a program that a compiler has made. */
  static async compile(compiler: string, ...flags: string[]): Promise<Peers> {
    const key = [compiler, ...flags].join(" ");
    let program = programs.get(key);
    if (program === undefined) {
      programs.set(key, program = compileProgram(compiler, flags));
    }
    return new Peers(await program);
  }

  /** Starts the program. */
  start(...args: string[]): Deno.ChildProcess {
    return this.startUnder([], ...args);
  }

  /** Starts the program by a command. */
  startUnder(under: readonly string[], ...args: string[]): Deno.ChildProcess {
    const fd = `/proc/${Deno.pid}/fd/${this.memory.fd}`;
    const [command, ...rest] = [...under, this.#program, ...args];
    return new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" <> ${fd}`, command!, ...rest],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  [Symbol.dispose](): void {
    this.memory.close();
  }
}

function pointerTo(memory: Memory) {
  return memory.pointer(Shared);
}

/** Returns the output of a program that must do what it is asked for. */
export async function outputOfPeer(child: Deno.ChildProcess): Promise<string> {
  const { code, stdout, stderr } = await child.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
