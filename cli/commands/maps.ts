/** `hostmem maps`: all maps of the system. */

import { BpfMap } from "../../bpf/mod.ts";
import type { Command } from "../command.ts";
import { descriptorFields, type Whereabouts } from "../kernel_objects.ts";
import { printable } from "../output.ts";
import {
  collect,
  holdersCell,
  LIST_OPTIONS,
  pathsCell,
  showTable,
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

/** The command. */
export const maps: Command = {
  name: "maps",
  parameters: "",
  summary: "List all BPF maps of the system",
  details: "It takes CAP_SYS_ADMIN: run it as root.",
  examples: ["maps", "maps --json | jq '.[] | select(.frozen == 1)'"],
  options: LIST_OPTIONS,
  count: [0, 0],
  run(given, output) {
    const all = collect(
      BpfMap.ids(),
      (id) => BpfMap.fromId(id, { readOnly: true }),
      describe,
    );
    if (given.is("json")) return output.json(all);
    showTable(
      {
        titles: [
          "id",
          "type",
          "name",
          "key",
          "value",
          "entries",
          "memory",
          "pinned",
          "held by",
        ],
        rows: all.map((map) => [
          `${map.id}`,
          map.type,
          printable(map.name ?? ""),
          `${map.bytes_key} B`,
          `${map.bytes_value} B`,
          `${map.max_entries}`,
          map.bytes_memlock === undefined ? "" : `${map.bytes_memlock} B`,
          pathsCell(map.pinned ?? []),
          holdersCell(map.pids ?? []),
        ]),
      },
      output,
      "maps",
    );
  },
};
