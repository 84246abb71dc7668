/** The code that pointers run. */

import {
  type OptionNames,
  requireFlag,
  requireOptions,
} from "../base/arguments.ts";
import { canCompile } from "../base/specialise.ts";
import { classTextOf } from "./access/classes.ts";
import { READABLE, WRITABLE } from "./access/plan.ts";
import { checkType } from "./model/check_type.ts";
import type { AnyType } from "./model/types.ts";
import type { Type } from "./static.ts";

/** The options of {@linkcode codeOf}. */
export interface CodeOptions {
  /** True for the type's views, not its pointers. By default false. */
  readonly readOnly?: boolean;
}

const CODE_OPTIONS: OptionNames<CodeOptions> = { readOnly: true };

/**
 * The JavaScript that the pointers to a type run, which is made for the type:
 * for bug reports, and to see whether code is specialised here. Do not rely on
 * its text; it differs from version to version.
 *
 * @param type The type that the pointers point to.
 * @param options Pointers or views.
 * @returns The text; undefined where the runtime forbids to compile text
 * (`--disallow-code-generation-from-strings`): pointers are slower there.
 * @throws {InvalidTypeError} if the type cannot be pointed to.
 * @throws {TypeError} if an option is not known, or not a boolean.
 *
 * @example
 * ```ts
 * import { codeOf, u32 } from "@hostmem/hostmem/layout";
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch(codeOf(u32)!, /get \["value"\]/);
 * ```
 */
export function codeOf(
  type: Type,
  options: CodeOptions = {},
): string | undefined {
  checkType(type);
  requireOptions(options, CODE_OPTIONS);
  const readOnly = requireFlag("readOnly", options.readOnly);
  if (!canCompile) return undefined;
  return classTextOf(type as AnyType, readOnly ? READABLE : WRITABLE);
}
