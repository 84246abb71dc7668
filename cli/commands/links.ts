/** `hostmem links`: all links of the system. */

import { BpfLink, interfaceName, type LinkInfo } from "../../bpf/mod.ts";
import type { Command } from "../command.ts";
import { cgroupPath, type Whereabouts } from "../kernel_objects.ts";
import { printable } from "../output.ts";
import {
  collect,
  LIST,
  type ListColumn,
  showList,
  unlessEmpty,
} from "./listing.ts";

/** A target, with the names that `bpftool -j link show` has. */
function targetFields({ target }: LinkInfo): Record<string, unknown> {
  switch (target?.kind) {
    case "raw_tracepoint":
      return { tp_name: target.name };
    case "tracing":
      return {
        attach_type: target.attachType,
        target_obj_id: target.objectId,
        target_btf_id: target.btfId,
      };
    case "cgroup":
      return {
        cgroup_id: target.cgroupId,
        attach_type: target.attachType,
        cgroup: cgroupPath(target.cgroupId),
      };
    case "iterator":
      return {
        target_name: target.name,
        map_id: target.mapId === 0 ? undefined : target.mapId,
      };
    case "netns":
      return { netns_ino: target.inode, attach_type: target.attachType };
    case "xdp":
    case "tcx":
    case "netkit":
      return {
        devname: interfaceName(target.interfaceIndex) ?? "(unknown)",
        ifindex: target.interfaceIndex,
        attach_type: target.attachType,
      };
    case "netfilter":
      return {
        pf: target.family,
        hook: target.hook,
        prio: target.priority,
      };
    case "uprobe":
    case "uretprobe":
      return {
        retprobe: target.kind === "uretprobe",
        file: target.name,
        offset: target.offset,
      };
    case "kprobe":
    case "kretprobe":
      return {
        retprobe: target.kind === "kretprobe",
        func: target.name,
        offset: target.offset,
      };
    case "kprobe_multi":
      return { retprobe: target.return, func_cnt: target.count };
    case "uprobe_multi":
      return {
        retprobe: target.return,
        path: target.path,
        func_cnt: target.count,
        pid: target.pid,
      };
    case "struct_ops":
      return { map_id: target.mapId };
    case "sockmap":
      return { map_id: target.mapId, attach_type: target.attachType };
    case "tracepoint":
      return { tracepoint: target.name };
    case "perf_event":
      return { event_type: target.type, event_config: target.config };
    default:
      return {};
  }
}

/** A link, with the names that `bpftool -j link show` has. */
function describe(link: BpfLink, whereabouts: Whereabouts) {
  const { info } = link;
  return {
    id: info.id,
    type: info.type ?? `type ${info.typeNumber}`,
    prog_id: info.programId,
    ...targetFields(info),
    ...unlessEmpty("pinned", whereabouts.pins("link", info.id)),
    ...unlessEmpty("pids", whereabouts.holders("link", info.id)),
    target: info.target,
  };
}

/** The target of a link, in a few words. */
function targetCell({ target }: { target: LinkInfo["target"] }): string {
  if (target === undefined) return "";
  switch (target.kind) {
    case "raw_tracepoint":
    case "tracepoint":
      return printable(target.name);
    case "iterator":
      return printable(target.name) +
        (target.mapId === 0 ? "" : ` of map ${target.mapId}`);
    case "tracing":
      return `function ${target.btfId} of object ${target.objectId}`;
    case "cgroup":
      return printable(
        cgroupPath(target.cgroupId) ?? `cgroup ${target.cgroupId}`,
      );
    case "netns":
      return `network namespace ${target.inode}`;
    case "tc":
    case "xdp":
    case "tcx":
    case "netkit":
      return printable(
        interfaceName(target.interfaceIndex) ??
          `interface ${target.interfaceIndex}`,
      );
    case "netfilter":
      return `family ${target.family}, hook ${target.hook}, priority ${target.priority}`;
    case "kprobe_multi":
      return `${target.count} functions`;
    case "uprobe_multi":
      return printable(`${target.path} (${target.count} functions)`);
    case "socket_filter":
    case "reuseport":
      return "a socket";
    case "sockmap":
    case "struct_ops":
      return `map ${target.mapId}`;
    case "perf_event":
      return `event ${target.type}:${target.config}`;
    default:
      return `${printable(target.name)}+0x${target.offset.toString(16)}`;
  }
}

/** The columns of the table. */
const columns: readonly ListColumn<ReturnType<typeof describe>>[] = [
  ["id", ({ id }) => `${id}`],
  ["type", ({ type }) => type],
  ["program", (link) => `${link.prog_id}`],
  ["attached to", targetCell],
  [
    "how",
    ({ target }) =>
      target !== undefined && "attachType" in target
        ? target.attachType ?? ""
        : target?.kind ?? "",
  ],
];

/** The command. */
export const links: Command = {
  name: "links",
  ...LIST,
  summary: "List all BPF links of the system, and what they attach to",
  details: "This needs CAP_SYS_ADMIN: run it as root.\n" +
    "Programs that are attached without a link, such as by tc(8), are not listed.",
  examples: ["links", "links --json"],
  run(given, output) {
    const all = collect(
      BpfLink.ids(),
      (id) => BpfLink.fromId(id),
      describe,
    );
    if (given.is("json")) {
      return output.json(all.map(({ target: _, ...fields }) => fields));
    }
    showList(all, columns, output, "links");
  },
};
