/** `hostmem completions`: completion for shells. */

import { type Command, UsageError } from "../command.ts";

/** A command as completion knows it. */
interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, unknown>>;
}

function optionsOf({ options }: Completable): string[] {
  return [...Object.keys(options), "help"].map((name) => `--${name}`);
}

function bash(commands: readonly Completable[]): string {
  const cases = commands.map((command) =>
    `    ${command.name}) options="${optionsOf(command).join(" ")}" ;;`
  );
  return `_hostmem() {
  local options="--help --version" word=\${COMP_WORDS[COMP_CWORD]}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${
    commands.map(({ name }) => name).join(" ")
  } $options" -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _hostmem hostmem
`;
}

function fish(commands: readonly Completable[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c hostmem -n __fish_use_subcommand -a ${command.name} -d "${command.summary}"`,
    ...optionsOf(command).map((option) =>
      `complete -c hostmem -n "__fish_seen_subcommand_from ${command.name}" -l ${
        option.slice(2)
      }`
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

function zsh(commands: readonly Completable[]): string {
  return `#compdef hostmem
autoload -U bashcompinit && bashcompinit
${bash(commands)}`;
}

const SHELLS: Readonly<
  Record<string, (commands: readonly Completable[]) => string>
> = { bash, fish, zsh };

/**
 * The command.
 *
 * @param commands Every command, this one included.
 */
export function completions(commands: () => readonly Completable[]): Command {
  return {
    name: "completions",
    parameters: "<bash|zsh|fish>",
    summary: "Write a completion script for a shell",
    examples: [
      "completions bash > /etc/bash_completion.d/hostmem",
      "completions fish > ~/.config/fish/completions/hostmem.fish",
    ],
    options: {},
    count: [1, 1],
    run(given, output) {
      const write = SHELLS[given.names[0]!];
      if (write === undefined) {
        throw new UsageError(
          `There is no completion for ${
            JSON.stringify(given.names[0])
          }: the shells are ${Object.keys(SHELLS).join(", ")}`,
        );
      }
      output.write(write(commands()));
    },
  };
}
