/** `hostmem header`: types in other languages. */

import type { Type } from "../../layout/mod.ts";
import { cHeader, pythonModule, rustModule } from "../../sync/mod.ts";
import { type Command, UsageError } from "../command.ts";
import { writeSource } from "../format.ts";
import { exported } from "../type_references.ts";

/** The function that writes each language. */
const LANGUAGES: Readonly<
  Record<string, (types: Readonly<Record<string, Type>>) => string>
> = { c: cHeader, python: pythonModule, rust: rustModule };

/** The command. */
export const header: Command = {
  name: "header",
  parameters: "<file.ts#Export…>",
  summary: "Write types for a program in C, Python or Rust that shares memory",
  details:
    "The types are exports of TypeScript files, which are run. A type that you name\n" +
    "gets the name of its export; a type within it gets the name of its struct. Name\n" +
    "a ring that is a field, too, to give its functions that name. A header for C has\n" +
    "the declarations, a _Static_assert for every size and offset, and static inline\n" +
    "functions for rings, seqlocks, and waiting by futex(2). A Python module has\n" +
    "classes of ctypes, and a numpy dtype for each; a Rust module has #[repr(C)]\n" +
    "structs; both assert every size and offset, and have no functions for rings.",
  examples: [
    "header types.ts#Quotes -o quotes.h",
    "header types.ts#Quote --language python -o quotes.py",
  ],
  options: {
    language: {
      type: "string",
      value: "name",
      help: `The language, ${
        Object.keys(LANGUAGES).join(" or ")
      }; c by default`,
    },
    output: {
      type: "string",
      short: "o",
      value: "file",
      help: "Write to this file, not to standard output",
    },
  },
  count: [1, Infinity],
  async run(given, output) {
    const language = given.value("language") ?? "c";
    if (!Object.hasOwn(LANGUAGES, language)) {
      throw new UsageError(
        `--language takes ${Object.keys(LANGUAGES).join(" or ")}: received ${
          JSON.stringify(language)
        }`,
      );
    }
    const types: Record<string, Type> = {};
    for (const reference of given.names) {
      const { name, value } = await exported("header", reference);
      if (Object.hasOwn(types, name) && types[name] !== value) {
        throw new UsageError(
          `There are two different exports ${name}: the types of one header must have different names`,
        );
      }
      types[name] = value as Type;
    }
    writeSource(LANGUAGES[language]!(types), given.value("output"), output);
  },
};
