/** Compilers, and what they say of declarations. */

import { definitionsOf, nameOf, pathTo, PREAMBLE } from "./c_types.ts";
import { assignment, comparison, initialiser, leavesOf } from "./c_values.ts";
import type { Aggregate } from "./declarations.ts";
import { ObjectFile } from "./object_file.ts";
import {
  extentOfOnes,
  type Question,
  questionsOf,
  toHex,
} from "./questions.ts";
import { allOnes, type Value, withoutTails } from "./values.ts";

/** The machines whose ABIs are compared. */
export const MACHINES = ["x86_64", "aarch64"] as const;

export type Machine = typeof MACHINES[number];

/** A compiler for a machine. */
export interface Compiler {
  /** The name that reports give it. */
  name: string;
  /** The machine that it compiles for. */
  machine: Machine;
  /** The command and its first arguments. */
  command: string[];
}

/** The compilers that are asked. Programs run where the machine is this one. */
export const COMPILERS: Compiler[] = MACHINES.flatMap((machine) => [
  {
    name: `gcc for ${machine}`,
    machine,
    command: [`${machine}-linux-gnu-gcc`],
  },
  {
    name: `clang for ${machine}`,
    machine,
    command: ["clang", `--target=${machine}-linux-gnu`],
  },
]);

/** A declaration with a value. */
export interface Sample {
  declaration: Aggregate;
  value: Value;
}

const FLAGS = ["-std=gnu11", "-w", "-O0", "-fno-strict-aliasing"];

async function compile(
  compiler: Compiler,
  source: string,
  output: string,
  flags: string[],
): Promise<void> {
  const file = `${output}.c`;
  await Deno.writeTextFile(file, source);
  const [command, ...rest] = compiler.command;
  const { success, stderr } = await new Deno.Command(command!, {
    args: [...rest, ...FLAGS, ...flags, "-o", output, file],
    stdin: "null",
  }).output();
  if (!success) {
    const messages = new TextDecoder().decode(stderr).slice(0, 4000);
    throw new Error(`${compiler.name} does not compile ${file}: ${messages}`);
  }
}

/**
 * Asks a compiler all questions about all samples. Nothing is run: the answers
 * are in the data of an object file.
 *
 * @param directory The folder where files may be written.
 */
export async function ask(
  compiler: Compiler,
  samples: Sample[],
  directory: string,
): Promise<string[][]> {
  const output = `${directory}/${crypto.randomUUID()}.o`;
  const source = samples.map((sample, index) => dataOf(sample, `d${index}`));
  await compile(compiler, [PREAMBLE, ...source].join("\n"), output, ["-c"]);
  const object = new ObjectFile(await Deno.readFile(output));
  return samples.map(({ declaration }, index) =>
    answersIn(object, questionsOf(declaration), `d${index}`)
  );
}

/** Static data that answers the questions about a sample. */
function dataOf({ declaration, value }: Sample, prefix: string): string {
  const questions = questionsOf(declaration);
  const numbers = questions.map((question) => numberOf(question, prefix));
  const objects = questions.flatMap((question, index) => {
    const type = nameOf(question.of, prefix);
    switch (question.about) {
      case "bits": {
        const { name, type: bits } = question.field;
        const ones = allOnes(bits.base, bits.width);
        const set = initialiser(question.of, { [name]: ones });
        return [`${type} ${prefix}_object${index} = ${set};`];
      }
      case "value": {
        const set = initialiser(declaration, withoutTails(declaration, value));
        return [`${type} ${prefix}_object${index} = ${set};`];
      }
      default:
        return [];
    }
  });
  return [
    definitionsOf(declaration, prefix),
    `unsigned long ${prefix}_numbers[] = { ${numbers.join(", ")} };`,
    ...objects,
  ].join("\n");
}

