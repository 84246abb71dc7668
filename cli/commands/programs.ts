/** `hostmem programs`: all programs of the system. */

import { BpfProgram, BtfError } from "../../bpf/mod.ts";
import type { Command } from "../command.ts";
import {
  descriptorFields,
  readText,
  type Whereabouts,
} from "../kernel_objects.ts";
import { printable } from "../output.ts";
import {
  collect,
  LIST,
  type ListColumn,
  showList,
  unlessEmpty,
} from "./listing.ts";

/** The time at which the system was started, in seconds since 1970. */
function bootTime(): number {
  const [, seconds] = /^btime (\d+)$/m.exec(readText("/proc/stat") ?? "") ?? [];
  return Number(seconds ?? NaN);
}

/** The bytes that the kernel keeps of a name. */
const NAME_MAX = 15;

/** A program's name, of which the kernel keeps a part and its BTF the whole. */
function nameOf(program: BpfProgram): string {
  const { name, btfId } = program.info;
  const mayBeCut = new TextEncoder().encode(name).length === NAME_MAX;
  if (!mayBeCut || btfId === 0) return name;
  try {
    return program.code().functions[0]?.name ?? name;
  } catch (error) {
    // A kind of type that is younger than this package.
    if (error instanceof BtfError) return name;
    throw error;
  }
}

/** A program, with the names that `bpftool -j prog show` has. */
function describe(
  program: BpfProgram,
  whereabouts: Whereabouts,
  boot: number,
) {
  const { info } = program;
  const memlock = descriptorFields(program.fd).get("memlock");
  const ran = info.runCount > 0n || info.runTime > 0n;
  return {
    id: info.id,
    type: info.type ?? `type ${info.typeNumber}`,
    ...info.name === "" ? {} : { name: nameOf(program) },
    tag: info.tag,
    gpl_compatible: info.gplCompatible,
    ...ran ? { run_time_ns: info.runTime, run_cnt: info.runCount } : {},
    ...info.recursionMisses > 0n
      ? { recursion_misses: info.recursionMisses }
      : {},
    loaded_at: boot + Math.floor(Number(info.loadTime / 1_000_000_000n)),
    uid: info.createdByUid,
    bytes_xlated: info.translatedSize,
    jited: info.jitedSize > 0,
    ...info.jitedSize > 0 ? { bytes_jited: info.jitedSize } : {},
    bytes_memlock: memlock === undefined ? undefined : Number(memlock),
    ...unlessEmpty("map_ids", info.mapIds),
    btf_id: info.btfId === 0 ? undefined : info.btfId,
    ...unlessEmpty("pinned", whereabouts.pins("program", info.id)),
    ...unlessEmpty("pids", whereabouts.holders("program", info.id)),
  };
}

/** A time of this day as the hour, another as the date: in ISO 8601, local. */
function timeCell(seconds: number): string {
  if (Number.isNaN(seconds)) return "";
  // Sweden writes dates as ISO 8601 does.
  const local = (milliseconds: number) =>
    new Date(milliseconds).toLocaleString("sv-SE").split(" ");
  const [date, time] = local(seconds * 1000);
  return (date === local(Date.now())[0] ? time : date)!;
}

/** The columns of the table. */
const columns: readonly ListColumn<ReturnType<typeof describe>>[] = [
  ["id", ({ id }) => `${id}`],
  ["type", ({ type }) => type],
  ["name", ({ name = "" }) => printable(name)],
  ["loaded", (program) => timeCell(program.loaded_at)],
  ["uid", ({ uid }) => `${uid}`],
  ["size", (program) => `${program.bytes_xlated} B`],
  ["maps", (program) => (program.map_ids ?? []).join(",")],
  ["runs", ({ run_cnt: runs }) => runs === undefined ? "" : `${runs}`],
];

/** The command. */
export const programs: Command = {
  name: "programs",
  ...LIST,
  summary: "List all BPF programs of the system",
  details: "This needs CAP_SYS_ADMIN: run it as root.\n" +
    "The kernel counts runs and their time while kernel.bpf_stats_enabled is 1.",
  examples: ["programs", "programs --json"],
  run(given, output) {
    const boot = bootTime();
    const all = collect(
      BpfProgram.ids(),
      (id) => BpfProgram.fromId(id),
      (program, whereabouts) => describe(program, whereabouts, boot),
    );
    if (given.is("json")) return output.json(all);
    showList(all, columns, output, "programs");
  },
};
