/** `hostmem header`: types in other languages. */

import type { Type } from "../../layout/mod.ts";
import { cHeader } from "../../sync/mod.ts";
import { type Command, UsageError } from "../command.ts";
import { writeSource } from "../format.ts";
import { exported } from "../type_references.ts";

/** How each language is written. */
const LANGUAGES: Readonly<
  Record<string, (types: Readonly<Record<string, Type>>) => string>
> = { c: cHeader };

/** The command. */
export const header: Command = {
  name: "header",
  parameters: "<file.ts#Export…>",
  summary: "Write types for a program in C that shares memory with this one",
  details:
    "The types are exports of TypeScript files, which are run. The header has the\n" +
    "declarations, a _Static_assert for every size and offset, and static inline\n" +
    "functions for rings, seqlocks, and waiting by futex(2).",
  examples: ["header types.ts#Quotes -o quotes.h"],
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
      types[name] = value as Type;
    }
    writeSource(LANGUAGES[language]!(types), given.value("output"), output);
  },
};
