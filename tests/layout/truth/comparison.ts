/** Compares the layout language with compilers, many declarations at a time. */

import { Random, seed, TemporaryDirectory } from "../../_support.ts";
import { definitionsOf } from "./c_types.ts";
import {
  ask,
  type Compiler,
  COMPILERS,
  exchange,
  type Machine,
} from "./compilers.ts";
import type { Aggregate } from "./declarations.ts";
import type { Outcome, Task } from "./measure_worker.ts";
import { randomDeclaration } from "./random_declaration.ts";
import { questionsOf, toHex, wordsOf } from "./questions.ts";
import { simplerThan } from "./simplify.ts";
import { randomValue } from "./values.ts";

/** A declaration about which a compiler and we disagree. */
export interface Disagreement {
  /** The seed of the declaration. */
  seed: bigint;
  compiler: Compiler;
  declaration: Aggregate;
  /** The questions with different answers, the compiler's and ours. */
  differences: [question: string, theirs: string, ours: string][];
}

/** The seeds of some declarations of this run, which are all different. */
export function declarationSeeds(first: number, count: number): bigint[] {
  return Array.from(
    { length: count },
    (_, index) => BigInt(seed()) << 32n | BigInt(first + index),
  );
}

/** The layout language under the rules of each machine, against compilers. */
export class Comparison implements Disposable {
  readonly #directory = new TemporaryDirectory();
  readonly #workers = new Map<Machine, Worker>();

  /** The Worker of a machine, which begins when it is first asked. */
  #workerOf(machine: Machine): Worker {
    let worker = this.#workers.get(machine);
    if (worker === undefined) {
      worker = new Worker(new URL("./measure_worker.ts", import.meta.url), {
        type: "module",
      });
      worker.postMessage(machine);
      this.#workers.set(machine, worker);
    }
    return worker;
  }

  /** Stops the Workers and removes all files. */
  [Symbol.dispose](): void {
    for (const worker of this.#workers.values()) worker.terminate();
    this.#directory[Symbol.dispose]();
  }

  /** Makes declarations from seeds and finds those that are laid out wrong. */
  async compare(
    seeds: bigint[],
    compilers: Compiler[] = COMPILERS,
  ): Promise<Disagreement[]> {
    const tasks = seeds.map((seed) => {
      const random = new Random(seed);
      return taskOf(randomDeclaration(random), seed);
    });
    return await this.#compareTasks(tasks, compilers);
  }

  async #compareTasks(
    tasks: Task[],
    compilers: Compiler[],
  ): Promise<Disagreement[]> {
    const ours = new Map<Machine, Promise<Outcome[]>>();
    for (const { machine } of compilers) {
      if (!ours.has(machine)) ours.set(machine, this.#measure(machine, tasks));
    }
    const found = await Promise.all(
      compilers.map(async (compiler) =>
        await this.#compareWith(
          compiler,
          tasks,
          await ours.get(compiler.machine)!,
        )
      ),
    );
    return found.flat();
  }

  async #measure(machine: Machine, tasks: Task[]): Promise<Outcome[]> {
    const worker = this.#workerOf(machine);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(tasks);
    return await promise;
  }

  async #compareWith(
    compiler: Compiler,
    tasks: Task[],
    outcomes: Outcome[],
  ): Promise<Disagreement[]> {
    const { path } = this.#directory;
    const answers = await ask(compiler, tasks, path);
    const differences = tasks.map(({ declaration }, index) =>
      differencesBetween(declaration, answers[index]!, outcomes[index]!)
    );
    if (compiler.machine === Deno.build.arch) {
      await this.#exchange(compiler, tasks, outcomes, differences);
    }
    return tasks.flatMap(({ declaration, seed }, index) =>
      differences[index]!.length === 0 ? [] : [{
        seed,
        compiler,
        declaration,
        differences: differences[index]!,
      }]
    );
  }

  /** C reads what we stored, and we compare what it stores. */
  async #exchange(
    compiler: Compiler,
    tasks: Task[],
    outcomes: Outcome[],
    differences: Disagreement["differences"][],
  ): Promise<void> {
    // Those of another size have differences enough.
    const samples = tasks.flatMap((task, index) => {
      const outcome = outcomes[index]!;
      return "refused" in outcome || differences[index]!.length > 0
        ? []
        : [{ ...task, ...outcome, index }];
    });
    if (samples.length === 0) return;
    const exchanged = await exchange(compiler, samples, this.#directory.path);
    samples.forEach(({ index, written }, at) => {
      const theirs = exchanged[at]!;
      for (const path of theirs.wrong) {
        differences[index]!.push([`value of ${path}`, "another", "as stored"]);
      }
      const [left, right] = [toHex(theirs.written), toHex(written)];
      if (left !== right) {
        differences[index]!.push(["bytes stored over noise", left, right]);
      }
    });
  }

  /** Takes away from a declaration what the disagreement does not need. */
  async simplify(disagreement: Disagreement): Promise<Disagreement> {
    let simplest = disagreement;
    while (true) {
      const tasks = simplerThan(simplest.declaration)
        .map((declaration) => taskOf(declaration, simplest.seed));
      if (tasks.length === 0) return simplest;
      const found = await this.#compareTasks(tasks, [simplest.compiler]);
      const alike = found.find((other) =>
        isRefusal(other) === isRefusal(simplest)
      );
      if (alike === undefined) return simplest;
      simplest = alike;
    }
  }
}

function taskOf(declaration: Aggregate, seed: bigint): Task {
  return {
    declaration,
    value: randomValue(declaration, new Random(seed)),
    seed,
  };
}

const REFUSED = "declared, stored and read";

function isRefusal({ differences }: Disagreement): boolean {
  return differences[0]![0] === REFUSED;
}

function differencesBetween(
  declaration: Aggregate,
  theirs: string[],
  outcome: Outcome,
): Disagreement["differences"] {
  if ("refused" in outcome) return [[REFUSED, "yes", outcome.refused]];
  return questionsOf(declaration).flatMap((question, index) =>
    theirs[index] === outcome.answers[index]
      ? []
      : [[wordsOf(question), theirs[index]!, outcome.answers[index]!] as const]
  ).map((difference) => [...difference]);
}

/** The declaration in C, and both layouts side by side. */
export function reportOf(disagreement: Disagreement): string {
  const { seed, compiler, declaration, differences } = disagreement;
  const rows = [["", compiler.name, "hostmem"], ...differences];
  const widths = [0, 1].map((column) =>
    Math.min(72, Math.max(...rows.map((row) => row[column]!.length)))
  );
  return [
    `Declaration ${BigInt.asUintN(32, seed)} of HOSTMEM_SEED=${
      seed >> 32n
    }, as small as it gets:`,
    "",
    definitionsOf(declaration, "d"),
    "",
    ...rows.map((row) =>
      row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
        .trimEnd()
    ),
    "",
  ].join("\n");
}
