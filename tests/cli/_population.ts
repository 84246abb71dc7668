/**
 * Populates the system with maps, programs and links, and tells what hostmem and
 * bpftool(8) say of them: as JSON `{ ids, hostmem, bpftool }` for each kind.
 *
 *     deno run -A _population.ts <bpffs> <cgroup> <attach.bpf.o> <others.bpf.o…>
 */

import {
  type BpfLink,
  BpfMap,
  BpfObject,
  type BpfProgram,
  type MapType,
} from "../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../mod.ts";
import { jsonOf } from "./_hostmem.ts";

const [pins, group, objectPath, ...others] = Deno.args as [
  string,
  string,
  string,
  ...string[],
];
using held = new DisposableStack();

/** Does what some kernels refuse. */
function attempt<T extends Disposable>(make: () => T): T[] {
  try {
    return [held.use(make())];
  } catch (error) {
    const isRefused = error instanceof SystemError ||
      error instanceof NotSupportedError;
    if (!isRefused) throw error;
    return [];
  }
}

const shapes: [type: MapType, keySize: number, valueSize: number][] = [
  ["array", 4, 24],
  ["hash", 13, 7],
  ["lru_hash", 8, 8],
  ["percpu_array", 4, 8],
  ["percpu_hash", 4, 16],
  ["lru_percpu_hash", 4, 8],
  ["queue", 0, 8],
  ["stack", 0, 4],
  ["bloom_filter", 0, 8],
  ["prog_array", 4, 4],
  ["perf_event_array", 4, 4],
  ["cgroup_array", 4, 4],
  ["stack_trace", 4, 8],
  ["devmap", 4, 4],
  ["devmap_hash", 4, 4],
  ["cpumap", 4, 4],
  ["xskmap", 4, 4],
  ["sockmap", 4, 4],
  ["sockhash", 4, 4],
  ["reuseport_sockarray", 4, 4],
  ["ringbuf", 0, 0],
  ["user_ringbuf", 0, 0],
];

const maps: BpfMap[] = [];
for (const [type, keySize, valueSize] of shapes) {
  maps.push(...attempt(() =>
    BpfMap.create({
      type,
      name: `p_${type}`.slice(0, 15),
      keySize,
      valueSize,
      maxEntries: type.endsWith("ringbuf") ? 4096 : 4,
    })
  ));
}
const frozen = BpfMap.create({
  type: "array",
  valueSize: 8,
  maxEntries: 3,
  flags: ["mmapable"],
});
maps.push(held.use(frozen));
frozen.freeze();
frozen.pin(`${pins}/frozen`);
maps[1]!.pin(`${pins}/hash`);

const object = held.use(BpfObject.load(objectPath));
const iterators: BpfProgram[] = [];
maps.push(...Object.values(object.maps));
const programs = Object.values(object.programs);
for (const path of others) {
  for (const other of attempt(() => BpfObject.load(path))) {
    maps.push(...Object.values(other.maps));
    programs.push(...Object.values(other.programs));
    iterators.push(...Object.values(other.programs));
  }
}
const lo = { interface: "lo" } as const;
const clock = { kind: "perf_event", event: "cpu_clock", period: 1e9 } as const;
const uprobe = { kind: "uprobe", path: Deno.execPath(), offset: 4096 } as const;
const attachments: (() => BpfLink)[] = [
  () => object.program("count_syscalls").attach(),
  () => object.program("xdp_first").attach({ kind: "xdp", ...lo }),
  () => object.program("count_lookup").attach({ kind: "netns" }),
  () =>
    object.program("count_egress").attach({ kind: "cgroup", cgroup: group }),
  () =>
    object.program("count_connect").attach({ kind: "cgroup", cgroup: group }),
  () =>
    object.program("tc_first").attach({
      kind: "tcx",
      direction: "ingress",
      ...lo,
    }),
  () => object.program("count_event").attach({ ...clock, cpu: 0 }),
  () => object.program("count_calls").attach(uprobe),
  ...iterators.map((program) => () => program.attach({ kind: "iterator" })),
];
const links = attachments.flatMap(attempt);
links[0]!.pin(`${pins}/link`);
programs[0]!.pin(`${pins}/program`);

function bpftool(kind: string): unknown {
  const args = ["-j", "-f", kind, "show"];
  const { success, stdout, stderr } = new Deno.Command("bpftool", { args })
    .outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

const kinds = [
  ["maps", "map", maps],
  ["programs", "prog", programs],
  ["links", "link", links],
] as const;
const told: Record<string, unknown> = {};
for (const [ours, theirs, objects] of kinds) {
  told[ours] = {
    ids: objects.map(({ info }) => info.id),
    hostmem: await jsonOf(ours),
    bpftool: bpftool(theirs),
  };
}
console.log(JSON.stringify(told));
