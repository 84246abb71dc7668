/** The command line: which command it is, and how it ends. */

import { type Command, helpOf, readArguments, UsageError } from "./command.ts";
import { completions } from "./commands/completions.ts";
import { doctor } from "./commands/doctor.ts";
import { dump } from "./commands/dump.ts";
import { header } from "./commands/header.ts";
import { links } from "./commands/links.ts";
import { maps } from "./commands/maps.ts";
import { programs } from "./commands/programs.ts";
import { skeleton } from "./commands/skeleton.ts";
import { struct } from "./commands/struct.ts";
import { types } from "./commands/types.ts";
import { Output, printable } from "./output.ts";
import { version } from "./version.ts";

/** Every command, in the order of the help. */
const COMMANDS: readonly Command[] = [
  doctor,
  maps,
  programs,
  links,
  dump,
  struct,
  types,
  skeleton,
  header,
  completions(() => COMMANDS),
];

/** The exit codes. */
const OK = 0;
const FAILED = 1;
const MISUSED = 2;

function help(): string[] {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  return [
    "Memory that is shared with the Linux kernel, from the command line.",
    "",
    "Usage: hostmem <command> [arguments] [options]",
    "",
    "Commands:",
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "Options:",
    "  -h, --help     Show this help, or that of a command",
    "  -V, --version  Show the version",
    "",
    "Example:",
    "  hostmem doctor",
  ];
}

function commandNamed(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `There is no command ${JSON.stringify(name)}: the commands are ${
      COMMANDS.map((command) => command.name).join(", ")
    }`,
  );
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--version" || first === "-V") {
    output.lines([`hostmem ${version}`]);
    return OK;
  }
  if (first === "--help" || first === "-h" || first === "help") {
    output.lines(
      rest[0] === undefined ? help() : helpOf(commandNamed(rest[0])),
    );
    return OK;
  }
  if (first === undefined) {
    console.error(help().join("\n"));
    return MISUSED;
  }
  const command = commandNamed(first);
  const given = readArguments(command, rest);
  if (given.is("help")) {
    output.lines(helpOf(command));
    return OK;
  }
  return await command.run(given, output) ?? OK;
}

/**
 * Runs a command line, and returns the exit code: 0 if the command did what it
 * was asked for, 1 if not, 2 if the command line was not understood.
 *
 * @param args The arguments, without the program's name.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args, new Output());
  } catch (error) {
    // Whoever read the output has read enough.
    if (error instanceof Deno.errors.BrokenPipe) return OK;
    if (error instanceof UsageError) {
      const command = COMMANDS.find(({ name }) => name === args[0]);
      const help = command === undefined ? "--help" : `${command.name} --help`;
      console.error(
        `hostmem: ${printable(error.message)}\nSee: hostmem ${help}`,
      );
      return MISUSED;
    }
    console.error(`hostmem: ${printable((error as Error).message)}`);
    return FAILED;
  }
}
