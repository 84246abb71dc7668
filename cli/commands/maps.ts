/** `hostmem maps`: all maps of the system. */

import { BpfMap } from "../../bpf/mod.ts";
import type { Command } from "../command.ts";
import { descriptorFields, type Whereabouts } from "../kernel_objects.ts";
import { printable } from "../output.ts";
import {
  collect,
  LIST,
  type ListColumn,
  showList,
  unlessEmpty,
} from "./listing.ts";

/** A map, with the names that `bpftool -j map show` has. */
function describe(map: BpfMap, whereabouts: Whereabouts) {
  const { info } = map;
  const fields = descriptorFields(map.fd);
  const number = (name: string) => {
    const text = fields.get(name);
    return text === undefined ? undefined : Number(text);
  };
  return {
    id: info.id,
    type: info.type ?? `type ${info.typeNumber}`,
    ...info.name === "" ? {} : { name: info.name },
    flags: info.flagBits,
    bytes_key: info.keySize,
    bytes_value: info.valueSize,
    max_entries: info.maxEntries,
    bytes_memlock: number("memlock"),
    frozen: number("frozen"),
    btf_id: info.btfId === 0 ? undefined : info.btfId,
    ...unlessEmpty("pinned", whereabouts.pins("map", info.id)),
    ...unlessEmpty("pids", whereabouts.holders("map", info.id)),
  };
}

/** The columns of the table. */
const columns: readonly ListColumn<ReturnType<typeof describe>>[] = [
  ["id", ({ id }) => `${id}`],
  ["type", ({ type }) => type],
  ["name", ({ name = "" }) => printable(name)],
  ["key", (map) => `${map.bytes_key} B`],
  ["value", (map) => `${map.bytes_value} B`],
  ["entries", (map) => `${map.max_entries}`],
  [
    "memory",
    ({ bytes_memlock: bytes }) => bytes === undefined ? "" : `${bytes} B`,
  ],
];

/** The command. */
export const maps: Command = {
  name: "maps",
  ...LIST,
  summary: "List all BPF maps of the system",
  details: "This needs CAP_SYS_ADMIN: run it as root.",
  examples: ["maps", "maps --json | jq '.[] | select(.frozen == 1)'"],
  run(given, output) {
    const all = collect(
      BpfMap.ids(),
      (id) => BpfMap.fromId(id, { readOnly: true }),
      describe,
    );
    if (given.is("json")) return output.json(all);
    showList(all, columns, output, "maps");
  },
};
