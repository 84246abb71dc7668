/** What a program that loads an object may set of its programs. */

import { requireFlag, requireOptions } from "../../base/arguments.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { nothingNamed } from "../named.ts";
import type { LoadProgramOptions } from "./load_options.ts";

/** The settings of one program, checked. */
export interface ProgramSettings {
  readonly name: string;
  readonly load: boolean | undefined;
}

/** Reads each option once. @throws {TypeError} */
export function readProgramSettings(options: unknown): ProgramSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadProgramOptions>)
    .map(([name, own]) => {
      requireOptions(own);
      const { load } = own;
      return {
        name,
        load: load === undefined ? undefined : requireFlag("load", load),
      };
    });
}

/** Sets what was asked for. @throws {RangeError} if there is no such program. */
export function applyProgramSettings(
  programs: readonly NativeProgram[],
  settings: readonly ProgramSettings[],
): void {
  for (const { name, load } of settings) {
    const program = programs.find((program) => program.name === name);
    if (program === undefined) {
      throw nothingNamed(
        programs.map(({ name }) => name),
        name,
        "program",
      );
    }
    if (load !== undefined) program.autoload = load;
  }
}
