/** Types that somebody wrote, named on a command line. */

import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { checkType } from "../layout/mod.ts";
import { UsageError } from "./command.ts";
import { printable } from "./output.ts";

/** A type that somebody wrote. */
export interface Referred {
  /** The name that it is exported by. */
  readonly name: string;
  /** The exported value. */
  readonly value: unknown;
}

/**
 * Imports what `file.ts#Export` refers to.
 *
 * @param what The name of the argument in error messages.
 * @throws {UsageError} if it is no such reference.
 * @throws {RangeError} if the file has no such export.
 */
export async function exported(
  what: string,
  reference: string,
): Promise<Referred> {
  const [, file, name] = /^(.+)#([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u
    .exec(reference) ?? [];
  if (file === undefined || name === undefined) {
    throw new UsageError(
      `${what} takes file.ts#Export: received ${JSON.stringify(reference)}`,
    );
  }
  const module = await importFile(file);
  if (!Object.hasOwn(module, name)) {
    throw new RangeError(
      `${file} has no export ${name}: it has ${
        Object.keys(module).join(", ") || "none"
      }`,
    );
  }
  const { [name]: value } = module;
  if (isOfAnotherCopy(value)) {
    throw new TypeError(
      `${file} imports another version or copy of hostmem than this command is of: ${REMEDY}`,
    );
  }
  return { name, value };
}

/**
 * The command that goes by the configuration of the folder in which it is run,
 * and not by the one that `deno install` wrote.
 */
const REMEDY =
  "run it in the project's folder as deno run -A jsr:@hostmem/hostmem/cli";

/** The time after which a file that is still run is told of, in milliseconds. */
const PATIENCE_MS = 4000;

/** @throws {TypeError} with the reason in one line, if it cannot be imported. */
async function importFile(file: string): Promise<Record<string, unknown>> {
  const timer = setTimeout(() =>
    console.error(
      `hostmem: ${
        printable(file)
      } is still being loaded, or run: what waits at its top level, such as a server or a loop, must not be in the file of the types`,
    ), PATIENCE_MS);
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const said = stripVTControlCharacters((error as Error).message)
      .replaceAll(/\s+/g, " ").trim();
    const hint = /not a dependency|jsr\.io/.test(said)
      ? `; if the project's deno.json says what is imported, ${REMEDY}`
      : "";
    throw new TypeError(`Cannot import ${file}: ${said}${hint}`);
  } finally {
    clearTimeout(timer);
  }
}

/** True of what looks like a type, and was not made by this module. */
function isOfAnotherCopy(value: unknown): boolean {
  const { kind, size, align } = Object(value) as Record<string, unknown>;
  if (typeof kind !== "string" || typeof size !== "number") return false;
  try {
    checkType(value as never);
    return false;
  } catch (error) {
    return typeof align === "number" &&
      (error as Error).message.includes("made by this package");
  }
}
