/** A command of the command line, and how its arguments are read. */

import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Output } from "./output.ts";

/** An option, as `parseArgs` of `node:util` has it, and its help. */
export interface CommandOption {
  /** A switch, or something with a value. */
  readonly type: "boolean" | "string";
  /** A single letter that stands for it. */
  readonly short?: string;
  /** True where it may be given several times. */
  readonly multiple?: boolean;
  /** The value's name in the help, such as `file`. */
  readonly value?: string;
  /** A line of help. */
  readonly help: string;
}

/** The arguments of one call, read. */
export interface Arguments {
  /** The arguments that are not options. */
  readonly names: readonly string[];
  /** True where a switch was given. */
  is(option: string): boolean;
  /** The value of an option; undefined where it was not given. */
  value(option: string): string | undefined;
  /** All values of an option that may be given several times. */
  values(option: string): readonly string[];
}

/** A command. */
export interface Command {
  /** Its name on the command line. */
  readonly name: string;
  /** Its arguments, as the usage line shows them: `<id|path>`. */
  readonly parameters: string;
  /** A line that says what it does. */
  readonly summary: string;
  /** Further help, in lines of at most 80 columns. */
  readonly details?: string;
  /** Command lines that show it at work, without `hostmem`. */
  readonly examples: readonly string[];
  /** Its options besides `--help`. */
  readonly options: Readonly<Record<string, CommandOption>>;
  /** The fewest and the most arguments that are not options. */
  readonly count: readonly [least: number, most: number];
  /** Does it; the exit code, or nothing for 0. */
  run(
    given: Arguments,
    output: Output,
  ): number | void | Promise<number | void>;
}

/** A command line that cannot be understood; its message says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The switch that every command has. */
const HELP: CommandOption = {
  type: "boolean",
  short: "h",
  help: "Show this help",
};

/**
 * The arguments of a command.
 *
 * @throws {UsageError} if an option is not known, lacks its value, or there are
 * too few or too many arguments.
 */
export function readArguments(
  command: Command,
  args: readonly string[],
): Arguments {
  let parsed: {
    values: Record<string, unknown>;
    positionals: string[];
  };
  try {
    parsed = parseArgs({
      args: [...args],
      options: optionsOf(command) as NonNullable<ParseArgsConfig["options"]>,
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(reasonOf(error, command));
  }
  const { values, positionals } = parsed;
  const [least, most] = command.count;
  if (values.help !== true) {
    if (positionals.length < least) {
      throw new UsageError(`Arguments are missing: ${command.parameters}`);
    }
    if (positionals.length > most) {
      throw new UsageError(
        `There are too many arguments: ${positionals.slice(most).join(" ")}`,
      );
    }
  }
  return {
    names: positionals,
    is: (option) => values[option] === true,
    value: (option) => values[option] as string | undefined,
    values: (option) => values[option] as string[] | undefined ?? [],
  };
}

/** The reason why arguments were not understood. */
function reasonOf(error: TypeError, command: Command): string {
  const [, unknown] = /^Unknown option '([^']*)'/.exec(error.message) ?? [];
  if (unknown === undefined) return error.message;
  const known = Object.keys(optionsOf(command)).map((name) => `--${name}`);
  return `There is no option ${unknown}: the options are ${known.join(", ")}`;
}

/** The options of a command, `--help` included. */
function optionsOf(
  command: Command,
): Readonly<Record<string, CommandOption>> {
  return { ...command.options, help: HELP };
}

/** The help of one command, as lines. */
export function helpOf(command: Command): string[] {
  const options = Object.entries(optionsOf(command)).map(([name, option]) => {
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const value = option.type === "string"
      ? ` <${option.value ?? "value"}>`
      : "";
    return [`  ${short}--${name}${value}`, option.help] as const;
  });
  const width = Math.max(...options.map(([left]) => left.length)) + 2;
  return [
    `${command.summary}.`,
    "",
    `Usage: hostmem ${command.name}${
      command.parameters === "" ? "" : ` ${command.parameters}`
    } [options]`,
    ...command.details === undefined ? [] : ["", command.details.trim()],
    "",
    "Options:",
    ...options.map(([left, help]) => `${left.padEnd(width)}${help}`),
    "",
    command.examples.length === 1 ? "Example:" : "Examples:",
    ...command.examples.map((example) => `  hostmem ${example}`),
  ];
}