function numberOf(question: Question, prefix: string): string {
  const type = nameOf(question.of, prefix);
  switch (question.about) {
    case "size":
      return `sizeof(${type})`;
    case "align":
      return `_Alignof(${type})`;
    case "offset":
      return `__builtin_offsetof(${type}, ${
        pathTo(question.of, question.field)
      })`;
    default:
      return "0";
  }
}

function answersIn(
  object: ObjectFile,
  questions: Question[],
  prefix: string,
): string[] {
  const table = object.bytesOf(`${prefix}_numbers`);
  const numbers = new BigUint64Array(table.slice().buffer);
  return questions.map((question, index) => {
    switch (question.about) {
      case "bits":
        return extentOfOnes(object.bytesOf(`${prefix}_object${index}`));
      case "value":
        return toHex(object.bytesOf(`${prefix}_object${index}`));
      default:
        return String(numbers[index]!);
    }
  });
}

/** A sample as a program is given it. */
export interface Exchange extends Sample {
  /** Bytes around and under the value. */
  noise: Uint8Array<ArrayBuffer>;
  /** The same with the value stored among them. */
  written: Uint8Array<ArrayBuffer>;
}

/** The results of a program for a sample. */
export interface Exchanged {
  /** The paths where it did not find the value. */
  wrong: string[];
  /** The noise with the value stored by C. */
  written: Uint8Array<ArrayBuffer>;
}

/**
 * Lets a C program read what was stored, and store the same by itself.
 *
 * @param directory The folder where files may be written.
 */
export async function exchange(
  compiler: Compiler,
  samples: Exchange[],
  directory: string,
): Promise<Exchanged[]> {
  const output = `${directory}/${crypto.randomUUID()}`;
  await compile(compiler, programOf(samples), output, []);
  const input = `${output}.in`;
  const parts = samples.flatMap(({ written, noise }) => [written, noise]);
  await Deno.writeFile(input, new Uint8Array(await new Blob(parts).bytes()));
  const result = await new Deno.Command(output, {
    args: [input, `${output}.out`],
    stdin: "null",
  }).output();
  if (!result.success) {
    throw new Error(
      `${output} failed: ${new TextDecoder().decode(result.stderr)}`,
    );
  }
  const wrong = samples.map((): string[] => []);
  const lines = new TextDecoder().decode(result.stdout).split("\n");
  for (const line of lines.filter((line) => line !== "")) {
    const [index, path] = line.split(" ");
    wrong[Number(index)]!.push(path!);
  }
  const bytes = await Deno.readFile(`${output}.out`);
  let end = 0;
  return samples.map(({ noise }, index) => ({
    wrong: wrong[index]!,
    written: bytes.slice(end, end += noise.length),
  }));
}

function programOf(samples: Exchange[]): string {
  const functions = samples.map(({ declaration, value, noise }, index) => {
    const prefix = `d${index}`;
    const leaves = leavesOf(declaration, value);
    return [
      definitionsOf(declaration, prefix),
      `static void ${prefix}(void) {`,
      `  ${nameOf(declaration, prefix)} *p = (void *) memory;`,
      `  fread(memory, 1, ${noise.length}, input);`,
      ...leaves.map((leaf) =>
        `  if (!(${comparison(leaf)})) puts("${index} ${leaf.path}");`
      ),
      `  fread(memory, 1, ${noise.length}, input);`,
      ...leaves.map((leaf) => `  ${assignment(leaf)}`),
      `  fwrite(memory, 1, ${noise.length}, output);`,
      "}",
    ].join("\n");
  });
  const most = Math.max(...samples.map(({ noise }) => noise.length));
  return [
    "#include <stdio.h>",
    PREAMBLE,
    `static _Alignas(64) unsigned char memory[${most}];`,
    "static FILE *input, *output;",
    ...functions,
    "int main(int count, char **arguments) {",
    '  input = fopen(arguments[1], "rb");',
    '  output = fopen(arguments[2], "wb");',
    ...samples.map((_, index) => `  d${index}();`),
    "  return fclose(output);",
    "}",
    "",
  ].join("\n");
}
