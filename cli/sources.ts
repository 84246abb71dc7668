/** The sources of types: the kernel, one of its modules, or a file. */

import { Btf } from "../btf/mod.ts";
import type { Arguments, CommandOption } from "./command.ts";

/** The option that says where the types of a module are. */
export const MODULE_OPTION: CommandOption = {
  type: "string",
  short: "m",
  value: "name",
  help: "Look in this kernel module",
};

/**
 * The types that a command is asked about.
 *
 * @param file A file of BTF, or an ELF file that has it; `vmlinux`, or nothing,
 * is the running kernel.
 */
export function btfOf(file: string | undefined, given: Arguments): Btf {
  const module = given.value("module");
  if (module !== undefined) return Btf.module(module);
  return file === undefined || file === "vmlinux"
    ? Btf.kernel()
    : Btf.open(file);
}
