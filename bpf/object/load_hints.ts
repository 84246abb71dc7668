/** Why an object could not be loaded, as far as that can be told. */

import { libbpfVersion } from "../libbpf/functions.ts";
import { EACCES, EPERM, ESRCH } from "../../ffi/mod.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { programTypeName } from "../program/type.ts";
import { capabilitiesOf, lacks, privilegesOf } from "../privileges.ts";

/** Sections of later versions of libbpf than the oldest that is supported. */
const laterSections: readonly (readonly [begin: string, version: string])[] = [
  ["netfilter", "1.2"],
  ["tcx/", "1.3"],
  ["netkit/", "1.3"],
  ["uprobe.multi", "1.3"],
  ["uretprobe.multi", "1.3"],
  ["kprobe.session", "1.5"],
];

/**
 * What is likely to help.
 *
 * @param errno The positive error number.
 * @param programs All programs of the object.
 * @param program The one that the kernel refused; undefined if it was not asked.
 * @param warnings What libbpf said.
 */
export function loadHint(
  errno: number,
  programs: readonly NativeProgram[],
  program: NativeProgram | undefined,
  warnings: string,
): string {
  const reason = program === undefined ? "" : lastLines(program.log);
  const advice = adviceFor(errno, programs, program);
  if (reason === "") {
    return [advice, warnings].filter((part) => part !== "").join("; ");
  }
  return advice === "" ? reason : `${reason}\n${advice}`;
}

function adviceFor(
  errno: number,
  programs: readonly NativeProgram[],
  program: NativeProgram | undefined,
): string {
  if (program !== undefined && program.log !== "") {
    return errno === EACCES || errno === EPERM
      ? pointerAdvice(program.log)
      : "";
  }
  if (errno === EPERM || errno === EACCES) {
    return privilegeAdvice(program === undefined ? programs : [program]);
  }
  const wanted = programs.filter(({ autoload }) => autoload);
  const unknown = wanted.find(({ type }) => type === 0);
  if (unknown !== undefined) return sectionAdvice(unknown.sectionName);
  if (errno === ESRCH) return targetAdvice(wanted);
  return "";
}

/** Without CAP_PERFMON the verifier lets nobody learn addresses of the kernel. */
function pointerAdvice(log: string): string {
  return /prohibited|leaks addr/.test(log) && lacks("CAP_PERFMON")
    ? "This process lacks CAP_PERFMON, without which the verifier refuses to calculate with pointers and to compare them"
    : "";
}

function privilegeAdvice(programs: readonly NativeProgram[]): string {
  const types = programs.map(({ type }) => programTypeName(type));
  const needed = capabilitiesOf(types);
  const [only] = programs;
  if (
    programs.length === 1 && !needed.some(lacks) &&
    /^(fentry|fexit|fmod_ret|lsm)/.test(only!.sectionName)
  ) {
    return `the kernel refuses section "${
      only!.sectionName
    }" whatever the capabilities: it has no trampolines for BPF, ${
      only!.sectionName.startsWith("lsm")
        ? "was started without the BPF LSM (lsm=…,bpf), "
        : ""
    }is locked down, or this is a user namespace`;
  }
  return `loading ${
    programs.length === 0 ? "BPF objects" : "these programs"
  } needs ${privilegesOf(types)}`;
}

function sectionAdvice(section: string): string {
  const version = libbpfVersion();
  const later = laterSections.find(([begin]) => section.startsWith(begin));
  const known = section.startsWith("tcx/")
    ? `: use SEC("tc") and attach({ kind: "tcx", … }), or libbpf ${later![1]}`
    : later === undefined
    ? `, which must be one such as "raw_tp/…", "tp/…", "tp_btf/…", "uprobe", "xdp", "tc" or "cgroup_skb/egress"`
    : `: that takes libbpf ${later[1]}`;
  return `this libbpf, ${version}, does not know the section "${section}"${known}`;
}

/** libbpf looks for what tracing programs are attached to in the kernel's BTF. */
function targetAdvice(programs: readonly NativeProgram[]): string {
  const names = programs
    .filter(({ sectionName }) =>
      /^(tp_btf|f|lsm|iter)[^/]*\//.test(sectionName)
    )
    .map(({ sectionName }) => `"${sectionName}"`);
  return names.length === 0
    ? ""
    : `the kernel's BTF does not have what ${
      names.length === 1 ? "section" : "one of the sections"
    } ${
      names.join(", ")
    } names: a tracepoint, a function or a kind of iterator`;
}

/** What a verifier's log ends with, without its statistics and registers. */
function lastLines(log: string): string {
  return log.trimEnd().split("\n")
    .filter((line) =>
      !/^(processed \d+ insns|verification time|stack depth|(cur|old) state:)/
        .test(line)
    )
    .slice(-2).join("\n");
}
