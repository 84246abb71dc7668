/** The error for an object that could not be loaded, with the likely reason. */

import { SystemError, VerifierError } from "../../errors.ts";
import { libbpfErrorInit } from "../libbpf/errors.ts";
import { EACCES, EINVAL, ENOTSUPP, EPERM, ESRCH } from "../../ffi/mod.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { NativeObject } from "../libbpf/object.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { mistakeIn } from "../map/mistakes.ts";
import { programTypeName } from "../program/type.ts";
import { capabilitiesOf, lacks, privilegesOf } from "../privileges.ts";
import { sectionAdvice } from "./later_sections.ts";

/**
 * The error of loading an object.
 *
 * @param object The object that could not be loaded.
 * @param logLevel The detail of the kernel's log that was asked for.
 * @param errno The positive error number.
 * @param warnings The warnings of libbpf.
 */
export function loadError(
  object: NativeObject,
  logLevel: number,
  errno: number,
  warnings: string,
): SystemError {
  const program = refused(object.programs, logLevel, warnings);
  const hint = loadHint(errno, object, program, warnings);
  if (program === undefined) {
    return new SystemError(libbpfErrorInit(errno, "bpf_object__load", hint));
  }
  const { name } = program;
  // Statistics alone are the log of a program that nobody looked at.
  const log = reasonIn(program.log) === "" ? "" : program.log;
  const call = `bpf(BPF_PROG_LOAD, ${JSON.stringify(name)})`;
  const init = libbpfErrorInit(errno, call, hint);
  return log === ""
    ? new SystemError(init)
    : new VerifierError({ ...init, program: name, log });
}

/**
 * The program that the kernel refused: programs are loaded one after the other,
 * and that one ended it. It is the last that has a log, unless it was refused
 * before there was one.
 */
function refused(
  programs: readonly NativeProgram[],
  logLevel: number,
  warnings: string,
): NativeProgram | undefined {
  const named = /prog '([^']*)': BPF program load failed/.exec(warnings)?.[1];
  const logged = programs.findLast(({ log }) => log !== "");
  const found = programs.find(({ name }) => name === named);
  // Without libbpf's word, logs of programs that were taken tell nothing.
  return found ?? (logLevel === 0 ? logged : undefined);
}

/**
 * Suggests what is likely to help.
 *
 * @param program The one that the kernel refused; undefined if it was not asked.
 */
function loadHint(
  errno: number,
  { programs, maps }: NativeObject,
  program: NativeProgram | undefined,
  warnings: string,
): string {
  const reason = program === undefined ? "" : reasonIn(program.log);
  const map = errno === EINVAL ? refusedMap(maps, warnings) : undefined;
  const advice = map === undefined
    ? adviceFor(errno, programs, program, reason, warnings)
    : mapAdvice(map);
  const { types, rest } = refusedTypes(warnings);
  const parts = reason === "" ? [advice, types, rest] : [reason, advice, types];
  return parts.filter((part) => part !== "")
    .join(reason === "" ? "; " : "\n");
}

/** Warnings about the object's BTF, as {@linkcode warningsIn} puts them together. */
const BTF_LOG =
  /BTF loading error: [^;]*; -- BEGIN BTF LOAD LOG ---\n(?<log>[^]*?)(?<end>-- END BTF LOAD LOG --; |; (?=Error loading))/;
