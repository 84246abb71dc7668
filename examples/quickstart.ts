/**
 * The main job from beginning to end: typed pointers into the memory of a BPF
 * map, checked once, released when you say so.
 *
 * ```sh
 * npx -y deno@2.9.6 run --allow-ffi examples/quickstart.ts
 * ```
 *
 * Only root, or who has CAP_BPF, may make BPF maps. Everybody else gets a sealed
 * memfd in its place: memory just as real, that other processes can map.
 *
 * @module
 */

import {
  array,
  assign,
  atomic,
  declarationOf,
  HostLayout,
  Memory,
  pageSize,
  type Pointer,
  struct,
  SystemError,
  u16,
  u64,
  view,
} from "@hostmem/hostmem";
import { BpfMap } from "@hostmem/hostmem/bpf";

const Stats = struct("Stats", {
  _: HostLayout, // laid out as C lays it out on this host
  packets: atomic(u64),
  bytes: u64,
  ports: array(u16, 4),
});
interface Stats extends Pointer<typeof Stats> {}

function main(): void {
  console.log("What lies in the memory, as C has it:");
  console.log(indent(declarationOf(Stats)));
  const map = makeMap();
  if (map === undefined) useMemfd();
  else useMap(map);
}

/** A BPF array whose memory can be mapped, where the kernel lets us have one. */
function makeMap(): BpfMap | undefined {
  try {
    return BpfMap.create({
      type: "array",
      valueSize: Stats.size,
      maxEntries: 4,
      flags: ["mmapable"],
      name: "quickstart",
    });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    step("No BPF map for this user");
    say(error.message);
    say("So a sealed memfd takes its place; root would see a BPF map here.");
    return undefined;
  }
}

function useMap(map: BpfMap): void {
  using _map = map;
  const { id, valueSize, maxEntries } = map.info;
  step("A BPF map");
  say(
    `number ${id}: an array of ${maxEntries} entries of ${valueSize} bytes, in ${map.memorySize} bytes of kernel memory`,
  );

  step("Written through a typed pointer, without a system call");
  const stats: Stats = map.pointer(Stats, 2);
  fill(stats);
  say(stats);

  step("Read back through the system call bpf(BPF_MAP_LOOKUP_ELEM)");
  const bytes = map.lookup(2)!;
  say(hex(bytes));
  say(view(Stats, bytes));

  step("Closed: the kernel has its memory back, and the pointer knows");
  map.memory().close();
  attempt("stats.bytes", () => stats.bytes);

  step("Frozen for ever, and mapped again: the kernel allows reading alone");
  map.freeze();
  const memory = map.memory();
  say(`memory.readOnly is ${memory.readOnly}`);
  attempt("map.pointer(Stats, 2)", () => map.pointer(Stats, 2));
  attempt("map.view(Stats, 2)", () => map.view(Stats, 2));
  memory.close();
}

function useMemfd(): void {
  using memory = Memory.create(pageSize(), { name: "quickstart" });
  const fd = memory.fd!;
  step("A memfd");
  say(
    `descriptor ${fd}: ${memory.size} bytes, sealed so that nobody can take them away`,
  );

  step("Written through a typed pointer, without a system call");
  const stats: Stats = memory.pointer(Stats);
  fill(stats);
  say(stats);

  step("Read back through another mapping, as another process would map it");
  const other = Memory.map(fd, pageSize());
  const bytes = new Uint8Array(Stats.size);
  other.readAt(bytes, 0);
  say(hex(bytes));
  const view = other.view(Stats);
  say(view);

  step("Closed: the kernel has its memory back, and the view knows");
  other.close();
  attempt("view.bytes", () => view.bytes);

  step("Mapped again, for reading alone");
  using readable = Memory.map(fd, pageSize(), { readOnly: true });
  say(`memory.readOnly is ${readable.readOnly}`);
  attempt("memory.pointer(Stats)", () => readable.pointer(Stats));
  attempt("memory.view(Stats)", () => readable.view(Stats));
}

function fill(stats: Stats): void {
  stats.packets.add(7n); // atomic: no count is lost, whoever else adds
  stats.bytes += 448n;
  assign(stats, { ports: [22, 80, 443] });
}

/** Shows what an expression gives, or the error that it throws. */
function attempt(expression: string, evaluate: () => unknown): void {
  try {
    say(`${expression} gives`, evaluate());
  } catch (error) {
    say(`${expression} throws ${error}`);
  }
}

let steps = 0;

function step(title: string): void {
  console.log(`\n${++steps}. ${title}`);
}

function say(...values: unknown[]): void {
  console.log("  ", ...values);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "   ");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
}

main();
