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

/** The attach types of probes of many functions; others are loaded for none. */
const OF_MANY: ReadonlySet<AttachType | undefined> = new Set<AttachType>([
  "trace_kprobe_multi",
  "trace_uprobe_multi",
  "trace_kprobe_session",
  "trace_uprobe_session",
]);

/** Tests whether a program is known to be loaded for probes of many functions. */
export function isForMany(program: UsedProgram): boolean {
  return OF_MANY.has(loadedFor(program));
}

/**
 * Says that a program was loaded for other probes than those that are wanted, or
 * may have been, where nobody knows; undefined if it was not.
 *
 * @param wanted The attach type; undefined for probes of one function.
 */
export function otherProbes(
  program: UsedProgram,
  wanted: AttachType | undefined,
): string | undefined {
  const loaded = loadedFor(program);
  if (loaded === undefined) {
    return "the program may have been loaded for another attach type";
  }
  const own = isForMany(program) ? loaded : undefined;
  return own === wanted
    ? undefined
    : `the program must be loaded for ${textOf(wanted)}: it was for ${
      textOf(own)
    }`;
}

function textOf(attachType: AttachType | undefined): string {
  return attachType === undefined
    ? "probes of one function"
    : `attach type "${attachType}"`;
}