const BTF_IGNORED =
  /Error loading \.BTF into kernel: [^;]*?(\. BTF is (optional, ignoring|mandatory, can't proceed)\.|; |$)(; )?/;

/** A line about a type, or a member, that the kernel says nothing else of. */
const BTF_LISTED =
  /^(\t\S*|\[\d+\] [A-Z_0-9]+ \S+)( \S+=[^(\s]\S*| args=\(.*\))*$/;

/**
 * The reason for which the kernel refused the object's BTF, and the other
 * warnings. Libbpf goes on without BTF; what then fails does not tell the cause.
 * The kernel's log is a line or more for each type up to the one refused.
 */
function refusedTypes(
  warnings: string,
): { readonly types: string; readonly rest: string } {
  if (!BTF_IGNORED.test(warnings)) return { types: "", rest: warnings };
  const rest = warnings.replace(BTF_LOG, "").replace(BTF_IGNORED, "");
  const { log = "", end = "" } = BTF_LOG.exec(warnings)?.groups ?? {};
  const last = log.trimEnd().split("\n").at(-1)!;
  const why = !end.startsWith("--")
    ? "its log is too long to tell why"
    : BTF_LISTED.test(last)
    ? "it does not say why; in a struct with a bpf_spin_lock, a bpf_timer or the like, each bit-field must begin at a byte"
    : last.trim();
  return {
    types: `the kernel refused the object's BTF, and with it all types: ${why}`,
    rest,
  };
}

/** The map that the kernel refused, by what libbpf says; undefined for none. */
function refusedMap(
  maps: readonly NativeMap[],
  warnings: string,
): NativeMap | undefined {
  // "map 'counts': failed to create: Invalid argument(-22)"
  const name = /map '([^']*)': failed to create:/.exec(warnings)?.[1];
  return maps.find((map) => map.name === name);
}

function mapAdvice(map: NativeMap): string {
  const mistake = mistakeIn(map, { types: true, innerMap: true });
  return mistake === undefined ? "" : `map "${map.name}": ${mistake}`;
}

function adviceFor(
  errno: number,
  programs: readonly NativeProgram[],
  program: NativeProgram | undefined,
  reason: string,
  warnings: string,
): string {
  if (program !== undefined && reason !== "") {
    return errno === EACCES || errno === EPERM
      ? pointerAdvice(program.log)
      : "";
  }
  if (errno === EPERM || errno === EACCES) {
    return privilegeAdvice(program === undefined ? programs : [program]);
  }
  if (
    errno === ENOTSUPP && programTypeName(program?.type ?? 0) === "struct_ops"
  ) {
    return `a program of struct_ops must be a member of a struct in section ".struct_ops": ${
      program!.name
    } may be in none`;
  }
  const wanted = programs.filter(({ autoload }) => autoload);
  const unknown = wanted.find(({ type }) => type === 0);
  if (errno === EINVAL && unknown !== undefined) {
    return sectionAdvice(unknown.sectionName);
  }
  if (errno === EINVAL) return untargetedAdvice(wanted, warnings);
  if (errno === ESRCH) return targetAdvice(wanted, warnings);
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
  if (!needed.some(lacks)) {
    return "this process has the capabilities that loading takes: the kernel is locked down, a container's seccomp profile forbids bpf(2), a security module does, or this is a user namespace";
  }
  return `loading ${
    programs.length === 0 ? "BPF objects" : "these programs"
  } needs ${privilegesOf(types)}`;
}

/** libbpf looks for what tracing programs are attached to in the kernel's BTF. */
function targetAdvice(
  programs: readonly NativeProgram[],
  warnings: string,
): string {
  // "prog 'traced': failed to find kernel BTF type ID of 'sched_swich': -3"
  const name = /prog '([^']*)': failed to find kernel BTF type ID/
    .exec(warnings)?.[1];
  const program = programs.find((program) => program.name === name);
  return program === undefined
    ? ""
    : `the kernel's BTF does not have what section "${program.sectionName}" names: a tracepoint, a function or a kind of iterator`;
}

/** Some programs must be told what they are for before they are loaded. */
function untargetedAdvice(
  programs: readonly NativeProgram[],
  warnings: string,
): string {
  // "prog 'traced': no BTF-based attach target is specified, use …"
  const name =
    /prog '([^']*)': (?:no BTF-based attach target|attach program FD)/
      .exec(warnings)?.[1];
  const program = programs.find((program) => program.name === name);
  if (program === undefined) return "";
  const { sectionName } = program;
  const pass = (target: string) =>
    `pass programs: { ${
      JSON.stringify(program.name)
    }: { attachTo: ${target} } }`;
  return sectionName.startsWith("freplace")
    ? `section "${sectionName}" does not say of which program it replaces a function: ${
      pass("{ program }")
    }`
    : `section "${sectionName}" names no target: write SEC("${sectionName}/…"), or ${
      pass(`{ function: "…" }`)
    }`;
}

/** Lines of a verifier's log that tell how it came there, and not why it ended. */
const TRACE =
  /^(\d+: |R\d+(_\w+)?=|\(|;|from \d+ to|frame\d+: |func#|Func#|mark_precise|last_idx|parent |regs=|propagating|Live regs|Validating|processed \d+ insns|verification time|stack depth|max_states|insns |(cur|old) state:|\s)/;

/**
 * The reason for which the verifier refused a program, and the line of C that
 * it was at; empty where it did not look at the program, and its log has
 * statistics alone.
 */
function reasonIn(log: string): string {
  const lines = log.trimEnd().split("\n");
  const at = lines.findLastIndex((line) => line !== "" && !TRACE.test(line));
  const last = lines.findLastIndex((line) => /^\d+: /.test(line));
  if (at < 0 && last < 0) return "";
  const source = lines.slice(0, at < 0 ? last : at)
    .findLast((line) => /^; \S/.test(line) && !line.startsWith("; @"));
  const reason = lines[at < 0 ? last : at]!;
  return source === undefined ? reason : `${reason}\n${source}`;
}
