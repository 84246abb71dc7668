/**
 * The programs of `attach.bpf.c`, and the numbers that they count.
 *
 * @module
 */

import { type BpfMap, BpfObject, type BpfProgram } from "../../bpf/mod.ts";
import { u64 } from "../../layout/mod.ts";
import {
  bpfObjects,
  type Need,
  rawTracepoint,
  root,
  type Test,
  testWith,
} from "../_needs.ts";
import { TemporaryDirectory } from "../_support.ts";
import { runIsolated } from "./_isolated.ts";
import { compile } from "./_objects.ts";

/** The needs of the programs of `attach.bpf.c`, whatever their targets. */
export const attachable: readonly Need[] = [
  ...bpfObjects,
  root,
  rawTracepoint,
];

/** Declares a test that attaches programs. */
export const attachTest: Test = testWith(attachable);

/** The names of the map's entries, in the order of `attach.bpf.c`. */
export type Count = "first" | "second" | "cookie" | "value" | "sequence";
const order: Count[] = ["first", "second", "cookie", "value", "sequence"];

/** An object whose programs count. */
export class Counters implements Disposable {
  /** The object. */
  readonly object: BpfObject;

  /** Loads a compiled `attach.bpf.c`, or another object with such a map. */
  constructor(path: string, options?: Parameters<typeof BpfObject.load>[1]) {
    this.object = BpfObject.load(path, options);
  }

  /** Its programs, by name. */
  get programs(): Readonly<Record<string, BpfProgram>> {
    return this.object.programs;
  }

  /** The map that they count in. */
  get map(): BpfMap {
    return this.object.map("counts");
  }

  /** One of its programs. */
  program(name: string): BpfProgram {
    return this.object.program(name);
  }

  /** Reads the count so far. */
  get(count: Count): number {
    return Number(this.map.pointer(u64, order.indexOf(count)).value);
  }

  /** Sets all counts to 0. */
  reset(): void {
    for (let i = 0; i < order.length; i++) this.map.pointer(u64, i).value = 0n;
  }

  /** Closes the object, its programs and their links. */
  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Compiles `<name>.bpf.c` into a directory: the path of the object file. */
export async function compileAttach(
  directory: TemporaryDirectory,
  name: string = "attach",
): Promise<string> {
  return await compile(name, directory);
}

/** The numbers of all links that the kernel has. */
export function linkIds(): number[] {
  const { success, stdout } = new Deno.Command("bpftool", {
    args: ["--json", "link"],
  }).outputSync();
  if (!success) throw new Error("bpftool failed");
  const links: { id: number }[] = JSON.parse(new TextDecoder().decode(stdout));
  return links.map(({ id }) => id);
}

/** A function that notes what is said of something that is to be refused. */
export function noting(seen: unknown[]): (use: () => unknown) => void {
  return (use) => {
    try {
      use();
      seen.push("not refused");
    } catch (error) {
      seen.push(String(error));
    }
  };
}

/**
 * Runs a program in a network namespace of its own, with the pair in it.
 *
 * @param before A command of the shell that is run first.
 */
export async function inNetwork(
  program: string,
  before: string = "true",
): Promise<unknown> {
  using directory = new TemporaryDirectory();
  const path = await compileAttach(directory);
  return await runIsolated(
    `
    import { Counters, linkIds, noting } from "./tests/bpf/_attach.ts";
    import { Pair, sh } from "./tests/bpf/_network.ts";
    import { mappable, number } from "./tests/bpf/_maps.ts";
    import { Program } from "./tests/bpf/_program.ts";
    import { BpfLink, BpfMap, BpfObject, BpfProgram } from "@hostmem/hostmem/bpf";
    export default async function (object: string, directory: string, before: string) {
      sh("sh", "-c", before);
      using counters = new Counters(object);
      using pair = await Pair.make();
      const first = counters.program("xdp_first");
      const second = counters.program("xdp_second");
      const seen: unknown[] = [];
      const refused = noting(seen);
      ${program}
      return seen;
    }
  `,
    [path, directory.path, before],
  );
}
