/** `hostmem types`: TypeScript of types that C has. */

import { checkLayout, type LayoutCheck, typescript } from "../../btf/mod.ts";
import type { Type } from "../../layout/mod.ts";
import { type Command, UsageError } from "../command.ts";
import { formatted, writeSource } from "../format.ts";
import type { Output } from "../output.ts";
import { btfOf, MODULE_OPTION } from "../sources.ts";
import { exported } from "../type_references.ts";
import { defaultImport } from "../version.ts";

/**
 * The differences, and both layouts side by side; without these where a terminal
 * is too narrow for them.
 */
function compared(check: LayoutCheck, { columns }: Output): string[] {
  const lines = check.toString().split("\n");
  const fits = lines.every((line) => line.length <= columns);
  return fits ? lines : lines.slice(0, lines.indexOf(""));
}

/** The command. */
export const types: Command = {
  name: "types",
  parameters: "<file|vmlinux> <name…>",
  summary: "Write types that C has as TypeScript, or check those you wrote",
  details:
    "The file is BTF, or an ELF file that has it: an object of clang -target bpf -g,\n" +
    "a program of gcc -gbtf or one that pahole -J was run on. vmlinux is the running\n" +
    "kernel. With --check it writes nothing: it compares, and exits with 1 if the\n" +
    "layouts differ.",
  examples: [
    "types vmlinux task_struct -o task.ts",
    "types ./server config --check types.ts#Config",
  ],
  options: {
    output: {
      type: "string",
      short: "o",
      value: "file",
      help: "Write to this file, not to standard output",
    },
    import: {
      type: "string",
      value: "specifier",
      help: "Import hostmem by this name, not from JSR",
    },
    check: {
      type: "string",
      value: "file.ts#Export",
      help: "Compare this type with the one that is named",
    },
    module: MODULE_OPTION,
  },
  count: [1, Infinity],
  async run(given, output) {
    const [file, ...names] = given.names;
    const btf = btfOf(file, given);
    if (names.length === 0) {
      throw new UsageError("Arguments are missing: the names of types");
    }
    const reference = given.value("check");
    if (reference !== undefined) {
      if (names.length > 1) {
        throw new UsageError("--check compares with one type: name one");
      }
      const { value } = await exported("--check", reference);
      const check = checkLayout(value as Type, btf, names[0]!);
      output.lines(check.ok ? ["The layouts agree"] : compared(check, output));
      return check.ok ? 0 : 1;
    }
    const source = typescript(btf, names, {
      from: given.value("import") ?? defaultImport,
    });
    writeSource(await formatted(source), given.value("output"), output);
  },
};
