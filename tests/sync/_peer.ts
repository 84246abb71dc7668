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

/** The number that a message has, from what is in it; -1 where it is torn. */
export function numberOf(
  { number, words }: {
    readonly number: bigint;
    readonly words: { at(index: number): bigint | undefined };
  },
): number {
  for (let i = 0; i < 7; i++) {
    const right = BigInt.asUintN(64, number * BigInt(2 * i + 3));
    if (words.at(i) !== right) return -1;
  }
  return Number(number);
}

/** Fills a message of a ring so that no part of another goes unnoticed. */
export function fillMessage(
  message: { number: bigint; readonly words: { [index: number]: bigint } },
  number: bigint,
): void {
  message.number = number;
  for (let word = 0; word < 7; word++) {
    message.words[word] = number * BigInt(2 * word + 3);
  }
}

/** The length in bytes of a line of a number. */
export function lineLength(number: number): number {
  return 4 + (number * 7919) % 500;
}

/** Fills a line so that no part of another goes unnoticed. */
export function fillLine(line: Uint8Array, number: number): void {
  new DataView(line.buffer, line.byteOffset).setUint32(0, number, true);
  for (let i = 4; i < line.length; i++) line[i] = number + i;
}

/** The number of a line, from what is in it; -1 where it is torn. */
export function numberOfLine(line: Uint8Array): number {
  const { buffer, byteOffset, length } = line;
  const number = new DataView(buffer, byteOffset).getUint32(0, true);
  if (length !== lineLength(number)) return -1;
  for (let i = 4; i < length; i++) {
    if (line[i] !== (number + i & 255)) return -1;
  }
  return number;
}

/** The compilers that programs are tried with. */
export const compilers: readonly string[] = ["gcc", "clang"];

/** One that is there, if any is. */
export const anyCompiler: string = compilers.find(hasCommand) ?? "cc";

/** Memory that is shared with programs in C. */
export class Peers implements Disposable {
  readonly #directory: TemporaryDirectory;
  readonly #program: string;
  /** The memory. */
  readonly memory: Memory;
  /** What lies in it. */
  readonly shared: ReturnType<typeof pointerTo>;

  private constructor(directory: TemporaryDirectory, program: string) {
    this.#directory = directory;
    this.#program = program;
    this.memory = Memory.create(sizeOf(Shared));
    this.shared = pointerTo(this.memory);
  }

  /** Writes the header, and compiles the program with it. */
  static async compile(compiler: string): Promise<Peers> {
    const directory = new TemporaryDirectory();
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
        ...["-I", directory.path, "-o", program],
        fromFileUrl(new URL("_peer.c", import.meta.url)),
      ],
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    return new Peers(directory, program);
  }

  /** Starts the program. */
  start(...args: string[]): Deno.ChildProcess {
    const fd = `/proc/${Deno.pid}/fd/${this.memory.fd}`;
    return new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" <> ${fd}`, this.#program, ...args],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  [Symbol.dispose](): void {
    this.memory.close();
    this.#directory[Symbol.dispose]();
  }
}

function pointerTo(memory: Memory) {
  return memory.pointer(Shared);
}

/** What a program wrote that must do what it is asked for. */
export async function outputOfPeer(child: Deno.ChildProcess): Promise<string> {
  const { code, stdout, stderr } = await child.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
