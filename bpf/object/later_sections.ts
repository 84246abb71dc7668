/** The sections that only later versions of libbpf than 1.1 know. */

import { NotSupportedError } from "../../errors.ts";
import { libbpfIsAtLeast, libbpfVersion } from "../libbpf/functions.ts";
import type { Elf } from "./file_check/elf.ts";

/** Sections of data, by their names. */
const ofData: readonly (readonly [name: string, minor: number])[] = [
  [".struct_ops.link", 2],
  [".addr_space.1", 4],
  ["?.struct_ops", 5],
  ["?.struct_ops.link", 5],
];

/** Sections of programs, by the beginnings of their names. */
const ofPrograms: readonly (readonly [begin: string, minor: number])[] = [
  ["netfilter", 2],
  ["tcx/", 3],
  ["netkit/", 3],
  ["uprobe.multi", 3],
  ["uretprobe.multi", 3],
  ["kprobe.session", 5],
  ["uprobe.session", 6],
];

/**
 * libbpf leaves sections of data out that it does not know, without a word that
 * anybody hears.
 *
 * @throws {NotSupportedError} if it does.
 */
export function requireKnownSections({ sections }: Elf): void {
  for (const [name, since] of ofData) {
    const section = sections.find((section) => section.name === name);
    if (section === undefined || section.size === 0) continue;
    if (libbpfIsAtLeast(since)) continue;
    throw new NotSupportedError(
      `This libbpf, ${libbpfVersion()}, leaves out section "${name}": that takes libbpf 1.${since}`,
    );
  }
}

/** Says what helps with a section of a program that libbpf refused. */
export function sectionAdvice(section: string): string {
  const version = libbpfVersion();
  const later = ofPrograms.find(([begin, minor]) =>
    section.startsWith(begin) && !libbpfIsAtLeast(minor)
  );
  const known = later !== undefined && section.startsWith("tcx/")
    ? `: use SEC("tc") and attach({ kind: "tcx", … }), or libbpf 1.${later[1]}`
    : section.startsWith("socket/")
    ? `: it must be SEC("socket") alone`
    : later === undefined
    ? `, which must be one such as "raw_tp/…", "tp/…", "tp_btf/…", "uprobe", "xdp", "tc", "socket" or "cgroup_skb/egress"`
    : `: that takes libbpf 1.${later[1]}`;
  return `this libbpf, ${version}, does not know the section "${section}"${known}`;
}
