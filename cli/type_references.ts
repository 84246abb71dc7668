/** Types that somebody wrote, named on a command line. */

import { pathToFileURL } from "node:url";
import { UsageError } from "./command.ts";

/** A type that somebody wrote. */
export interface Referred {
  /** The name that it is exported by. */
  readonly name: string;
  /** What is exported. */
  readonly value: unknown;
}

/**
 * What `file.ts#Export` refers to.
 *
 * @param what What error messages call the argument.
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
  const module: Record<string, unknown> = await import(
    pathToFileURL(file).href
  );
  if (!Object.hasOwn(module, name)) {
    throw new RangeError(
      `${file} has no export ${name}: it has ${
        Object.keys(module).join(", ") || "none"
      }`,
    );
  }
  return { name, value: module[name] };
}
