import { libbpfAttach } from "../libbpf/attach_functions.ts";
import type { UsedProgram } from "../program/used_program.ts";
import { type AttachType, attachTypeName } from "./attach_type.ts";

/**
 * The attach type that libbpf loaded a program for; undefined for a program that
 * it did not load. The kernel does not tell it.
 */
export function loadedFor({ native }: UsedProgram): AttachType | undefined {
  if (native === undefined) return undefined;
  const { bpf_program__expected_attach_type } = libbpfAttach();
  return attachTypeName(bpf_program__expected_attach_type(native.handle));
}
