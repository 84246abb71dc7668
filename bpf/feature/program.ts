/** Asks the kernel about types of programs, and what they may call. */

import { NotSupportedError } from "../../errors.ts";
import { EOPNOTSUPP } from "../../ffi/constants.ts";
import { libbpfProbes } from "../libbpf/probe_functions.ts";
import { type ProgramType, programTypeNumber } from "../program/type.ts";
import { helperNumber } from "./helper.ts";
import { loadProgram } from "./load_program.ts";

/**
 * Tests whether programs of a type can be loaded. libbpf knows what each takes,
 * of types as old as itself: of others it says that it does not.
 */
export function canLoad(type: ProgramType): boolean {
  const { libbpf_probe_bpf_prog_type: probe } = libbpfProbes();
  const answer = probe(programTypeNumber(type), 0n);
  if (answer !== -EOPNOTSUPP) return answer === 1;
  using loaded = loadProgram({ type });
  return loaded.result >= 0;
}

/** The verifier's messages about a helper that the kernel or program lacks. */
const REFUSALS = [
  "invalid func ",
  "unknown func ",
  "program of this type cannot use helper ", // Linux 6.14
];

/**
 * Tests whether programs of a type may call a helper. `libbpf_probe_bpf_helper`
 * is of no use here: before its version 1.6 it takes what newer kernels say for
 * a yes.
 *
 * @throws {NotSupportedError} if that depends on what a program is loaded for.
 */
export function canCall(type: ProgramType, helper: unknown): boolean {
  const number = helperNumber(helper);
  switch (type) {
    case "tracing":
    case "ext":
    case "lsm":
    case "struct_ops":
      throw new NotSupportedError(
        `Which helpers a program of type ${type} may call depends on what it is loaded for: ask by loading it`,
      );
  }
  using loaded = loadProgram({ type, helper: number });
  if (loaded.result >= 0) return true;
  // Without a log the program was not looked at: there is no such type.
  return loaded.log !== "" &&
    !REFUSALS.some((refusal) => loaded.log.includes(refusal));
}
